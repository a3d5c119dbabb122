/**
 * Contenders measured in one process, in interleaved rounds: what slows the machine down for a while slows all of them.
 * Rates of different runs are not comparable on shared cores; ratios within a run are.
 */
import { collectGarbage } from './memory.ts';

/** One way to do the work. */
export interface Contender {
  readonly name: string;
  /**
   * One pass over the whole set. The number that it returns depends on all of the work, so that no compiler can leave some
   * of it out.
   */
  readonly pass: () => number;
}

/** The median of some figures, with the least and the greatest of them. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface RaceOptions {
  /** Measured rounds, after `warmUps`. */
  readonly rounds: number;
  /** Resources in a pass. */
  readonly resources: number;
  /** A pass that takes less time than this is repeated within a round: short measurements are noise. 0: once a round. */
  readonly millisecondsMin: number;
  /** Called before each round, warm-ups included, outside what is measured. */
  readonly prepare?: (round: number) => void;
}

/** Rounds that only teach the compiler. */
const warmUps = 3;

/** Rates of each contender, in resources a second of processor time, one for each round. */
export class Race {
  readonly #rates: ReadonlyMap<string, readonly number[]>;

  constructor(rates: ReadonlyMap<string, readonly number[]>) {
    this.#rates = rates;
  }

  #of(name: string): readonly number[] {
    const rates = this.#rates.get(name);
    if (rates === undefined) throw new Error(`no contender ${name}`);
    return rates;
  }

  rate(name: string): Spread {
    return spread(this.#of(name));
  }

  /** The rate of one over that of another, round by round. */
  ratio(name: string, over: string): Spread {
    const below = this.#of(over);
    return spread(this.#of(name).map((rate, round) => rate / below[round]!));
  }
}

export function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** What passes return goes here, where it can be seen. */
export const sink = { sum: 0 };

/**
 * Milliseconds of processor time that so many passes take of this thread. Not the clock's: on cores that others use too, a
 * pass would be measured with the time in which it was not running at all.
 */
function measure({ pass }: Contender, times: number): number {
  collectGarbage(); // each begins with a clean heap and pays for its own garbage
  const start = process.threadCpuUsage();
  for (let time = 0; time < times; time++) sink.sum += pass();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}

/** Warms all up, then measures them in turn: A B C, C B A, A B C …, so that none always follows the same one. */
export function race(contenders: readonly Contender[], options: RaceOptions): Race {
  const { rounds, resources, millisecondsMin, prepare } = options;
  const times = new Map<string, number>();
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round++) {
    prepare?.(round);
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const { name } = contender;
      if (round < warmUps) {
        const taken = measure(contender, 1);
        times.set(name, millisecondsMin > taken && taken > 0 ? Math.ceil(millisecondsMin / taken) : 1);
        continue;
      }
      const passes = times.get(name)!;
      rates.get(name)!.push((1000 * passes * resources) / measure(contender, passes));
    }
  }
  return new Race(rates);
}
