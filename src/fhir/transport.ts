/**
 * HTTP to one FHIR server: TLS, credentials, time-outs, bounded answers, and errors that hold no data.
 * No retries here: Temporal retries the step (src/workflows/steps.ts), so that each try is visible.
 */
import got, { type Got, type Method, type Response, RequestError } from 'got';

import type { Authorizer } from './auth.ts';
import { ServerProblem } from './server-problem.ts';

export interface TransportOptions {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly authorizer: Authorizer;
  /** PEM of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  readonly requestTimeoutSeconds: number;
  readonly answerBytesMax: number;
}

export interface RequestOptions {
  readonly method: Method;
  /** Path and query below the base address. Never an id of a source resource: it would stand in access logs. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly body: Buffer;
}

export interface Transport {
  /** Any HTTP status is an answer; only a missing or oversized answer throws `ServerProblem`. */
  request(options: RequestOptions): Promise<Answer>;
}

/** A transport over got with kept connections. */
export function createTransport(options: TransportOptions): Transport {
  const client = got.extend({
    prefixUrl: options.url,
    throwHttpErrors: false,
    // A redirect would carry credentials and data to a place that nobody configured.
    followRedirect: false,
    retry: { limit: 0 },
    timeout: { request: options.requestTimeoutSeconds * 1_000, connect: 10_000 },
    https: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { certificateAuthority: options.ca }) },
    responseType: 'buffer',
    http2: false,
  });
  return {
    async request(request) {
      const answer = await send(client, options, request);
      if (answer.status !== 401 || !options.authorizer.renew()) return answer;
      // The token ran out earlier than it said: once more with a new one.
      return send(client, options, request);
    },
  };
}

async function send(client: Got, options: TransportOptions, request: RequestOptions): Promise<Answer> {
  const authorization = await options.authorizer.header();
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort();
  };
  request.signal?.addEventListener('abort', stop, { once: true });
  let tooLarge = false;
  try {
    const pending = client(request.path, {
      method: request.method,
      signal: abort.signal,
      headers: {
        accept: 'application/json',
        authorization,
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    void pending.on('downloadProgress', ({ transferred }) => {
      if (transferred <= options.answerBytesMax) return;
      tooLarge = true;
      stop();
    });
    const response = await pending;
    return { status: response.statusCode, headers: response.headers, body: Buffer.from(response.body) };
  } catch (error) {
    if (tooLarge) throw new ServerProblem('answer-too-large');
    if (request.signal?.aborted === true) throw new ServerProblem('given-back');
    if (error instanceof ServerProblem) throw error;
    // Whatever got says quotes the address; only the kind of the failure goes on.
    if (error instanceof RequestError) throw new ServerProblem('unreachable');
    throw error;
  } finally {
    request.signal?.removeEventListener('abort', stop);
  }
}

/** Seconds asked for by `Retry-After`, as seconds or as an HTTP date (RFC 9110, 10.2.3); garbage is no answer. */
export function retryAfterSeconds(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (!/^[A-Z][a-z]{2}, /.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}

/** Throws the problem that an unexpected status is. */
export function refuse(answer: Answer): never {
  throw new ServerProblem('status', answer.status, retryAfterSeconds(answer.headers['retry-after'], Date.now()));
}

/** Parses a JSON answer; a parse error would quote the text, so it becomes a constant. */
export function parseAnswer(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw new ServerProblem('answer-malformed', 0);
  }
}
