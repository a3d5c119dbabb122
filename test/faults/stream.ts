/** A stream's workflow without Temporal: `src/workflows/sync-resource-type.ts` step by step, over attempts that go wrong. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Batch, FetchResult, InFlight, StreamKey } from '../../src/activities/contract.ts';
import { type TroubleCode, troubles } from '../../src/sync/trouble.ts';
import { advance } from '../../src/sync/window.ts';
import type { Dice } from './random.ts';
import type { Outcome, Temporal } from './temporal.ts';

type FetchedBatch = Extract<FetchResult, { kind: 'batch' }>;
type BatchEnd = 'committed' | 'denied' | 'anew';

/** Troubles that only a broken product or a broken harness can have. */
const mustNotBe = (code: TroubleCode): boolean =>
  ['operator', 'resync', 'bug'].includes(troubles[code].kind) && code !== 'leftovers-many';

export interface StreamInput {
  readonly stream: StreamKey;
  readonly temporal: Temporal;
  readonly dice: Dice;
  readonly onBroken: (what: string) => void;
  readonly onCommitted: (batch: Batch) => void;
  /** The run has ended, however it did: a stream that finds no end gives up. */
  readonly isOver: () => boolean;
  /** Troubles that are an operator's elsewhere, and end by themselves in this run. */
  readonly tolerated: ReadonlySet<TroubleCode>;
}

/** The run is of no use any more. */
class Stopped extends Error {}

export class Stream {
  readonly key: StreamKey;
  readonly #input: StreamInput;
  readonly #label: string;
  #running: Promise<void> | undefined;
  #wake = false;
  #askFirst = false;
  #resync = false;
  #confirmed = false;
  #calm = false;
  #discard: string[] = [];
  #ahead: FetchResult | undefined;
  state = 'idle';

  constructor(input: StreamInput) {
    this.key = input.stream;
    this.#input = input;
    this.#label = `${input.stream.direction} ${input.stream.type}`;
  }

  /** Starts the workflow unless it is open. */
  start(askFirst: boolean): void {
    if (this.#running !== undefined) return;
    this.#askFirst = askFirst;
    this.#running = this.#run()
      .catch((error: unknown) => {
        if (error instanceof Stopped) return;
        this.#input.onBroken(`${this.#label}: the harness failed: ${String((error as Error).stack)}`);
      })
      .finally(() => {
        this.#running = undefined;
        this.state = 'idle';
      });
  }

  /** Looks once more, whether there is anything or not. */
  sync(): void {
    this.#wake = true;
    this.start(false);
  }

  resync(): void {
    this.#resync = true;
    this.sync();
  }

  calm(): void {
    this.#calm = true;
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  get isOpen(): boolean {
    return this.#running !== undefined;
  }

  async #run(): Promise<void> {
    if (this.#askFirst && (await this.#isDeniedAtFirst())) return;
    for (;;) {
      if (this.#resync && !(await this.#beginResync())) continue;
      const fetched = this.#ahead ?? (await this.#fetch());
      this.#ahead = undefined;
      if (fetched === undefined || fetched.kind === 'later' || fetched.kind === 'wait') continue;
      if (fetched.kind === 'caught-up') {
        if (this.#mayComplete()) return;
        continue;
      }
      const end = await this.#carryThrough(fetched);
      if (end === 'denied' && this.#mayComplete()) return;
      const { own, range, head } = fetched.batch;
      const isDrained = this.#ahead === undefined && range.hi >= head;
      if (end === 'committed' && own === undefined && isDrained && this.#mayComplete()) return;
    }
  }

  #mayComplete(): boolean {
    return !this.#resync && !this.#wake;
  }

  async #isDeniedAtFirst(): Promise<boolean> {
    this.state = 'authorizing';
    const { temporal } = this.#input;
    const asked = await temporal.execute('authorize', this.#label, ({ activities }) =>
      activities.authorize({ stream: this.key }),
    );
    if ('trouble' in asked) return false;
    return !asked.value.allowed && this.#mayComplete();
  }

  async #beginResync(): Promise<boolean> {
    this.state = 'resyncing';
    if (this.#ahead?.kind === 'batch') this.#discard.push(this.#ahead.batch.id);
    this.#ahead = undefined;
    const begun = await this.#input.temporal.execute('beginResync', this.#label, ({ activities }) =>
      activities.beginResync({ stream: this.key }),
    );
    if ('trouble' in begun) {
      await this.#afterTrouble(begun.trouble);
      return false;
    }
    this.#resync = false;
    return true;
  }

  async #fetch(): Promise<FetchResult | undefined> {
    this.state = 'fetching';
    this.#wake = false;
    const discard = this.#discard;
    const request = {
      stream: this.key,
      ...(discard.length > 0 && { discard }),
      ...(this.#confirmed && { leftoversConfirmed: true }),
    };
    const fetched = await this.#input.temporal.execute('fetchChanges', this.#label, ({ activities }) =>
      activities.fetchChanges(request),
    );
    if ('trouble' in fetched) {
      if (fetched.trouble === 'leftovers-many') this.#confirmed = true;
      await this.#afterTrouble(fetched.trouble);
      return undefined;
    }
    if (fetched.value.kind === 'caught-up') this.#confirmed = false;
    this.#discard = [];
    return fetched.value;
  }

  async #carryThrough({ batch: raw, clean }: FetchedBatch): Promise<BatchEnd> {
    const { temporal } = this.#input;
    const asOf = '2026-01-05T08:00:00.000Z';
    this.state = 'anonymizing';
    const batch =
      clean === true
        ? raw
        : await this.#insist(raw, () =>
            temporal.execute('anonymize', this.#label, ({ activities }) => activities.anonymize({ batch: raw, asOf })),
          );
    if (batch === undefined) return 'anew';
    this.state = 'authorizing';
    const asked = await this.#insist(raw, () =>
      temporal.execute('authorize', this.#label, ({ activities }) =>
        activities.authorize({ stream: this.key, batch: raw.id }),
      ),
    );
    if (asked === undefined) return 'anew';
    return asked.allowed ? this.#commit(batch) : 'denied';
  }

