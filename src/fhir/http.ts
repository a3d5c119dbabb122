/**
 * One HTTP exchange: TLS, time-outs, a bounded answer, and errors that hold no data. What got throws quotes the
 * address and sometimes the body, so none of it leaves this file.
 */
import { isUtf8 } from 'node:buffer';
import got, { type Method, RequestError, type Response } from 'got';

import { retryAfterSeconds } from './retry-after.ts';
import { ServerProblem } from './server-problem.ts';

export interface HttpOptions {
  /** PEM of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  readonly requestTimeoutSeconds: number;
  readonly answerBytesMax: number;
}

export interface HttpRequest {
  readonly method: Method;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly body: Buffer;
}

/** Sends a request. Any HTTP status is an answer; a missing or oversized answer throws `ServerProblem`. */
export type Http = (request: HttpRequest) => Promise<Answer>;

const tooLarge = Symbol('answer-too-large');

/** HTTP over got with kept connections. */
export function createHttp(options: HttpOptions): Http {
  const client = got.extend({
    throwHttpErrors: false,
    // A redirect would carry credentials and data to a place that nobody configured.
    followRedirect: false,
    retry: { limit: 0 },
    timeout: { request: options.requestTimeoutSeconds * 1_000, connect: 10_000 },
    https: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { certificateAuthority: options.ca }) },
    responseType: 'buffer',
    http2: false,
    // A compressed answer could be a thousand times larger than what is counted on its way in.
    decompress: false,
    headers: { 'accept-encoding': 'identity', 'user-agent': 'fhir-sluice' },
  });
  return async ({ method, url, headers, body, signal }) => {
    const givenBack = (): boolean => signal?.aborted === true;
    // An abort that came before is never announced again.
    if (givenBack()) throw new ServerProblem('given-back');
    const abort = new AbortController();
    const stop = (): void => {
      abort.abort();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const pending = client(url, { method, signal: abort.signal, headers, ...(body === undefined ? {} : { body }) });
      void pending.on('downloadProgress', ({ transferred }) => {
        if (transferred > options.answerBytesMax) abort.abort(tooLarge);
      });
      const response = await pending;
      // The last piece of an answer is not announced before it is there.
      if (response.body.length > options.answerBytesMax) throw new ServerProblem('answer-too-large');
      return { status: response.statusCode, headers: response.headers, body: asBuffer(response.body) };
    } catch (error) {
      if (abort.signal.reason === tooLarge) throw new ServerProblem('answer-too-large');
      if (givenBack()) throw new ServerProblem('given-back');
      if (error instanceof RequestError) throw new ServerProblem(isDistrust(error.code) ? 'untrusted' : 'unreachable');
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
}

/** OpenSSL's and Node's codes for a certificate that does not convince. */
const isDistrust = (code: string): boolean =>
  /CERT|SELF_SIGNED|VERIFY|ALTNAME|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL/.test(code);

/** The same bytes: an answer may have 64 MB, too many to copy. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Throws the problem that an unexpected status is. */
export function refuse(answer: Answer): never {
  throw new ServerProblem('status', answer.status, retryAfterSeconds(answer.headers['retry-after'], Date.now()));
}

/** Parses a JSON answer; a parse error would quote the text, so it becomes a constant. */
export function parseAnswer(answer: Answer): unknown {
  // Bytes that are no UTF-8 would turn into replacement characters without a word.
  if (!isUtf8(answer.body)) throw new ServerProblem('answer-malformed');
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw new ServerProblem('answer-malformed');
  }
}
