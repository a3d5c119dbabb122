/**
 * Fences: what makes an attempt that lost and wakes up change nothing. Every transaction of a commit carries one.
 *
 * - `if-match` (`fence-lanes.ts`): the cursor's version, for the last transaction; a *lane*'s version for those in flight
 *   before it. Lanes are resources beside the cursor; each notes the last bundle that went through it.
 * - `marker` (`fence-markers.ts`), for servers that ignore `ifMatch` on entries: a POST of a resource with an id of its own
 *   for each transaction; its second appearance is a 409 that rolls the transaction back.
 *
 * What a fence leaves in the target says how far a commit has come, since it is written with the data: whoever goes on with
 * it, or gives it up, knows what the target has of it. All of them are of the type ChangesInfo, so that a target needs no
 * more custom types than the user's own.
 */
import type { JsonObject } from '../../fhir/resource.ts';
import type { CommitTarget, Versioned } from '../../fhir/server.ts';
import type { OpenCommit, StreamKey } from '../../state/streams.ts';
import type { CommitPlan } from './planned.ts';

/** What a refused fence means. */
export type Verdict = 'applied' | 'retry';

/** How far a commit has come. */
export interface Progress {
  /** Whether a bundle is in the target, but for what had to be left behind. */
  isApplied(bundle: number): boolean;
  /** How many of a bundle's sets, from its first on, were sent in pieces. Of no meaning where it is applied. */
  setsSent(bundle: number): number;
}

export interface Fence extends Progress {
  /** The fence's entries of a transaction, as JSON texts; `upTo` is the end of a piece among its bundle's sets. */
  entries(bundle: number, upTo: number | undefined): string[];
  /** A piece went through, or a bundle before the last. Throws `lost-race` where it is not ours to go on. */
  passed(bundle: number, upTo: number | undefined): Promise<void>;
  /** A transaction was refused with 409 or 412. Throws `lost-race` where another attempt has won for good. */
  judge(bundle: number): Promise<Verdict>;
  /** Ids of the markers that this commit has left behind. */
  markers(): string[];
}

export interface FenceInput {
  readonly instance: string;
  readonly target: CommitTarget;
  readonly plan: CommitPlan;
  readonly cursor: Versioned | undefined;
  readonly cursorContent: JsonObject;
  /** Ids of markers that may be swept along with the last bundle. */
  readonly oldMarkers: readonly string[];
}

export interface FenceOffInput {
  readonly instance: string;
  readonly target: CommitTarget;
  readonly stream: StreamKey;
  readonly open: OpenCommit;
  readonly cursor: Versioned | undefined;
}

/** A closed commit: the entries that close it, and how far it has come if the target takes them. */
export interface Closing {
  readonly entries: readonly string[];
  readonly progress: Progress;
}
