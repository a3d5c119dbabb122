/**
 * Every bound of the service, with its unit in its name (invariant I10). `sluice.yaml` may set those in
 * `limitDefaults` within the range given; the rest are fixed by an outside limit, named beside each.
 */

interface Range {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
}

/** What `limits:` in `sluice.yaml` may set. */
export const limitRanges = {
  longestTransactionSeconds: {
    default: 120,
    min: 0,
    max: 86_400,
    about: 'longest transaction at the source: how late a change may become visible',
  },
  clockDriftSeconds: { default: 2, min: 0, max: 600, about: 'added to the above' },
  pageRowsMax: { default: 1_000, min: 1, max: 10_000, about: 'rows asked for in one page of $changes' },
  pageBytesMax: {
    default: 64 * 2 ** 20,
    min: 2 ** 16,
    max: 2 ** 30,
    about: 'an answer above it is asked for in smaller pages',
  },
  batchRowsMax: { default: 5_000, min: 1, max: 100_000, about: 'rows in one batch' },
  batchBytesMax: { default: 64 * 2 ** 20, min: 2 ** 16, max: 2 ** 30, about: 'bytes of answers in one batch' },
  resourceBytesMax: {
    default: 8 * 2 ** 20,
    min: 2 ** 10,
    max: 19 * 2 ** 20,
    about: 'a larger resource is quarantined',
  },
  overlapRowsMax: {
    default: 2_000,
    min: 0,
    max: 100_000,
    about: 'a larger unsettled window is read again once, when it has settled, not with every change',
  },
  bundleEntriesMax: { default: 500, min: 1, max: 10_000, about: 'entries in one transaction' },
  bundleBytesMax: { default: 8 * 2 ** 20, min: 2 ** 12, max: 19 * 2 ** 20, about: 'bytes in one transaction' },
  bundlesInFlightMax: { default: 4, min: 1, max: 32, about: 'transactions of one batch in flight together' },
  parkedCountMax: {
    default: 1_000_000,
    min: 0,
    max: 100_000_000,
    about: 'parked resources of this instance; beyond it streams stop',
  },
  parkedAgeSecondsMax: {
    default: 86_400,
    min: 60,
    max: 365 * 86_400,
    about: 'a resource that has waited longer for a reference target counts as aged: in status, and in the log',
  },
  quarantineShareMax: {
    default: 0.1,
    min: 0,
    max: 1,
    about: 'share of a batch; beyond it (and beyond the count below) the stream stops',
  },
  quarantineCountMin: { default: 20, min: 1, max: 1_000_000, about: 'the breaker never opens below this count' },
  leftoversShareMax: {
    default: 0.5,
    min: 0,
    max: 1,
    about:
      'share of what a stream has in the target that a resync deletes without asking (and at least quarantineCountMin)',
  },
  stagingBytesMax: { default: 20 * 2 ** 30, min: 2 ** 20, max: 2 ** 50, about: 'all staged batches together' },
  stagingAgeSecondsMax: {
    default: 7 * 86_400,
    min: 60,
    max: 365 * 86_400,
    about: 'older staging that no open batch owns is swept',
  },
  requestTimeoutSeconds: { default: 60, min: 1, max: 3_600, about: 'one HTTP request, answer included' },
  requestsInFlightMax: {
    default: 32,
    min: 1,
    max: 1_000,
    about: 'requests to one server in flight together, of all workers of the site',
  },
  requestsPerSecondMax: {
    default: 500,
    min: 1,
    max: 10_000,
    about: 'requests to one server that begin within one second, of all workers of the site',
  },
  requestWaitSecondsMax: {
    default: 120,
    min: 1,
    max: 3_600,
    about: 'a request whose turn within these two does not come meanwhile fails, and its step is tried again later',
  },
  workerThreadsMax: { default: 2, min: 1, max: 64, about: 'threads for de-identification and checks' },
  activitiesInFlightMax: { default: 50, min: 2, max: 1_000, about: 'activities one worker runs at a time' },
} as const satisfies Record<string, Range>;

export type LimitName = keyof typeof limitRanges;
export type Limits = { readonly [name in LimitName]: number };

