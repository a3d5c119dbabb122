/**
 * What workflows and activities say to each other: names, counts, versions, digests. Nothing else may stand here,
 * since all of it is written into Temporal's history (invariant I2).
 */
import type { StreamCounts, StreamKey } from '../state/streams.ts';
import type { VersionRange } from '../sync/window.ts';

export type { StreamCounts, StreamKey };

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
  /** Only settle what was given up, so that nobody has to wait for what it claimed: the stream is about to hold. */
  readonly tidyOnly?: boolean;
}

export type FetchResult =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly steps: readonly string[] }
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

/** Why the hub said no. */
export type DenialReason = 'not-registered' | 'disabled' | 'stream-not-allowed' | 'policy-not-approved';

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
  readonly quarantined: number;
}

export interface DescribedStream extends StreamKey {
  readonly totals: StreamTotals;
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

/** The activities by name; `src/activities/index.ts` makes them. */
export interface Activities {
  pollStreams(input: PollInput): Promise<PollResult>;
  fetchChanges(input: FetchInput): Promise<FetchResult>;
  anonymize(input: AnonymizeInput): Promise<Batch>;
  authorize(input: AuthorizeInput): Promise<AuthorizeResult>;
  commit(input: CommitInput): Promise<CommitResult>;
  beginResync(input: { readonly stream: StreamKey }): Promise<StreamTotals>;
  describeStreams(): Promise<DescribedStream[]>;
}
