/**
 * How many requests may begin in one second. Counted over each second that ends now, so that the bound holds across the
 * edge of any two seconds as well: a bucket that fills up while nobody asks lets twice as many through.
 */
import { limitRanges } from '../limits.ts';

const keptMax = limitRanges.requestsPerSecondMax.max;

export class Rate {
  #startsMs: number[] = [];

  /** How long the next request has to wait. Of less than one a second one may begin each `1 / perSecond` seconds. */
  waitMs(perSecond: number, nowMs: number): number {
    // A clock that was put back would have everybody wait for the old time to come again.
    if ((this.#startsMs.at(-1) ?? 0) > nowMs) this.#startsMs = [];
    const count = Math.max(1, Math.floor(perSecond));
    const windowMs = 1_000 / Math.min(1, perSecond);
    const start = this.#startsMs.at(-count);
    return start === undefined ? 0 : Math.max(0, start + windowMs - nowMs);
  }

  /** Notes that a request begins. */
  note(nowMs: number): void {
    this.#startsMs.push(nowMs);
    if (this.#startsMs.length > 2 * keptMax) this.#startsMs = this.#startsMs.slice(-keptMax);
  }
}
