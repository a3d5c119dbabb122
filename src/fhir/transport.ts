/**
 * HTTP to one FHIR server, with its credentials.
 * No retries here: Temporal retries the step (src/workflows/steps.ts), so that each try is visible.
 */
import type { Method } from 'got';

import type { Authorizer } from './auth.ts';
import { type Answer, createHttp, type Http, type HttpOptions } from './http.ts';
import { ServerProblem } from './server-problem.ts';

export type { Answer } from './http.ts';
export { retryAfterSeconds } from './retry-after.ts';

export interface TransportOptions extends HttpOptions {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly authorizer: Authorizer;
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
}

/** A transport to the server at `url`. */
export function createTransport(options: TransportOptions): Transport {
  const http = createHttp(options);
  const { authorizer } = options;
  return {
    async request(request) {
      const first = await credentials(authorizer, request.signal);
      const answer = await send(http, options.url, request, first);
      if (answer.status !== 401 || !authorizer.renew(first)) return answer;
      // The token ran out earlier than it said: once more with a new one.
      return send(http, options.url, request, await credentials(authorizer, request.signal));
    },
  };
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

function send(http: Http, base: string, request: RequestOptions, authorization: string): Promise<Answer> {
  const { method, path, body, headers, signal } = request;
  return http({
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
  });
}
