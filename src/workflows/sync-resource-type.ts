/**
 * syncResourceType: drains one stream, batch by batch, and completes when it is caught up. Stays open while it is
 * paused, blocked or retrying, and says what it needs. ARCHITECTURE.md, 'States of a stream'.
 */
import { ActivityFailure, allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';

import type { Batch, CommitResult, DenialReason, FetchResult, InFlight, StreamKey } from '../activities/contract.ts';
import { advance } from '../sync/window.ts';
import { type TroubleCode, troubles } from '../sync/trouble.ts';
import { Control } from './control.ts';
import { Face } from './face.ts';
import type { SyncInput, SyncResult } from './messages.ts';
import { anonymize, authorize, beginResync, commit, extraStep, fetchChanges } from './steps.ts';
import { troubleOf } from './trouble-of.ts';

export async function syncResourceType(input: SyncInput): Promise<SyncResult> {
  return new StreamSync(input).run();
}

type Outcome<Value> = { readonly value: Value } | { readonly trouble: TroubleCode };

type FetchedBatch = Extract<FetchResult, { kind: 'batch' }>;

/** A batch in one line, for its activities' summaries. */
function lineOf(type: string, { range, changes, deleted, own }: Batch): string {
  const { lo, hi } = range;
  if (own === 'retry') return `${type}: ${String(changes)} of quarantine, tried again`;
  if (own === 'wanted') return `${type}: ${String(changes)} that others wait for, asked of the source`;
  if (own === 'leftovers') return `${type}: ${String(deleted)} deleted that the source no longer has`;
  return `${type} ${String(lo)}→${String(hi)}: ${String(changes)} changes, ${String(deleted)} deleted`;
}

/** What became of a batch. */
type BatchEnd =
  | { readonly kind: 'committed'; readonly result: CommitResult }
  | { readonly kind: 'denied'; readonly reason: DenialReason }
  /** Lost or given up: read the stream anew. */
  | { readonly kind: 'anew' };

class StreamSync {
  readonly #input: SyncInput;
  readonly #stream: StreamKey;
  readonly #face: Face;
  readonly #control: Control;
  /** Staged batches that were given up; the next fetch deletes them. */
  #discard: string[];
  /** What was fetched while the batch before it was committed. */
  #ahead: FetchResult | undefined;
  #batches = 0;
  /** Troubles in a row. */
  #troubled = 0;
  /** The leftovers of a resync were too many to delete them unasked, and somebody has said `retry` to that. */
  #leftoversConfirmed = false;

  constructor(input: SyncInput) {
    this.#input = input;
    this.#stream = { direction: input.direction, type: input.type };
    this.#face = new Face(input);
    this.#control = new Control(input, this.#face);
    this.#discard = [...(input.carried?.discard ?? [])];
  }

  async run(): Promise<SyncResult> {
    if (this.#input.askFirst === true && this.#input.carried === undefined) {
      const denied = await this.#askFirst();
      if (denied !== undefined) return this.#complete('denied', { reason: denied });
    }
    for (;;) {
      if (this.#control.paused) await this.#tidy();
      await this.#control.untilResumed();
      if (this.#control.left) return this.#leave();
      if (this.#control.resync && !(await this.#resync())) continue;
      const fetched = this.#ahead ?? (await this.#fetch());
      this.#ahead = undefined;
      if (fetched === undefined) continue;
      if (fetched.kind === 'wait') {
        this.#face.enter('waiting', { waitingFor: fetched.types });
        continue;
      }
      if (fetched.kind === 'later') continue;
      if (fetched.kind === 'caught-up') {
        this.#troubled = 0;
        this.#face.note({ head: fetched.head, totals: fetched.totals });
        if (await this.#mayComplete()) return this.#complete('current');
        continue;
      }
      const end = await this.#carryThrough(fetched);
      if (end.kind === 'denied' && (await this.#mayComplete())) {
        return this.#complete('denied', { reason: end.reason });
      }
      // What a stream does beside its feed says nothing of the feed.
      if (end.kind === 'committed' && fetched.batch.own === undefined && this.#isDrained(fetched.batch)) {
        if (await this.#mayComplete()) return this.#complete('current');
      }
    }
  }

  /** The instance leaves: what was begun is given back, and nothing else is done. */
  async #leave(): Promise<SyncResult> {
    if (this.#ahead?.kind === 'batch') this.#discard.push(this.#ahead.batch.id);
    this.#ahead = undefined;
    await this.#tidy();
    await condition(allHandlersFinished);
    return this.#complete('left');
  }

  #isDrained(last: Batch): boolean {
    return this.#ahead === undefined && last.range.hi >= last.head;
  }

  /** Hands over to a new run before the history grows too long. Called where no batch is in hand. */
  async #handOver(): Promise<void> {
    if (!workflowInfo().continueAsNewSuggested) return;
    await condition(allHandlersFinished);
    // The new run inherits the search attribute and begins as `fetching`: the two must agree.
    this.#face.enter('fetching');
    const { totals } = this.#face.status;
    const { paused, resync, acceptFewer } = this.#control;
    const order = { resync, ...(acceptFewer && { acceptFewer }) };
    const carried = { paused, ...order, discard: this.#discard, ...(totals && { totals }) };
    await continueAsNew<typeof syncResourceType>({ ...this.#input, carried });
  }

  /** A run does not end on an order that it has not carried out: a pause holds, also where the hub says no. */
  async #mayComplete(): Promise<boolean> {
    await condition(allHandlersFinished);
    if (this.#control.paused || this.#control.resync || this.#control.left) return false;
    return !this.#control.wake;
  }

  #complete(outcome: SyncResult['outcome'], rest: Pick<SyncResult, 'reason'> = {}): SyncResult {
    this.#face.enter(outcome);
    const { totals } = this.#face.status;
    return { outcome, ...rest, batches: this.#batches, ...(totals && { totals }) };
  }

  /** Asks the hub before anything is read. Returns the reason where it says no and the run may end. */
  async #askFirst(): Promise<DenialReason | undefined> {
    const summary = `${this.#input.type}: does the hub allow it by now?`;
    for (;;) {
      await this.#control.untilResumed();
      if (this.#control.left) return undefined;
      this.#face.enter('authorizing');
      this.#control.wake = false;
      const asked = await this.#attempt(() => authorize.executeWithOptions({ summary }, [{ stream: this.#stream }]));
      if ('trouble' in asked) {
        // Not an answer: the ordinary way will ask again, before anything is written.
        await this.#control.afterTrouble(asked.trouble, (this.#troubled += 1));
        return undefined;
      }
      if (asked.value.allowed || this.#control.resync) return undefined;
      if (await this.#mayComplete()) return asked.value.reason;
    }
  }

  /** False where it is still due. One that is refused is not: the stream goes on as before. */
  async #resync(): Promise<boolean> {
    if (this.#ahead?.kind === 'batch') this.#discard.push(this.#ahead.batch.id);
    this.#ahead = undefined;
    this.#face.enter('resyncing');
    const summary = `${this.#input.type}: a new epoch, from version 0, where nothing stands in its way`;
    const request = { stream: this.#stream, ...(this.#control.acceptFewer && { acceptFewer: true }) };
    const begun = await this.#attempt(() => beginResync.executeWithOptions({ summary }, [request]));
    if ('trouble' in begun) {
      if (this.#hasLeft(begun.trouble)) return false;
      await this.#control.afterTrouble(begun.trouble, (this.#troubled += 1), 'resync');
      await this.#handOver();
      return false;
    }
    this.#control.resync = false;
    this.#troubled = 0;
    const { found, ...rest } = begun.value;
    if ('refused' in rest) this.#face.answerResync(rest.refused, found);
    else {
      this.#face.answerResync([], found);
      this.#face.note({ totals: rest });
    }
    return true;
  }

  async #fetch(): Promise<FetchResult | undefined> {
    await this.#handOver();
    // fetch-changes asks for a while before it says `wait` again: so long the stream goes on waiting.
    if (this.#face.status.state !== 'waiting') this.#face.enter('fetching');
    // Whoever asked for one more look gets it now.
    this.#control.wake = false;
    const discard = this.#discard;
    const after = this.#face.status.totals?.delivered;
    const summary = `${this.#input.type}: what is new${after === undefined ? '' : ` after ${String(after)}`}?`;
    const request = {
      stream: this.#stream,
      ...(discard.length > 0 && { discard }),
      ...(this.#leftoversConfirmed && { leftoversConfirmed: true }),
    };
    const fetched = await this.#attempt(() => fetchChanges.executeWithOptions({ summary }, [request]));
    if ('trouble' in fetched) {
      if (this.#hasLeft(fetched.trouble)) return undefined;
      const told = await this.#control.afterTrouble(fetched.trouble, (this.#troubled += 1));
      if (fetched.trouble === 'leftovers-many') this.#leftoversConfirmed = told === 'retry';
      return undefined;
    }
    if (fetched.value.kind === 'caught-up') this.#leftoversConfirmed = false;
    this.#discard = [];
    return fetched.value;
  }

  /** A stream that is about to hold gives back what its given-up batches have claimed. What fails is done later. */
  async #tidy(): Promise<void> {
    if (this.#discard.length === 0) return;
    const summary = `${this.#input.type}: give up what was begun`;
    const request = { stream: this.#stream, discard: this.#discard, tidyOnly: true };
    const tidied = await this.#attempt(() => fetchChanges.executeWithOptions({ summary }, [request]));
    if ('value' in tidied) this.#discard = [];
  }

  /** Takes a batch through its steps into the target, the next fetch beside the commit. */
  async #carryThrough({ batch: raw, steps, clean }: FetchedBatch): Promise<BatchEnd> {
    const { lo, hi } = raw.range;
    const { changes, deleted } = raw;
    const line = lineOf(this.#input.type, raw);
    this.#face.note({ batch: { lo, hi, changes, deleted }, head: raw.head });
    const batch = clean === true ? raw : await this.#makeClean(raw, steps, line);
    if (batch === undefined) return { kind: 'anew' };
    this.#face.enter('authorizing');
    const asked = await this.#insist(raw, () =>
      authorize.executeWithOptions({ summary: line }, [{ stream: this.#stream, batch: raw.id }]),
    );
    if (asked === undefined) return { kind: 'anew' };
    if (!asked.allowed) return { kind: 'denied', reason: asked.reason };
    return this.#commit(batch, line);
  }

  /** De-identifies a batch and takes it through the extra steps; `undefined` where it is lost or given up. */
  async #makeClean(raw: Batch, steps: readonly string[], line: string): Promise<Batch | undefined> {
    const asOf = new Date().toISOString();
    this.#face.enter('anonymizing');
    let batch = await this.#insist(raw, () => anonymize.executeWithOptions({ summary: line }, [{ batch: raw, asOf }]));
    for (const name of steps) {
      if (batch === undefined) break;
      const before: Batch = batch;
      this.#face.enter('stepping');
      batch = await this.#insist(raw, () => extraStep(name, line, { batch: before }));
    }
    return batch;
  }

  async #commit(batch: Batch, line: string): Promise<BatchEnd> {
    this.#face.enter('committing');
    const ahead = this.#fetchAhead(batch);
    const result = await this.#insist(batch, () => commit.executeWithOptions({ summary: line }, [{ batch }]));
    const fetched = await ahead;
    if (result === undefined) {
      if (fetched?.kind === 'batch') this.#discard.push(fetched.batch.id);
      return { kind: 'anew' };
    }
    this.#batches += 1;
    this.#troubled = 0;
    this.#ahead = fetched?.kind === 'batch' ? fetched : undefined;
    this.#face.batchDone(result.totals);
    return { kind: 'committed', result };
  }

  /** Fetches the next batch where there is one for sure; what goes wrong with that is found out again in turn. */
  async #fetchAhead(batch: Batch): Promise<FetchResult | undefined> {
    const { paused, resync, left } = this.#control;
    if (batch.range.hi >= batch.head || paused || resync || left || workflowInfo().continueAsNewSuggested)
      return undefined;
    const inFlight: InFlight = {
      batch: batch.id,
      epoch: batch.epoch,
      ...advance(batch.from, batch.range, batch.matured),
    };
    const summary = `${this.#input.type}: what is new after ${String(batch.range.hi)}?`;
    const fetched = await this.#attempt(() =>
      fetchChanges.executeWithOptions({ summary }, [{ stream: this.#stream, inFlight }]),
    );
    return 'trouble' in fetched ? undefined : fetched.value;
  }

  /** Tries a step of a batch until it works; `undefined` where the batch is lost or given up. */
  async #insist<Value>(batch: Batch, step: () => Promise<Value>): Promise<Value | undefined> {
    const state = this.#face.status.state;
    for (;;) {
      const outcome = await this.#attempt(step);
      if ('value' in outcome) return outcome.value;
      await this.#control.afterTrouble(outcome.trouble, (this.#troubled += 1));
      const { kind } = troubles[outcome.trouble];
      // A pause or a resync, or a history that grows: give the batch up, it is read again from where the stream stands.
      const { paused, resync, left } = this.#control;
      const giveUp = paused || resync || left || workflowInfo().continueAsNewSuggested;
      if (kind === 'lost' || kind === 'resync' || giveUp) {
        this.#discard.push(batch.id);
        return undefined;
      }
      this.#face.enter(state);
    }
  }

  /** Whether the site's state says that the instance has left: also to a run that was started after it. */
  #hasLeft(trouble: TroubleCode): boolean {
    if (trouble === 'left') this.#control.left = true;
    return trouble === 'left';
  }

  async #attempt<Value>(step: () => Promise<Value>): Promise<Outcome<Value>> {
    try {
      return { value: await step() };
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return { trouble: troubleOf(error) };
    }
  }
}
