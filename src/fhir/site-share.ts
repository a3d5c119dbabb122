/**
 * What all workers of a site know of one server: how many they are, and until when it wants to be left alone. Asked of
 * the site's state at most once a second; trouble there stops no request: what was known last goes on to hold.
 */
import { fixedLimits } from '../limits.ts';
import type { Clock } from './clock.ts';

/** What the site's state says of a server. */
export interface SiteNews {
  /** Workers at work, this one included. */
  readonly workers: number;
  /** Until when the server is left alone; 0 where it never asked for it. */
  readonly pausedUntilMs: number;
}

/** The site's state as the limits see it (src/state/shares.ts). */
export interface SiteShares {
  /** Says that this worker is at work, and hears what the others say. */
  look(server: string): Promise<SiteNews>;
  /** Has all workers leave a server alone until then. */
  pause(server: string, untilMs: number): Promise<void>;
}

const capMs = fixedLimits.retryAfterSecondsMax * 1_000;
const lookEveryMs = fixedLimits.siteLookSecondsMin * 1_000;

export class SiteShare {
  readonly #server: string;
  readonly #shares: SiteShares | undefined;
  readonly #clock: Clock;
  #workers = 1;
  #pausedUntilMs = 0;
  /** The pause that the state told last: told again it is no new one. */
  #toldUntilMs = 0;
  /** The pause that was written last. */
  #writtenUntilMs = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  /** Without `shares` the process is alone. */
  constructor(server: string, shares: SiteShares | undefined, clock: Clock) {
    this.#server = server;
    this.#shares = shares;
    this.#clock = clock;
  }

  /** Workers that share the limits. */
  get workers(): number {
    return this.#workers;
  }

  /** How long the server is still to be left alone. */
  pausedForMs(): number {
    const now = this.#clock.now();
    // Nobody is left alone longer, whatever has become of the clock since.
    this.#pausedUntilMs = Math.min(this.#pausedUntilMs, now + capMs);
    return Math.max(0, this.#pausedUntilMs - now);
  }

  /** Leaves the server alone, here at once and in all other workers when they look. A pause is never made shorter. */
  pause(seconds: number): void {
    const untilMs = this.#clock.now() + Math.min(seconds * 1_000, capMs);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    // Many requests are refused together: the others need one of the answers.
    if (this.#shares === undefined || untilMs < this.#writtenUntilMs + lookEveryMs) return;
    this.#writtenUntilMs = untilMs;
    this.#shares.pause(this.#server, untilMs).catch(() => {
      this.#writtenUntilMs = 0;
    });
  }

  /** Whether it is time to ask the state again. */
  isStale(): boolean {
    // Either way: a clock that was put back must not end the asking.
    const sinceMs = Math.abs(this.#clock.now() - this.#askedMs);
    return this.#shares !== undefined && !this.#asking && sinceMs >= lookEveryMs;
  }

  /** Asks the state; done when it has answered or the time for that is over: an answer that comes later still counts. */
  look(): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#clock.later(fixedLimits.siteLookMsMax, resolve);
      void this.#ask().then(() => {
        callOff();
        resolve();
      });
    });
  }

  async #ask(): Promise<void> {
    if (this.#shares === undefined) return;
    this.#asking = true;
    this.#askedMs = this.#clock.now();
    try {
      this.#learn(await this.#shares.look(this.#server));
    } catch {
      // The state is in trouble, and says so to whoever cannot do without it.
    } finally {
      this.#asking = false;
    }
  }

  #learn({ workers, pausedUntilMs }: SiteNews): void {
    this.#workers = Math.max(1, workers);
    if (pausedUntilMs === this.#toldUntilMs) return;
    this.#toldUntilMs = pausedUntilMs;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, pausedUntilMs);
  }
}
