import type { IncomingHttpHeaders } from 'node:http';

/** What the server has been asked for, so that a test can count instead of measuring time. */
export class Counters {
  /** By method and route, such as `GET /{Type}/$changes`. */
  readonly requests = new Map<string, number>();
  /** By status of the answer. */
  readonly answers = new Map<number, number>();
  /** Resource versions committed over HTTP. */
  resourcesIn = 0;
  /** Resources sent in pages of `$changes` and in dumps. */
  resourcesOut = 0;
  bytesIn = 0;
  bytesOut = 0;

  /** Requests in all. */
  get total(): number {
    let total = 0;
    for (const count of this.requests.values()) total += count;
    return total;
  }

  /** Requests of one route, `of('GET /{Type}/$changes')`. */
  of(route: string): number {
    return this.requests.get(route) ?? 0;
  }

  countRequest(route: string): void {
    this.requests.set(route, this.of(route) + 1);
  }

  countAnswer(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  reset(): void {
    this.requests.clear();
    this.answers.clear();
    this.resourcesIn = this.resourcesOut = this.bytesIn = this.bytesOut = 0;
  }
}

/** A request as it is kept for tests to look at; credentials are left out. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body?: string;
}

/** Drops the credentials of a request's headers. */
export function withoutCredentials(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { authorization: _authorization, cookie: _cookie, ...rest } = headers;
  return rest;
}
