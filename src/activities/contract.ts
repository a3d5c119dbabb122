/**
 * What workflows and activities say to each other: names, counts, versions, digests. Nothing else may stand here,
 * since all of it is written into Temporal's history (invariant I2).
 */
import type { LeaveChoice } from '../state/departures.ts';
import type { QuarantineChoice, QuarantineView } from '../state/retries.ts';
import type { StreamCounts, StreamKey } from '../state/streams.ts';
import type { Conflict } from '../state/conflicts.ts';
import type { DriftKind } from '../sync/drift.ts';
import type { DenialReason, RefusalCode } from '../sync/denial.ts';
import type { ResyncAnswer, ResyncFound } from '../state/resyncs.ts';
import type { TroubleCode } from '../sync/trouble.ts';
import type { VersionRange } from '../sync/window.ts';

export type {
  Conflict,
  DenialReason,
  RefusalCode,
  ResyncAnswer,
  ResyncFound,
  QuarantineChoice,
  QuarantineView,
  StreamCounts,
  StreamKey,
};

/** What a stream has to do beside its feed. */
export type OwnWork = 'retry' | 'wanted' | 'leftovers';

/** A staged batch: where it lies, and what a person may know of it. */
export interface Batch {
  readonly stream: StreamKey;
  /** Names the batch in staging, in the cursor and in fences. Opaque. */
  readonly id: string;
  readonly epoch: number;
  readonly range: VersionRange;
  /** Where the stream stood when the range was read. */
  readonly from: { readonly settled: number; readonly delivered: number };
  /** The matured head when the range was read: what of the range is settled once it is committed. */
  readonly matured: number;
  /** The source's newest version when the range was read. */
  readonly head: number;
  /** Prefix of the staged parts that hold the batch's present form, and how many there are. */
  readonly form: string;
  readonly parts: number;
  /** Not of the feed: quarantined resources tried again, targets of references that no feed has shown, or leftovers of a resync. */
  readonly own?: OwnWork;
  /** New rows of `$changes`, and how many of the resulting states are deletes. */
  readonly changes: number;
  readonly deleted: number;
  readonly withheld: number;
  readonly quarantined: number;
}

/** The batch that is being committed while the next one is fetched. */
export interface InFlight {
  readonly batch: string;
  readonly epoch: number;
  readonly settled: number;
  readonly delivered: number;
}

export interface FetchInput {
  readonly stream: StreamKey;
  readonly inFlight?: InFlight;
  /** Staged batches that were given up. */
  readonly discard?: readonly string[];
  /** An operator has seen how many leftovers there are, and said yes. */
  readonly leftoversConfirmed?: boolean;
  /** Only settle what was given up, so that nobody has to wait for what it claimed: the stream is about to hold. */
  readonly tidyOnly?: boolean;
}

export type FetchResult =
  /** `clean`: output that went through its steps before, to be committed as it is. */
  | { readonly kind: 'batch'; readonly batch: Batch; readonly steps: readonly string[]; readonly clean?: true }
  | { readonly kind: 'caught-up'; readonly head: number; readonly totals: StreamTotals }
  /** A first load waits for these types, which others refer to. */
  | { readonly kind: 'wait'; readonly types: readonly string[] }
  /** Nothing can be said before the batch in flight is committed. */
  | { readonly kind: 'later' };

export interface AnonymizeInput {
  readonly batch: Batch;
  /** The time that ages are counted at: the same for every attempt. */
  readonly asOf: string;
}

export interface StepInput {
  readonly batch: Batch;
}

/** The extra steps' activities, by `stepActivityName` (src/sync/step-name.ts). */
export type StepActivities = Readonly<Record<`step-${string}`, (input: StepInput) => Promise<Batch>>>;

export interface AuthorizeInput {
  readonly stream: StreamKey;
  /** Given back where the hub says no. */
  readonly batch?: string;
}

export type AuthorizeResult = { readonly allowed: true } | { readonly allowed: false; readonly reason: DenialReason };

