/** The messages of `syncResourceType`, shared with clients: signals, the query, inputs and results. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';

import type {
  DenialReason,
  LeaveChoice,
  RefusalCode,
  ResyncFound,
  StreamKey,
  StreamTotals,
} from '../activities/contract.ts';
import type { TroubleCode } from '../sync/trouble.ts';

export interface SyncInput {
  readonly instance: string;
  readonly direction: 'up' | 'down';
  readonly type: string;
  /** The hub said no the last time: ask before anything is read. */
  readonly askFirst?: boolean;
  /** What a run hands to its successor. */
  readonly carried?: {
    readonly paused: boolean;
    readonly resync: boolean;
    readonly acceptFewer?: boolean;
    readonly discard: readonly string[];
    readonly totals?: StreamTotals;
  };
}

export type SyncState =
  | 'fetching'
  | 'anonymizing'
  | 'stepping'
  | 'authorizing'
  | 'committing'
  | 'resyncing'
  | 'waiting'
  | 'retrying'
  | 'paused'
  | 'blocked'
  | 'current'
  | 'denied'
  | 'left';

/** What an open stream needs, and from whom. */
export interface Need {
  readonly code: RefusalCode;
  readonly means: string;
  readonly cure: string;
}

/** How this run has answered an order to resync. */
export interface ResyncNote {
  /** ISO 8601. */
  readonly at: string;
  /** Why it has not begun; empty where it has. */
  readonly refused: readonly Need[];
  readonly found?: ResyncFound;
}

/** Names, counts, versions and times: never data. */
export interface SyncStatus {
  readonly instance: string;
  readonly direction: 'up' | 'down';
  readonly type: string;
  readonly state: SyncState;
  /** When the state was entered, ISO 8601. */
  readonly since: string;
  readonly paused: boolean;
  readonly need?: Need;
  readonly resync?: ResyncNote;
  /** Types that a first load waits for. */
  readonly waitingFor?: readonly string[];
  /** The batch in hand. */
  readonly batch?: { readonly lo: number; readonly hi: number; readonly changes: number; readonly deleted: number };
  /** The source's newest version, as far as this run has asked. */
  readonly head?: number;
  readonly totals?: StreamTotals;
}

export interface SyncResult {
  readonly outcome: 'current' | 'denied' | 'left';
  readonly reason?: DenialReason;
  /** Of this run. */
  readonly batches: number;
  readonly totals?: StreamTotals;
}

export interface PollWorkflowInput {
  readonly instance: string;
  readonly everySeconds: number;
}

/** Which streams are compared with their targets, one after the other. */
export interface ReconcileWorkflowInput {
  readonly instance: string;
  readonly streams: readonly StreamKey[];
  /** Whether what differs is mended. */
  readonly repair: boolean;
}

export interface ResyncOrder {
  /** The source may have far less than the target holds of this site: most of that is to be deleted. */
  readonly acceptFewer?: boolean;
}

/** Finish the batch in hand, then stay open and do nothing. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
/** Read everything again from version 0, in a new epoch, where nothing stands in the way. */
export const resyncSignal = defineSignal<[ResyncOrder?]>('resync');
/** Try at once what waits or is blocked. */
export const retrySignal = defineSignal('retry');
/** Look once more for changes before completing. */
export const wakeSignal = defineSignal('wake');
/** The instance leaves the hub: finish the batch in hand, give back what is claimed, and complete. */
export const leaveSignal = defineSignal('leave');
export const statusQuery = defineQuery<SyncStatus>('status');

export interface LeaveInput {
  readonly instance: string;
  readonly data: LeaveChoice;
  /** What a run hands to its successor. */
  readonly carried?: LeaveCarried;
}

export interface LeaveCarried {
  readonly streams: readonly StreamKey[];
  readonly deleted: Readonly<Record<string, number>>;
}

export type LeavePhase = 'stopping' | 'deleting' | 'clearing' | 'noting' | 'finishing' | 'left';

/** What a leaving needs before it can go on. */
export interface LeaveNeed {
  readonly code: TroubleCode | 'denied' | 'still-referenced';
  readonly means: string;
  readonly cure: string;
}

/** Names, counts and times: never data. */
export interface LeaveStatus {
  readonly instance: string;
  readonly data: LeaveChoice;
  readonly phase: LeavePhase;
  /** When the phase was entered, ISO 8601. */
  readonly since: string;
  /** Of the type that is being worked on. */
  readonly type?: string;
  /** Deleted from the hub so far, by type. */
  readonly deleted: Readonly<Record<string, number>>;
  readonly need?: LeaveNeed;
  /** Streams whose cursor could not be told; once it has left. */
  readonly unnoted?: readonly string[];
  /** Versions of the keys that are retired, by purpose; once it has left. */
  readonly keys?: Readonly<Record<string, readonly number[]>>;
}

export const leaveStatusQuery = defineQuery<LeaveStatus>('status');
/** Delete nothing more: what is in the hub by now stays there. */
export const keepSignal = defineSignal('keep');

/** One leaving at a time of each instance. */
export const leaveWorkflowId = (instance: string): string => `leave/${instance}`;
export const joinWorkflowId = (instance: string): string => `join/${instance}`;

/** Search attributes. They bypass the payload codec: opaque names only. */
export const searchAttributes = {
  instance: defineSearchAttributeKey('SluiceInstance', 'KEYWORD'),
  resourceType: defineSearchAttributeKey('SluiceResourceType', 'KEYWORD'),
  direction: defineSearchAttributeKey('SluiceDirection', 'KEYWORD'),
  state: defineSearchAttributeKey('SluiceState', 'KEYWORD'),
} as const;

/** The id of a stream's workflow: one open at most for each stream. */
export const syncWorkflowId = (instance: string, direction: string, type: string): string =>
  `sync/${instance}/${direction}/${type}`;

/** The id of a stream's reconciliation: one at a time. */
export const reconcileWorkflowId = (instance: string, direction: string, type: string): string =>
  `reconcile/${instance}/${direction}/${type}`;