/** The defaults, as a plain object. */
export const limitDefaults: Limits = Object.fromEntries(
  Object.entries(limitRanges).map(([name, range]) => [name, range.default]),
) as Limits;

/** Bounds that no configuration moves. */
export const fixedLimits = {
  /** Entries of one batch Bundle of GETs. */
  currentReadEntriesMax: 100,
  /** Longest a `wait` answer of fetch-changes takes before the workflow hears of it. */
  tierWaitSecondsMax: 20,
  /** A stream of a lower tier that has not moved for so long is no longer waited for. */
  tierStallSecondsMax: 60,
  /** Attempts of one bundle within one activity attempt where the target reports a serialization conflict. */
  conflictAttemptsMax: 8,
  /** Staged objects are cut at this many plaintext bytes, so that a thread's input stays small. */
  partBytesMax: 4 * 2 ** 20,
  /** Most rows a single-version range may bring; beyond it the stream stops rather than run out of memory. */
  singleVersionRowsMax: 1_000_000,
  /** What a probe has found out of a target's fences is believed for so long: the server may be another by then. */
  fenceModeSecondsMax: 86_400,
  /** Markers (fences of servers that ignore ifMatch on entries) are kept for so long. */
  markerAgeSecondsMax: 2 * 86_400,
  /** Markers deleted in one commit. */
  markerSweepMax: 50,
  /** Observations of heads are thinned to one in this many seconds. */
  headSpacingSecondsMin: 1,
  /**
   * Removed words the leak guard keeps of one patient (6 bytes each). Beyond it nothing more is kept, and whatever text
   * of that patient comes is withheld: there may be a word in it that is not known.
   */
  guardWordsPerPatientMax: 500_000,
  /**
   * Patients that the leak guard compares one resource with. What names more (a Group, a List) is compared with nobody:
   * its text goes instead, and the words that were removed from it reach nobody.
   */
  guardPatientsPerResourceMax: 100,
  /** Words that one look at the state reads together. */
  guardReadWordsMax: 2_000_000,
  /** A server is left alone so long at most, whatever its `Retry-After` says; then it is asked again. */
  retryAfterSecondsMax: 15 * 60,
  /** A request waits for the end of a pause that is not longer; else its step fails and is tried again then. */
  pauseWaitSecondsMax: 5,
  /** What other workers of the site say is heard so often at most. */
  siteLookSecondsMin: 1,
  /** A request waits so long at most for the site's state to say it. */
  siteLookMsMax: 250,
  /** Connections of a worker to the state's PostgreSQL. */
  stateConnectionsMax: 10,
  /** Who needs one of them, or a new one, waits so long. */
  stateWaitSeconds: 30,
  /** A statement there takes so long at most, with its turn among the site's writers. */
  stateStatementSeconds: 60,
  /** A transaction there that nothing is done in for so long is taken back: its worker may be stopped. */
  stateIdleSeconds: 60,
  /** A worker with requests to send says so often that it is there. */
  workerSeenSeconds: 10,
  /** A worker that has not said so for so long has no share in the limits any more. */
  workerForgottenSeconds: 30,
  /** Entries of quarantine in one answer. */
  quarantinePageMax: 500,
  /** Keys that one order about quarantine may name. */
  quarantineKeysMax: 1_000,
  /** Keys that a reconciliation judges, and repairs, in one transaction of the state. */
  reconcileKeysMax: 500,
  /** Ids that one search of the target names. */
  listedIdsMax: 50,
  /** A reconciliation waits so long at most for commits that were on their way when it listed the target. */
  reconcileWaitSecondsMax: 60,
  /** Conflicts that are remembered of each direction; the newest. */
  conflictsKeptMax: 10_000,
  /** Conflicts in one answer. */
  conflictsPageMax: 1_000,
  /** A server gets so long to count a type before a resync; else its count stays unknown. */
  countSecondsMax: 60,
  /** Leaving waits so long at most for a stream to finish its batch in hand. What it does later has no effect. */
  leaveStopSecondsMax: 15 * 60,
  /** Bytes of an error answer that are read to classify it. */
  problemBytesMax: 256 * 2 ** 10,
} as const;
