/**
 * The bounds on requests to one server: so many in flight, so many a second, none while it wants to be left alone. They
 * are the site's: each of its workers takes its share. One limiter a server, so that a slow one delays nobody else's.
 */
import { fixedLimits, type Limits } from '../limits.ts';
import { type Clock, systemClock } from './clock.ts';
import { Rate } from './rate.ts';
import { ServerProblem } from './server-problem.ts';
import { SiteShare, type SiteShares } from './site-share.ts';

export interface LimiterOptions {
  /** The server's name in the site's state. */
  readonly server: string;
  readonly limits: Pick<Limits, 'requestsInFlightMax' | 'requestsPerSecondMax' | 'requestWaitSecondsMax'>;
  /** What the workers of the site share; without it this process has the limits for itself. */
  readonly shares?: SiteShares;
  readonly clock?: Clock;
}

export interface Limiter {
  /**
   * Runs a request when its turn has come, first come, first served.
   * @throws ServerProblem `given-back` when the signal comes first; `no-turn` where others take too long; status 429 with the time that is left where the
   * server is to be left alone for longer than a moment, so that whoever asks gives its place to others meanwhile
   */
  run<Result>(signal: AbortSignal | undefined, request: () => Promise<Result>): Promise<Result>;
  /** Leaves the server alone: no request of any worker of the site begins before so many seconds are over. */
  pause(seconds: number): void;
}

/** The limiter of one server. */
export const createLimiter = (options: LimiterOptions): Limiter => new ServerLimiter(options);

/** For a request that nobody shares a server with. */
export const noLimiter: Limiter = { run: (_signal, request) => request(), pause: () => undefined };

/** A request that waits. */
interface Turn {
  readonly begin: () => void;
  readonly refuse: (problem: ServerProblem) => void;
}

const patienceMs = fixedLimits.pauseWaitSecondsMax * 1_000;
const announceMs = fixedLimits.workerSeenSeconds * 1_000;

class ServerLimiter implements Limiter {
  readonly #limits: LimiterOptions['limits'];
  readonly #clock: Clock;
  readonly #share: SiteShare;
  readonly #rate = new Rate();
  readonly #waiting = new Set<Turn>();
  #inFlight = 0;
  #looking = false;
  #callOffWait: () => void = () => undefined;
  #staysSeen = false;

  constructor({ server, limits, shares, clock = systemClock }: LimiterOptions) {
    this.#limits = limits;
    this.#clock = clock;
    this.#share = new SiteShare(server, shares, clock);
  }

  async run<Result>(signal: AbortSignal | undefined, request: () => Promise<Result>): Promise<Result> {
    await this.#turn(signal);
    try {
      return await request();
    } finally {
      this.#inFlight -= 1;
      this.#next();
    }
  }

  pause(seconds: number): void {
    this.#share.pause(seconds);
    this.#next();
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let callOffPatience = (): void => undefined;
      const leave = (): void => {
        callOffPatience();
        this.#waiting.delete(turn);
        signal?.removeEventListener('abort', stop);
      };
      const turn: Turn = {
        begin: () => {
          leave();
          resolve();
        },
        refuse: (problem) => {
          leave();
          reject(problem);
        },
      };
      const stop = (): void => {
        turn.refuse(new ServerProblem('given-back'));
        this.#next();
      };
      if (signal?.aborted === true) {
        stop();
        return;
      }
      signal?.addEventListener('abort', stop, { once: true });
      this.#waiting.add(turn);
      this.#next();
      if (!this.#waiting.has(turn)) return;
      // Behind a server that hangs nobody keeps what others could use, such as an activity's place in the worker.
      callOffPatience = this.#clock.later(this.#limits.requestWaitSecondsMax * 1_000, () => {
        turn.refuse(new ServerProblem('no-turn'));
      });
    });
  }

  /** Begins what may begin, and sees to it that the rest is looked at again. */
  #next(): void {
    this.#callOffWait();
    for (const turn of this.#waiting) {
      if (this.#mustLook()) return;
      const pausedMs = this.#share.pausedForMs();
      if (pausedMs > patienceMs) {
        turn.refuse(new ServerProblem('status', 429, Math.ceil(pausedMs / 1_000)));
        continue;
      }
      const waitMs = Math.max(pausedMs, this.#rate.waitMs(this.#perSecond, this.#clock.now()));
      if (waitMs > 0) {
        this.#wait(waitMs);
        return;
      }
      // Whichever request ends next calls again.
      if (this.#inFlight >= this.#inFlightMax) return;
      this.#begin(turn);
    }
  }

  #begin(turn: Turn): void {
    this.#inFlight += 1;
    this.#rate.note(this.#clock.now());
    this.#staySeen();
    turn.begin();
  }

  #wait(ms: number): void {
    this.#callOffWait = this.#clock.later(ms, () => {
      this.#next();
    });
  }

  get #perSecond(): number {
    return this.#limits.requestsPerSecondMax / this.#share.workers;
  }

  get #inFlightMax(): number {
    return Math.max(1, Math.floor(this.#limits.requestsInFlightMax / this.#share.workers));
  }

  /** No request begins on what the site said more than a second ago. */
  #mustLook(): boolean {
    if (!this.#looking && this.#share.isStale()) this.#look();
    return this.#looking;
  }

  #look(): void {
    this.#looking = true;
    void this.#share.look().then(() => {
      this.#looking = false;
      this.#next();
    });
  }

  /** A request may take longer than a worker is remembered: looks go on as long as any is in flight or waits. */
  #staySeen(): void {
    if (this.#staysSeen) return;
    this.#staysSeen = true;
    const look = (): void => {
      this.#staysSeen = false;
      if (this.#inFlight === 0 && this.#waiting.size === 0) return;
      this.#staySeen();
      if (!this.#looking && this.#share.isStale()) this.#look();
    };
    this.#clock.later(announceMs, look, true);
  }
}