export interface CommitInput {
  readonly batch: Batch;
}

export interface CommitResult {
  readonly counts: StreamCounts;
  readonly parked: number;
  readonly released: number;
  readonly quarantined: number;
  readonly bundles: number;
  /** Totals of the stream after this commit. */
  readonly totals: StreamTotals;
}

/** A stream's numbers, for people. */
export interface StreamTotals {
  readonly counts: StreamCounts;
  readonly epoch: number;
  readonly sequence: number;
  readonly settled: number;
  readonly delivered: number;
  /** Last time the stream was known to be caught up; 0 for never. */
  readonly currentAtMs: number;
  readonly parked: number;
  /** Of them, those that have waited for longer than `parkedAgeSecondsMax`; absent where there are none. */
  readonly parkedAged?: number;
  readonly quarantined: number;
}

export interface DescribedStream extends StreamKey {
  readonly totals: StreamTotals;
  /** What came of the last order to resync it. */
  readonly resync?: ResyncAnswer;
  /** The last comparison of source and target: when, and how many resources differed. */
  readonly reconciled?: Reconciled;
  /** The instance has left the hub, or is about to. */
  readonly left?: true;
}

export interface ResyncInput {
  readonly stream: StreamKey;
  /** Somebody has said that the source may have far less than the target holds of this site. */
  readonly acceptFewer?: boolean;
}

/** A resync that has begun, or why it has not: then the stream goes on as before. */
export type ResyncResult =
  /** Runs of before the preflight have the totals alone in their history. */
  | (StreamTotals & { readonly found?: ResyncFound })
  | { readonly refused: readonly RefusalCode[]; readonly found: ResyncFound };

export interface Reconciled {
  readonly atMs: number;
  readonly differing: number;
  /** Whether a repair was ordered. */
  readonly repair: boolean;
}

export interface ReconcileInput {
  readonly stream: StreamKey;
  /** Whether what differs is mended. */
  readonly repair: boolean;
}

/** Why a stream was not compared. */
export type SkipReason = 'not-loaded' | 'denied' | 'resync-unfinished' | 'resynced' | 'running' | TroubleCode;

/** Keys of a range of ids: what the site has written, what target and source have, and what differs. */
export type RangeCounts = { readonly [what in 'written' | 'target' | 'source' | DriftKind]?: number };

/** What a comparison of source and target has found: counts alone. */
export interface ReconcileReport extends StreamKey {
  readonly outcome: 'compared' | 'skipped' | 'failed';
  readonly reason?: SkipReason;
  readonly repair: boolean;
  /** Resources that should be in the target by the site's notes, that are there as ours, and that the source has. */
  readonly written: number;
  readonly target: number;
  readonly source: number;
  /** Nothing can be said of these: they were written meanwhile, or are about to be. */
  readonly undecided: number;
  readonly drift: { readonly [kind in DriftKind]?: number };
  /** By the first character of the ids in the target. */
  readonly ranges: Readonly<Record<string, RangeCounts>>;
}

export interface ConflictsInput {
  readonly direction: StreamKey['direction'];
  /** Empty: all. */
  readonly types: readonly string[];
}

/** A stream that has something to do. */
export interface DueStream {
  readonly stream: StreamKey;
  /** The hub said no the last time: ask it before anything is read. */
  readonly askFirst: boolean;
}

export interface PollInput {
  readonly instance: string;
  readonly everySeconds: number;
}

export interface PollResult {
  readonly asked: number;
  readonly due: number;
  readonly started: number;
  /** Codes of troubles and how many streams each hit. */
  readonly troubles: Readonly<Record<string, number>>;
}

/** Why an operator gives a quarantined resource up: a code, since a free text might hold data. */
export const discardReasons = ['not-wanted', 'test-data', 'duplicate', 'mended-at-source', 'other'] as const;
export type DiscardReason = (typeof discardReasons)[number];

