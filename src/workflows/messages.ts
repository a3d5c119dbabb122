/** The messages of `syncResourceType`, shared with clients: signals, the query, inputs and results. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';

import type { DenialReason, StreamTotals } from '../activities/contract.ts';
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
  | 'denied';

/** What an open stream needs, and from whom. */
export interface Need {
  readonly code: TroubleCode;
  readonly means: string;
  readonly cure: string;
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
  /** Types that a first load waits for. */
  readonly waitingFor?: readonly string[];
  /** The batch in hand. */
  readonly batch?: { readonly lo: number; readonly hi: number; readonly changes: number; readonly deleted: number };
  /** The source's newest version, as far as this run has asked. */
  readonly head?: number;
  readonly totals?: StreamTotals;
}

export interface SyncResult {
  readonly outcome: 'current' | 'denied';
  readonly reason?: DenialReason;
  /** Of this run. */
  readonly batches: number;
  readonly totals?: StreamTotals;
}

export interface PollWorkflowInput {
  readonly instance: string;
  readonly everySeconds: number;
}

/** Finish the batch in hand, then stay open and do nothing. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
/** Read everything again from version 0, in a new epoch. */
export const resyncSignal = defineSignal('resync');
/** Try at once what waits or is blocked. */
export const retrySignal = defineSignal('retry');
/** Look once more for changes before completing. */
export const wakeSignal = defineSignal('wake');
export const statusQuery = defineQuery<SyncStatus>('status');

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
