/**
 * The event catalogue: all that this program ever logs. An event has a constant name and fields of known names that
 * hold numbers, states, type names and digests; there is no way to log a free text, an error or a resource (I2).
 */
import { type DestinationStream, pino } from 'pino';

import type { DriftKind } from './sync/drift.ts';

/** What each event may carry. */
interface Events {
  'worker-started': { instance: string; taskQueue: string; streams: number; policy: string };
  'worker-stopping': { instance: string };
  'worker-stopped': { instance: string };
  'worker-failed': { instance: string; code: string };
  'batch-fetched': { direction: string; type: string; batch: string; rows: number; changes: number; requests: number };
  'batch-anonymized': {
    direction: string;
    type: string;
    batch: string;
    resources: number;
    withheld: number;
    quarantined: number;
    /** Outputs in which the leak guard masked something, and those that it withheld (quarantined). */
    masked: number;
    guardWithheld: number;
    /** Removed words that were not known of their patients; late ones are of patients who had output in the hub already. */
    words: number;
    lateWords: number;
  };
  'batch-stepped': {
    direction: string;
    type: string;
    batch: string;
    step: string;
    resources: number;
    withheld: number;
  };
  'batch-committed': {
    direction: string;
    type: string;
    batch: string;
    committed: number;
    deleted: number;
    unchanged: number;
    parked: number;
    released: number;
    quarantined: number;
    /** Outputs that the leak guard masked or withheld (quarantined) here: their patient's words came after them. */
    masked: number;
    guardWithheld: number;
    bundles: number;
  };
  /** What a stream does beside its feed: quarantined resources tried again, or leftovers of a resync deleted. */
  'own-work-staged': { direction: string; type: string; batch: string; work: string; resources: number };
  /** Targets of references that no feed has shown: their own stream asks the source for them. */
  'targets-wanted': { direction: string; type: string; resources: number };
  'stream-denied': { direction: string; type: string; reason: string };
  /** With what source and target were found to have of the type, where they said. */
  'stream-resync': { direction: string; type: string; epoch: number; source?: number; target?: number };
  /** Codes of what stands in its way, separated by commas. */
  'resync-refused': { direction: string; type: string; reasons: string };
  /** Everything was read and settled, and what the source no longer has is deleted from the target. */
  'resync-finished': { direction: string; type: string; epoch: number };
  /** What an operator did with quarantine; a discarded resource is named by its key in the target, or a keyed hash. */
  'quarantine-retry-ordered': { direction: string; type: string; resources: number };
  'quarantine-discarded': { direction: string; key: string; reason: string; ticket: string };
  /** Resources of a stream that have waited too long for what they refer to. */
  'parked-aged': { direction: string; type: string; resources: number; oldestSeconds: number };
  /** A comparison of source and target: how many resources there are and differ, by kind. */
  'stream-reconciled': {
    direction: string;
    type: string;
    repair: boolean;
    written: number;
    target: number;
    source: number;
    undecided: number;
    differing: number;
  } & { readonly [kind in DriftKind]?: number };
  'reconcile-skipped': { direction: string; type: string; reason: string };
  /** Leaving the hub: begun, what was deleted of each type, key versions that were in use, done; also at the start of a worker. */
  'leave-begun': { instance: string; data: string };
  'leave-deleted': { type: string; resources: number };
  'leave-key-retired': { purpose: string; versions: string };
  'instance-left': { instance: string; data: string; since: string; comeBack: string };
  'instance-joined': { instance: string; streams: number };
  'staging-swept': { batches: number };
  'step-failed': { direction: string; type: string; step: string; code: string };
  'temporal-sdk': { level: string; component: string };
}

export type EventName = keyof Events;

export interface Log {
  info<Name extends EventName>(event: Name, fields: Events[Name]): void;
  warn<Name extends EventName>(event: Name, fields: Events[Name]): void;
}

/** A log of JSON lines on standard error, or wherever `destination` leads. */
export function createLog(destination?: DestinationStream): Log {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (level) => ({ level }) } },
    destination ?? pino.destination({ fd: 2, sync: false }),
  );
  return {
    info: (event, fields) => {
      logger.info({ event, ...fields });
    },
    warn: (event, fields) => {
      logger.warn({ event, ...fields });
    },
  };
}

/** For callers that want none. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined };
