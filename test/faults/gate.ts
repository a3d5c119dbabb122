/**
 * Named places in a process where it can be killed or paused: every call that leaves its memory passes one before and one
 * after. A killed process has no effect any more; a paused one (SIGSTOP, a sleeping machine) goes on when it is woken.
 */
import type { Dice } from './random.ts';

export class Killed extends Error {
  constructor() {
    super('killed');
    this.name = 'Killed';
  }
}

/** What is to happen at the n-th pass of a place. */
export interface Strike {
  readonly what: 'kill' | 'pause';
  /** A prefix of the place's name. */
  readonly place: string;
  readonly nth: number;
}

/** Places and how often they are chosen; a prefix stands for all places that begin with it. */
const places = {
  'activity fetchChanges': 2,
  'activity anonymize': 1,
  'activity authorize': 1,
  'activity commit': 2,
  'activity beginResync': 1,
  'hub.transaction before': 4,
  'hub.transaction after': 4,
  'instance.transaction': 1,
  'hub.read': 2,
  'instance.page': 1,
  'instance.current': 1,
  'state begin': 4,
  'state statement': 4,
  'state end': 3,
  'state done': 4,
  'state query': 2,
  'staging.write before': 2,
  'staging.write middle': 2,
  'staging.write after': 2,
  'staging.discard': 2,
  'staging.read': 1,
  'pool.': 1,
} as const;

/** @param pausesWithin - whether a process may stop within a transaction of its state: in a file nobody else gets in meanwhile */
export function drawStrikes(dice: Dice, count: number, pausesWithin = false): Strike[] {
  return Array.from({ length: count }, () => {
    const place = dice.weighted(places);
    const mayPause = pausesWithin || (!place.startsWith('state statement') && !place.startsWith('state end'));
    return {
      what: mayPause && dice.chance(0.35) ? 'pause' : 'kill',
      place,
      nth: dice.chance(0.5) ? dice.between(1, 4) : dice.between(1, 25),
    };
  });
}

/** Counts passes over the whole run, and says when a strike is due. */
export class Strikes {
  readonly hits = new Map<string, number>();
  #open: { strike: Strike; left: number }[];

  constructor(strikes: readonly Strike[]) {
    this.#open = strikes.map((strike) => ({ strike, left: strike.nth }));
  }

  calm(): void {
    this.#open = [];
  }

  pass(place: string): Strike | undefined {
    // One strike after the other: each is looked for from where the one before it fell.
    const [next] = this.#open;
    if (next === undefined || !place.startsWith(next.strike.place)) return undefined;
    next.left -= 1;
    if (next.left > 0) return undefined;
    this.#open.shift();
    const name = `${next.strike.what} ${next.strike.place}`;
    this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
    return next.strike;
  }
}

/** A process's life as its gates see it. */
export class Gate {
  #dead = false;
  #asleep: PromiseWithResolvers<undefined> | undefined;
  readonly #ended = Promise.withResolvers<'killed' | 'paused'>();
  readonly #strikes: Strikes;

  constructor(strikes: Strikes) {
    this.#strikes = strikes;
  }

  /** Resolves when nobody can expect anything of the process any more. */
  get ended(): Promise<'killed' | 'paused'> {
    return this.#ended.promise;
  }

  get isAlive(): boolean {
    return !this.#dead && this.#asleep === undefined;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
    this.#ended.resolve('killed');
    this.wake();
  }

  pause(): void {
    this.#asleep ??= Promise.withResolvers<undefined>();
    this.#ended.resolve('paused');
  }

  wake(): void {
    this.#asleep?.resolve(undefined);
    this.#asleep = undefined;
  }

  async pass(place: string): Promise<void> {
    const strike = this.isAlive ? this.#strikes.pass(place) : undefined;
    if (strike?.what === 'kill') this.kill();
    if (strike?.what === 'pause') this.pause();
    await this.#asleep?.promise;
    if (this.#dead) throw new Killed();
  }

  /** The same where the process must not stop: within a transaction of the state. */
  passWithin(place: string): void {
    if (this.isAlive && this.#strikes.pass(place)?.what === 'kill') this.kill();
    if (this.#dead) throw new Killed();
  }
}