  async #commit(batch: Batch): Promise<BatchEnd> {
    const { temporal } = this.#input;
    this.state = 'committing';
    const ahead = this.#fetchAhead(batch);
    const result = await this.#insist(batch, () =>
      temporal.execute('commit', this.#label, ({ activities }) => activities.commit({ batch })),
    );
    const fetched = await ahead;
    if (result === undefined) {
      if (fetched?.kind === 'batch') this.#discard.push(fetched.batch.id);
      return 'anew';
    }
    this.#ahead = fetched?.kind === 'batch' ? fetched : undefined;
    this.#input.onCommitted(batch);
    return 'committed';
  }

  async #fetchAhead(batch: Batch): Promise<FetchResult | undefined> {
    if (batch.range.hi >= batch.head || this.#resync) return undefined;
    const inFlight: InFlight = {
      batch: batch.id,
      epoch: batch.epoch,
      ...advance(batch.from, batch.range, batch.matured),
    };
    const fetched = await this.#input.temporal.execute('fetchChanges', `${this.#label} ahead`, ({ activities }) =>
      activities.fetchChanges({ stream: this.key, inFlight }),
    );
    return 'trouble' in fetched ? undefined : fetched.value;
  }

  async #insist<Value>(batch: Batch, step: () => Promise<Outcome<Value>>): Promise<Value | undefined> {
    for (;;) {
      const outcome = await step();
      if ('value' in outcome) return outcome.value;
      await this.#afterTrouble(outcome.trouble);
      const { kind } = troubles[outcome.trouble];
      // As after a pause or an order to resync, or where the history grows too long.
      const giveUp = this.#resync || (!this.#calm && this.#input.dice.chance(0.3));
      if (kind === 'lost' || kind === 'resync' || giveUp) {
        this.#discard.push(batch.id);
        return undefined;
      }
    }
  }

  async #afterTrouble(code: TroubleCode): Promise<void> {
    if (mustNotBe(code) && !this.#input.tolerated.has(code)) {
      this.#input.onBroken(`${this.#label}: ${code} while ${this.state}`);
      throw new Stopped();
    }
    if (this.#input.isOver()) throw new Stopped();
    await sleep(2);
  }
}
