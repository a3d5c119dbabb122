/**
 * One HTTP exchange: TLS, time-outs, a bounded answer, and errors that hold no data. What got throws quotes the
 * address and sometimes the body, so none of it leaves this file.
 */
import { isUtf8 } from 'node:buffer';
import got, { type Got, type Method, RequestError, type Response } from 'got';

import type { Json } from './resource.ts';
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
export interface Http {
  (request: HttpRequest): Promise<Answer>;
  /**
   * An answer of any length, piece by piece, as fast as `read` takes it: nothing of it is kept. One that is not 200 is not
   * read. An answer that is cut, or whose next piece takes longer than a request may, throws `ServerProblem`.
   */
  stream(request: HttpRequest, read: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<StreamedAnswer>;
}

export type StreamedAnswer = Pick<Answer, 'status' | 'headers'>;

const tooLarge = Symbol('answer-too-large');

/** HTTP over got with kept connections. */
export function createHttp(options: HttpOptions): Http {
  const base = got.extend({
    throwHttpErrors: false,
    // A redirect would carry credentials and data to a place that nobody configured.
    followRedirect: false,
    retry: { limit: 0 },
    https: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { certificateAuthority: options.ca }) },
    responseType: 'buffer',
    http2: false,
    // A compressed answer could be a thousand times larger than what is counted on its way in.
    decompress: false,
    headers: { 'accept-encoding': 'identity', 'user-agent': 'fhir-sluice' },
  });
  const patienceMs = options.requestTimeoutSeconds * 1_000;
  const client = base.extend({ timeout: { request: patienceMs, connect: 10_000 } });
  const request = async ({ method, url, headers, body, signal }: HttpRequest): Promise<Answer> => {
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
  return Object.assign(request, {
    stream: (streamed: HttpRequest, read: (pieces: AsyncIterable<Uint8Array>) => Promise<void>) =>
      stream(base, patienceMs, streamed, read),
  });
}

async function stream(
  client: Got,
  patienceMs: number,
  { method, url, headers, signal }: HttpRequest,
  read: (pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<StreamedAnswer> {
  if (signal?.aborted === true) throw new ServerProblem('given-back');
  // No bound on the whole: an answer of hours is no failure as long as its pieces come.
  const answer = client.stream(url, { method, headers, timeout: { connect: 10_000, response: patienceMs } });
  const stop = (): void => {
    answer.destroy();
  };
  signal?.addEventListener('abort', stop, { once: true });
  const problem = (error: unknown): unknown => {
    if (signal?.aborted === true) return new ServerProblem('given-back');
    if (!(error instanceof RequestError)) return new ServerProblem('unreachable');
    return new ServerProblem(isDistrust(error.code) ? 'untrusted' : 'unreachable');
  };
  try {
    const { statusCode, headers: answered } = await responseOf(answer).catch((error: unknown) => {
      throw problem(error);
    });
    if (statusCode === 200) await read(piecesOf(answer, patienceMs, problem));
    return { status: statusCode, headers: answered };
  } finally {
    signal?.removeEventListener('abort', stop);
    // Whatever comes of it after this is nobody's any more.
    answer.on('error', () => undefined);
    answer.destroy();
  }
}

type Streaming = ReturnType<Got['stream']>;

function responseOf(answer: Streaming): Promise<Response> {
  return new Promise((resolve, reject) => {
    answer.once('response', resolve);
    answer.once('error', reject);
    answer.once('close', () => {
      reject(new ServerProblem('unreachable'));
    });
  });
}

/** The pieces of an answer; time runs while the server is waited for, and not while a piece is worked on. */
async function* piecesOf(
  answer: Streaming,
  patienceMs: number,
  problem: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  const pieces = answer[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const patience = setTimeout(() => answer.destroy(), patienceMs);
    let next: IteratorResult<Uint8Array>;
    try {
      next = await pieces.next();
    } catch (error) {
      throw problem(error);
    } finally {
      clearTimeout(patience);
    }
    // A stream that was destroyed ends like one that is through.
    if (next.done === true && !answer.readableEnded) throw problem(undefined);
    if (next.done === true) return;
    yield next.value;
  }
}

/** OpenSSL's and Node's codes for a certificate that does not convince. */
const isDistrust = (code: string): boolean =>
  /CERT|SELF_SIGNED|VERIFY|ALTNAME|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL/.test(code);

/** The same bytes: an answer may have 64 MB, too many to copy. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Throws the problem that an unexpected status is. */
export function refuse(answer: StreamedAnswer): never {
  throw new ServerProblem('status', answer.status, retryAfterSeconds(answer.headers['retry-after'], Date.now()));
}

/** Parses a JSON answer; a parse error would quote the text, so it becomes a constant. */
export const parseAnswer = (answer: Answer): unknown => parseBytes(answer.body);

export function parseBytes(bytes: Buffer): Json {
  // Bytes that are no UTF-8 would turn into replacement characters without a word.
  if (!isUtf8(bytes)) throw new ServerProblem('answer-malformed');
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch {
    throw new ServerProblem('answer-malformed');
  }
}
