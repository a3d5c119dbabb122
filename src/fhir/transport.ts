/**
 * HTTP to one FHIR server, with its credentials and within its limits.
 * No retries here: Temporal retries the step (src/workflows/steps.ts), so that each try is visible.
 */
import type { Method } from 'got';

import type { Authorizer } from './auth.ts';
import { type Answer, createHttp, type HttpOptions, type HttpRequest, type StreamedAnswer } from './http.ts';
import { type Limiter, noLimiter } from './limiter.ts';
import { retryAfterSeconds } from './retry-after.ts';
import { ServerProblem } from './server-problem.ts';

export type { Answer } from './http.ts';
export { retryAfterSeconds } from './retry-after.ts';

export interface TransportOptions extends HttpOptions {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly authorizer: Authorizer;
  /** Bounds on the requests to this server; none by default. */
  readonly limiter?: Limiter;
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

export interface Transport {
  /** Any HTTP status is an answer; only a missing or oversized answer throws `ServerProblem`. */
  request(options: RequestOptions): Promise<Answer>;
  /**
   * An answer without bound, piece by piece; `read` gets those of a 200 alone. It counts as in flight until it is read: `read`
   * must ask the same server for nothing.
   */
  stream(options: RequestOptions, read: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<StreamedAnswer>;
}

/** A transport to the server at `url`. */
export function createTransport(options: TransportOptions): Transport {
  const http = createHttp(options);
  const { authorizer, limiter = noLimiter } = options;
  /** One request, with the credentials that it was sent with. Asking for a token takes no turn of its own. */
  const once = <Got extends StreamedAnswer>(
    request: RequestOptions,
    exchange: (request: HttpRequest) => Promise<Got>,
  ): Promise<{ answer: Got; sentWith: string }> =>
    limiter.run(request.signal, async () => {
      const sentWith = await credentials(authorizer, request.signal).catch((error: unknown) => {
        if (error instanceof ServerProblem) obey(limiter, error.status, error.retryAfterSeconds);
        throw error;
      });
      const answer = await exchange(httpRequest(options.url, request, sentWith));
      obey(limiter, answer.status, retryAfterSeconds(answer.headers['retry-after'], Date.now()));
      return { answer, sentWith };
    });
  const exchanged = async <Got extends StreamedAnswer>(
    request: RequestOptions,
    exchange: (request: HttpRequest) => Promise<Got>,
  ): Promise<Got> => {
    const { answer, sentWith } = await once(request, exchange);
    if (answer.status !== 401 || !authorizer.renew(sentWith)) return answer;
    // The token ran out earlier than it said: once more with a new one.
    return (await once(request, exchange)).answer;
  };
  return {
    request: (request) => exchanged(request, http),
    stream: (request, read) => exchanged(request, (sent) => http.stream(sent, read)),
  };
}

/** A server that says how long it wants to be left alone is left alone by everybody, not by this request only. */
function obey(limiter: Limiter, status: number, seconds: number | undefined): void {
  if ((status === 429 || status === 503) && seconds !== undefined && seconds > 0) limiter.pause(seconds);
}

/** The credentials; whoever is told to stop does not wait for a token. */
function credentials(authorizer: Authorizer, signal: AbortSignal | undefined): Promise<string> {
  if (signal === undefined) return authorizer.header();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(new ServerProblem('given-back'));
    };
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop, { once: true });
    authorizer
      .header()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', stop);
      });
  });
}

function httpRequest(base: string, request: RequestOptions, authorization: string): HttpRequest {
  const { method, path, body, headers, signal } = request;
  return {
    method,
    url: `${base}/${path}`,
    headers: {
      accept: 'application/json',
      authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  };
}
