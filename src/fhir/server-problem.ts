/** Why a request to a server gave no usable answer. */

/** The kind of failure, beside an HTTP status. Constants, never data. */
export type ServerFailure =
  'unreachable' | 'untrusted' | 'answer-malformed' | 'answer-too-large' | 'status' | 'given-back' | 'no-turn';

/** A request that failed. The message is constant: URL, body and cause never reach it. */
export class ServerProblem extends Error {
  readonly failure: ServerFailure;
  /** HTTP status where there was one, else 0. */
  readonly status: number;
  /** What `Retry-After` asked for. */
  readonly retryAfterSeconds: number | undefined;

  constructor(failure: ServerFailure, status = 0, retryAfterSeconds?: number) {
    super(status === 0 ? `server-${failure}` : `server-status-${String(status)}`);
    this.name = 'ServerProblem';
    this.failure = failure;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
