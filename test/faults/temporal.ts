/**
 * What Temporal does for a workflow, honestly bad: attempts that are given up and go on in the background, attempts
 * whose result is lost, attempts side by side, workers that die or sleep and others that take over.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';

import { isTroubleCode, type TroubleCode } from '../../src/sync/trouble.ts';
import type { Dice } from './random.ts';
import type { SiteProcess } from './process.ts';

export type Outcome<Value> = { readonly value: Value } | { readonly trouble: TroubleCode };

export type ActivityName = Exclude<keyof SiteProcess['activities'], `step-${string}`>;
type Result<Name extends ActivityName> = Awaited<ReturnType<SiteProcess['activities'][Name]>>;

export interface TemporalInput {
  readonly dice: Dice;
  /** A process that works now; waits for one where there is none. */
  readonly running: (dice: Dice) => Promise<SiteProcess>;
  /** Share of the attempts that are given up, done twice, cancelled or whose result is lost. */
  readonly share: number;
  readonly onFailure: (failure: unknown) => void;
}

type Fate = 'plain' | 'given-up' | 'lost-result' | 'cancelled';

const nothing = (): void => undefined;
const logger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
const info = { startToCloseTimeoutMs: 30 * 60_000, heartbeatTimeoutMs: 60_000 };
const attemptsMax = 10;

type Settled<Value> =
  { readonly kind: 'done'; readonly value: Value } | { readonly kind: 'failed'; readonly error: unknown };
type Ended = { readonly kind: 'ended' };

export class Temporal {
  readonly hits = new Map<string, number>();
  readonly #input: TemporalInput;
  readonly #counts = new Map<string, number>();
  readonly #orphans = new Set<Promise<unknown>>();
  #calm = false;

  constructor(input: TemporalInput) {
    this.#input = input;
  }

  calm(): void {
    this.#calm = true;
  }

  /** Waits for attempts that nobody waits for. */
  async orphansEnd(): Promise<void> {
    while (this.#orphans.size > 0) await Promise.allSettled([...this.#orphans]);
  }

  get orphans(): number {
    return this.#orphans.size;
  }

  /** Runs an activity as often as it takes, or says in the end what the trouble is. */
  async execute<Name extends ActivityName>(
    name: Name,
    label: string,
    run: (process: SiteProcess) => Promise<Result<Name>>,
  ): Promise<Outcome<Result<Name>>> {
    for (let attempt = 1; ; attempt += 1) {
      const dice = this.#diceOf(`${name} ${label}`);
      const fate = this.#fate(dice);
      const process = await this.#input.running(dice.of('worker'));
      const end = await this.#attempt(process, name, run, fate, dice);
      // What an attempt says that was given up, or of a dead process, nobody hears.
      if (end.kind === 'ended' || process.gate.isDead) continue;
      if (fate === 'lost-result' && end.kind === 'done') continue;
      if (end.kind === 'done') return { value: end.value };
      this.#input.onFailure(end.error);
      const { code, retryable, delayMs } = troubleOf(end.error);
      if (!retryable || attempt >= attemptsMax) return { trouble: code };
      await sleep(delayMs);
    }
  }

  async #attempt<Value>(
    process: SiteProcess,
    name: string,
    run: (process: SiteProcess) => Promise<Value>,
    fate: Fate,
    dice: Dice,
  ): Promise<Settled<Value> | Ended> {
    const environment = new MockActivityEnvironment(info, { logger });
    const work = environment
      .run(async () => {
        await process.gate.pass(`activity ${name} before`);
        const value = await run(process);
        await process.gate.pass(`activity ${name} after`);
        return value;
      })
      .then(
        (value): Settled<Value> => ({ kind: 'done', value: value as Value }),
        (error: unknown): Settled<Value> => ({ kind: 'failed', error }),
      );
    this.#orphans.add(work);
    void work.finally(() => this.#orphans.delete(work));
    const over = process.gate.ended.then((how): Ended => {
      // A dead process's requests end with it; a sleeping one finds that its time is over when it looks.
      if (how === 'killed') environment.cancel();
      else Object.assign(environment.context.info, { startToCloseTimeoutMs: -1 });
      return { kind: 'ended' };
    });
    const limits: Promise<Settled<Value> | Ended>[] = [work, over];
    if (fate === 'given-up') limits.push(sleep(dice.between(1, 40)).then((): Ended => ({ kind: 'ended' })));
    if (fate === 'cancelled')
      void sleep(dice.between(0, 30)).then(() => {
        environment.cancel();
      });
    return Promise.race(limits);
  }

  #diceOf(what: string): Dice {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    return this.#input.dice.of(`${what} ${String(count)}`);
  }

  #fate(dice: Dice): Fate {
    if (this.#calm || !dice.chance(this.#input.share)) return 'plain';
    const fate = dice.weighted<Fate>({ 'given-up': 4, 'lost-result': 2, cancelled: 2 });
    this.hits.set(`attempt ${fate}`, (this.hits.get(`attempt ${fate}`) ?? 0) + 1);
    return fate;
  }
}

function troubleOf(error: unknown): { code: TroubleCode; retryable: boolean; delayMs: number } {
  if (!(error instanceof ApplicationFailure)) return { code: 'given-back', retryable: true, delayMs: 1 };
  const code = isTroubleCode(error.type) ? error.type : 'unexpected';
  const delayMs = Math.min(50, Number(error.nextRetryDelay ?? 0) / 1_000 + 1);
  return { code, retryable: error.nonRetryable !== true, delayMs };
}
