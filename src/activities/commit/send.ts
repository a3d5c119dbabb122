/**
 * Sends a plan's transactions: levels one after the other, bundles of a level in flight together, the cursor with
 * the last. What the target refuses is parked (a missing reference) or bisected to its culprit and quarantined.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { CommitTarget } from '../../fhir/server.ts';
import { fixedLimits } from '../../limits.ts';
import type { FenceMode } from '../../state/tables.ts';
import { assertInTime, cancelSignal, heartbeat, onSide, TroubleError } from '../failures.ts';
import type { Parts } from '../parts.ts';
import type { Contents } from './contents.ts';
import { EditedCopies } from './edited-copies.ts';
import type { Fence } from './fence.ts';
import { LeftBehind } from './left-behind.ts';
import { type CommitPlan, isLastBundle, type Sets, writesOf } from './planned.ts';
import { transactionBody } from './transaction-body.ts';

export interface SendInput {
  readonly parts: Parts;
  readonly target: CommitTarget;
  readonly plan: CommitPlan;
  readonly mode: FenceMode;
  readonly fence: Fence;
  readonly contents: Contents;
}

/** How a plan was sent. */
export interface Sent {
  /** Transactions that were posted. */
  readonly posted: number;
  /** The target's version of what was written, by key; without those of a lost answer, or of an earlier attempt's. */
  readonly versions: ReadonlyMap<string, string>;
}

/** Sends a plan. */
export async function sendPlan(input: SendInput): Promise<Sent> {
  const sender = new Sender(input);
  await sender.all();
  return sender;
}

class Sender implements Sent {
  posted = 0;
  readonly versions = new Map<string, string>();
  readonly #input: SendInput;
  readonly #behind: LeftBehind;
  readonly #edited: EditedCopies;

  constructor(input: SendInput) {
    this.#input = input;
    this.#behind = new LeftBehind(input);
    this.#edited = new EditedCopies(input);
  }

  async all(): Promise<void> {
    const { plan } = this.#input;
    await this.#behind.readEarlier();
    const lastBundle = Math.max(0, plan.bundles.length - 1);
    const inFront = plan.bundles.map((bundle, index) => ({ ...bundle, index })).slice(0, lastBundle);
    for (const level of new Set(inFront.map((bundle) => bundle.level))) {
      const bundles = inFront.filter((bundle) => bundle.level === level);
      const byLane = Map.groupBy(bundles, (bundle) => bundle.index % plan.lanes);
      await Promise.all(
        [...byLane.values()].map(async (lane) => {
          for (const bundle of lane) {
            await this.#send(bundle.sets, bundle.index);
          }
        }),
      );
    }
    await this.#send(plan.bundles[lastBundle]?.sets ?? [], lastBundle);
  }

  /** Sends some sets as one transaction; `upTo` is the end of a piece among its bundle's sets, absent for what completes the bundle. */
  async #send(sets: Sets, bundle: number, upTo?: number): Promise<void> {
    const { fence, plan } = this.#input;
    const isLast = isLastBundle(plan, bundle);
    for (let attempt = 1; ; attempt++) {
      // An earlier attempt of this commit may have come as far, or another meanwhile.
      if (!isLast && fence.isApplied(bundle)) {
        this.#behind.recall(sets);
        return;
      }
      const sendable = await this.#behind.withoutFailed(this.#withoutSent(sets, bundle));
      // What completes a bundle goes out even if nothing is left in it: its fence has to be taken.
      if (sendable.length === 0 && upTo !== undefined) return;
      const fenceEntries = fence.entries(bundle, upTo);
      const answer = await this.#post(sendable, fenceEntries);
      if (answer.kind === 'done') {
        this.#noteVersions(sendable, fenceEntries.length, answer.versions);
        await this.#behind.noteAccepted(sendable);
        if (!isLast || upTo !== undefined) await fence.passed(bundle, upTo);
        return;
      }
      if (answer.status === 409 || answer.status === 412) {
        if ((await fence.judge(bundle)) === 'applied') return;
        // The fence stands: a serialization conflict, which goes away by itself; a 409 that stays is the content's.
        if (answer.status === 412 && attempt > 1) await this.#edited.find(sendable);
        if (attempt < fixedLimits.conflictAttemptsMax) {
          await pause(attempt * (20 + Math.random() * 60));
          continue;
        }
        if (answer.status === 412) throw new TroubleError('target-conflict');
      }
      // Whoever has lost must not draw conclusions from a refusal.
      else if ((await fence.judge(bundle)) === 'applied') return;
      return this.#refused(sendable, bundle, upTo, answer);
    }
  }

  /** Without what the bundle's pieces have brought to the target. */
  #withoutSent(sets: Sets, bundle: number): Sets {
    const sent = this.#input.fence.setsSent(bundle);
    if (sent === 0) return sets;
    const through = new Set(this.#input.plan.bundles[bundle]?.sets.slice(0, sent));
    this.#behind.recall(sets.filter((set) => through.has(set)));
    return sets.filter((set) => !through.has(set));
  }

  /** @param inFront - entries of the fence, which come first */
  #noteVersions(sets: Sets, inFront: number, versions: readonly string[]): void {
    const writes = writesOf(this.#input.plan, sets);
    if (versions.length !== inFront + writes.length) return;
    for (const [at, { key, method }] of writes.entries()) {
      const version = versions[inFront + at] ?? '';
      if (method === 'PUT' && version !== '') this.versions.set(key, version);
    }
  }

  async #refused(
    sets: Sets,
    bundle: number,
    upTo: number | undefined,
    answer: { status: number; missing: readonly string[] },
  ): Promise<void> {
    const waiting = answer.missing.length === 0 ? [] : await this.#behind.parkWaiting(sets, answer.missing);
    if (waiting.length > 0) return this.#send(sets, bundle, upTo);
    // Not even the cursor alone: it is not the data that is refused.
    if (sets.length === 0) throw new TroubleError('target-refuses');
    if (sets.length === 1) {
      await this.#behind.quarantine(sets[0] ?? [], answer.status);
      return this.#send([], bundle, upTo);
    }
    const half = Math.ceil(sets.length / 2);
    const first = sets.slice(0, half);
    await this.#send(first, bundle, this.#endOf(first, bundle));
    await this.#send(sets.slice(half), bundle, upTo);
  }

  /** Where a piece ends among its bundle's sets. */
  #endOf(piece: Sets, bundle: number): number {
    const lastSet = piece.at(-1);
    return (this.#input.plan.bundles[bundle]?.sets.findIndex((set) => set === lastSet) ?? -1) + 1;
  }

  async #post(sets: Sets, fenceEntries: readonly string[]): ReturnType<CommitTarget['transaction']> {
    const { target } = this.#input;
    const body = await transactionBody(this.#input, sets, this.#edited, fenceEntries);
    heartbeat({ bundlesPosted: this.posted, bundlesPlanned: this.#input.plan.bundles.length });
    assertInTime();
    this.posted += 1;
    return onSide('target', () => target.transaction(body, cancelSignal()));
  }
}

/** Waits, unless the worker is told to stop: then the batch is given back. */
async function pause(ms: number): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: cancelSignal() });
  } catch {
    throw new TroubleError('given-back');
  }
}
