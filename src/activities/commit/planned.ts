/** A planned commit, as it is staged beside the batch, and how its writes are cut into transactions. */
import { putInQuarantine } from '../../state/quarantine.ts';
import type { StreamCounts, StreamKey, StreamPosition } from '../../state/streams.ts';
import { planBundles, type PlanItem, type PlannedBundle } from '../../sync/bundles.ts';
import type { LineRange } from '../../threads/task.ts';
import type { OwnWork } from '../contract.ts';
import { TroubleError } from '../failures.ts';
import { policyOf } from '../parts.ts';
import type { PlanningParts } from './planner.ts';

/** One write. `at` is where its JSON lies in the batch's form; a released parked resource has none. */
export interface PlannedWrite {
  readonly key: string;
  readonly method: 'PUT' | 'DELETE';
  readonly digest: string;
  readonly needs: readonly string[];
  /** The target's version of what this site wrote there last; absent where nobody knows it, and where it wrote nothing. */
  readonly version?: string;
  readonly at?: {
    /** Where it is another than the batch's: masked for words that came late. */
    readonly form?: string;
    readonly part: number;
    readonly start: number;
    readonly end: number;
    /** The whole line; absent in plans of older programs. */
    readonly line?: LineRange;
  };
}

export interface CommitPlan {
  readonly stream: StreamKey;
  /** Names this commit in the cursor and in fences. */
  readonly label: string;
  /** The attempt that made it; absent in plans of older programs. */
  readonly planner?: string;
  /** When it was made; absent in plans of older programs. */
  readonly plannedMs?: number;
  /** The batch whose pending rows become seen; a release round has none. */
  readonly batch: string;
  readonly form: string;
  /** What the batch does beside the feed; absent for the feed's own. */
  readonly own?: OwnWork;
  readonly epoch: number;
  readonly sequence: number;
  readonly settled: number;
  readonly delivered: number;
  readonly head: number;
  readonly policy: string;
  readonly writes: readonly PlannedWrite[];
  readonly bundles: readonly PlannedBundle[];
  /** Bundle n goes through lane n modulo this. Part of the plan: a lane's note says which bundles *of the lane* are through. */
  readonly lanes: number;
  /** What the batch adds to the stream's totals, but for what the sending decides. */
  readonly counts: StreamCounts;
  readonly unchangedKeys: readonly string[];
  readonly released: number;
  /** Outputs that the leak guard masked and withheld when the plan was made; absent in plans of older programs. */
  readonly guarded?: GuardCounts;
}

/** A plan that was made just now. */
export type MadePlan = CommitPlan & { readonly planner: string; readonly plannedMs: number };

export interface GuardCounts {
  readonly masked: number;
  readonly withheld: number;
}

/** A plan that is not cut into transactions yet. */
export interface PlanDraft {
  readonly stream: StreamKey;
  readonly label: string;
  readonly batch: string;
  readonly form: string;
  readonly own?: OwnWork | undefined;
  readonly head: number;
  readonly position: StreamPosition;
  readonly moved: { readonly settled: number; readonly delivered: number };
  readonly writes: readonly PlannedWrite[];
  readonly bytesOfReleased: ReadonlyMap<string, number>;
  readonly counts: StreamCounts;
  readonly unchangedKeys: readonly string[];
  readonly guarded: GuardCounts;
}

/** Bytes of an entry around the resource's JSON: method, url, version and braces. */
const entryOverheadBytes = 200;

/** Cuts a plan into transactions; sets that fit into none go into quarantine. */
export async function finishPlan(parts: PlanningParts, draft: PlanDraft): Promise<MadePlan> {
  const { stream, label, batch, form, head, position, moved, writes, counts, unchangedKeys } = draft;
  const items = writes.map((write): PlanItem => {
    const bytes = write.at === undefined ? (draft.bytesOfReleased.get(write.key) ?? 0) : write.at.end - write.at.start;
    return { key: write.key, method: write.method, needs: write.needs, bytes: bytes + entryOverheadBytes };
  });
  const { bundleEntriesMax, bundleBytesMax } = parts.limits;
  const { bundles, tooLarge } = planBundles(items, { entriesMax: bundleEntriesMax, bytesMax: bundleBytesMax });
  const entries = tooLarge.map((index) => ({
    key: writes[index]?.key ?? '',
    reason: 'set-too-large' as const,
    status: 0,
    batch: label,
    form: 'none' as const,
    content: null,
  }));
  if (entries.length > 0) await parts.write((tx) => putInQuarantine(tx, stream.direction, entries, parts.now()));
  return {
    stream,
    label,
    planner: parts.planner,
    plannedMs: parts.now(),
    batch,
    form,
    ...(draft.own && { own: draft.own }),
    epoch: position.epoch,
    sequence: position.sequence + 1,
    ...moved,
    head,
    policy: policyOf(parts, stream.direction),
    writes,
    bundles,
    lanes: parts.limits.bundlesInFlightMax,
    counts,
    unchangedKeys,
    released: draft.bytesOfReleased.size,
    guarded: draft.guarded,
  };
}

/** Whether a bundle is the one with the cursor. A plan without writes has it, too. */
export const isLastBundle = ({ bundles }: CommitPlan, bundle: number): boolean => bundle >= bundles.length - 1;

/** Sets of writes, by their index in the plan: what refers to each other goes together or not at all. */
export type Sets = readonly (readonly number[])[];

/**
 * A write of a plan.
 * @throws TroubleError `unexpected` where the plan has none at the index
 */
export function writeAt(plan: CommitPlan, index: number): PlannedWrite {
  const write = plan.writes[index];
  if (write === undefined) throw new TroubleError('unexpected');
  return write;
}

/** The writes of some sets, in the order in which they are sent. */
export const writesOf = (plan: CommitPlan, sets: Sets): PlannedWrite[] =>
  sets.flat().map((index) => writeAt(plan, index));