/** What an operator has done with quarantined resources. */
export type TendOrder =
  | { readonly action: 'retry' }
  | { readonly action: 'discard'; readonly reason: DiscardReason; readonly ticket: string };

/** What an operator does with quarantine. */
export type TendInput = QuarantineChoice &
  /** With `discarded`: what was given up, instead of what stands there. */
  ({ readonly action: 'list'; readonly after: string; readonly discarded?: boolean } | TendOrder);

export interface TendResult {
  /** A page of the entries, in the order of their keys; of `list` alone. */
  readonly entries: readonly QuarantineView[];
  /** How many were ordered to be tried again, or discarded, by type. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What becomes of an instance's data in the hub when it leaves. */
export type { LeaveChoice };

export interface BeginLeaveInput {
  /** The run that leaves. */
  readonly run: string;
  readonly data: LeaveChoice;
}

export interface BeginLeaveResult {
  readonly data: LeaveChoice;
  /** Whatever refers to others first. */
  readonly streams: readonly StreamKey[];
}

export interface StopStreamInput {
  readonly stream: StreamKey;
  /** Without asking its target, which does not answer. */
  readonly offline?: boolean;
}

export interface LeavingInput {
  /** The stream whose cursor goes with it. */
  readonly stream: StreamKey;
  readonly types: readonly string[];
  /** Also what was refused before. */
  readonly again: boolean;
}

export type LeavingResult = {
  /** What was deleted up to here, by type. */
  readonly deleted: Readonly<Record<string, number>>;
} & (
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** Nothing else is there of these types but what the hub has refused to delete. */
  | { readonly kind: 'done'; readonly held: number }
);

export interface NoteLeftInput {
  readonly stream: StreamKey;
  readonly data: LeaveChoice;
}

export interface FinishLeaveInput {
  readonly data: LeaveChoice;
  /** Streams whose cursor could not be told. */
  readonly unnoted: readonly string[];
}

/** What is recorded of a leaving: names, times, versions and counts. */
export interface LeaveRecord {
  readonly instance: string;
  readonly data: LeaveChoice;
  readonly begunMs: number;
  readonly leftMs: number;
  /** Resources deleted from the hub, by type. */
  readonly deleted: Readonly<Record<string, number>>;
  /** Rows cleared from the site's state by table, and batches from `staging`. */
  readonly cleared: Readonly<Record<string, number>>;
  /** Versions of the keys that are retired, by purpose. */
  readonly keys: Readonly<Record<string, readonly number[]>>;
  readonly unnoted: readonly string[];
}

export interface RejoinResult {
  /** Streams that begin anew; 0 where the instance had not left. */
  readonly streams: number;
}

/** The activities by name; `src/activities/index.ts` makes them. */
export interface Activities {
  pollStreams(input: PollInput): Promise<PollResult>;
  fetchChanges(input: FetchInput): Promise<FetchResult>;
  anonymize(input: AnonymizeInput): Promise<Batch>;
  authorize(input: AuthorizeInput): Promise<AuthorizeResult>;
  commit(input: CommitInput): Promise<CommitResult>;
  beginResync(input: ResyncInput): Promise<ResyncResult>;
  describeStreams(): Promise<DescribedStream[]>;
  tendQuarantine(input: TendInput): Promise<TendResult>;
  beginLeave(input: BeginLeaveInput): Promise<BeginLeaveResult>;
  stopStream(input: StopStreamInput): Promise<void>;
  leavingBatch(input: LeavingInput): Promise<LeavingResult>;
  noteLeft(input: NoteLeftInput): Promise<void>;
  forgetLive(): Promise<Readonly<Record<string, number>>>;
  finishLeave(input: FinishLeaveInput): Promise<LeaveRecord>;
  rejoin(): Promise<RejoinResult>;
  reconcileStream(input: ReconcileInput): Promise<ReconcileReport>;
  listConflicts(input: ConflictsInput): Promise<Conflict[]>;
}
