/** The tables of the site's state. Ids of `up` streams are pseudonyms; source ids stand only as keyed hashes. */
import type { ColumnType, Generated } from 'kysely';

export type Direction = 'up' | 'down';

/** How a target is fenced: see src/activities/commit/fence.ts. */
export type FenceMode = 'if-match' | 'marker';

export interface Tables {
  meta: { name: string; value: string };
  streams: StreamTable;
  heads: { server: string; version: number; at_ms: number };
  seen: SeenTable;
  /** The batches of a stream whose rows are pending: those that were fetched last. No other may be committed. */
  pending_batches: { direction: Direction; type: string; batch: string };
  ledger: LedgerTable;
  parked: ParkedTable;
  parked_needs: { direction: Direction; key: string; need: string };
  quarantine: QuarantineTable;
  wanted: WantedTable;
  survey: SurveyTable;
  reconciliations: ReconciliationTable;
  deletions: DeletionTable;
  conflicts: ConflictTable;
  departures: DepartureTable;
  /** How each server is fenced, and when that was found out. */
  fence_modes: { server: string; mode: FenceMode; found_ms: number };
  resyncs: ResyncTable;
  markers: { stream: string; id: string; at_ms: number };
  guard_patients: GuardPatientTable;
  guard_words: GuardWordsTable;
  /** Workers of the site that have requests to send, each by a random id. */
  workers: { id: string; seen_ms: number };
  /** Until when a server wants to be left alone. */
  server_pauses: { server: string; until_ms: number };
}

interface StreamTable {
  direction: Direction;
  type: string;
  epoch: number;
  /** Commits of this epoch that the state knows of. */
  sequence: number;
  settled: number;
  delivered: number;
  /** Policy digest of the last commit; empty before the first. */
  policy: string;
  /** 1 once the stream was caught up for the first time in this epoch. */
  loaded: number;
  progress_at_ms: number;
  /** Last time the stream was known to be caught up. */
  current_at_ms: number;
  /** Why the hub said no the last time; empty where it did not. */
  denied: string;
  counts: string;
  /**
   * What the target has left from before a resync: -1, nothing; 0, to be looked for once everything is read; else once
   * everything up to this version is settled.
   */
  leftovers_from: Generated<number>;
  /** The commit that was begun and not noted as finished, as JSON; empty where there is none. */
  open_commit: string;
}

interface SeenTable {
  direction: Direction;
  type: string;
  row_key: string;
  id_key: string;
  version: number;
  /** `meta.lastUpdated`, or 0. */
  at_ms: number;
  /** The batch that brings the row; empty once it is committed. */
  batch: string;
}

interface LedgerTable {
  direction: Direction;
  /** `Type/id` in the target. */
  key: string;
  type: string;
  /** Digest of what was written last; empty for a deleted resource. */
  digest: string;
  epoch: number;
  /** The target's version of what was written; empty where its answer was lost. */
  version: Generated<string>;
}

/** What a reconciliation has found so far: the ledger as it was when it began, beside the target and the source. */
interface SurveyTable {
  direction: Direction;
  /** `Type/id` in the target. */
  key: string;
  type: string;
  /** The reconciliation that wrote the row; a newer one removes it. */
  run: string;
  /** The ledger's digest and version; empty where nothing of ours should be in the target. */
  digest: string;
  version: string;
  /** The version in the target; null where it is not there. */
  listed: string | null;
  /** The digest of what the source's state gives now; empty where the source has none. Or one of `found` in sync/drift.ts. */
  found: string;
  /** The id at the source, sealed; of what a repair may have to ask for. */
  source_id: ColumnType<Uint8Array | null, Uint8Array | null, Uint8Array | null>;
}

/** The last reconciliation of each stream. */
interface ReconciliationTable {
  direction: Direction;
  type: string;
  /** The one that may write its survey. */
  run: string;
  /** When the last one ended; 0 where none has. */
  at_ms: number;
  /** Its report: names and counts, as JSON; empty where none has ended. */
  report: string;
}

/** What a repair has found to have no owner at the source: it is deleted from the target. */
interface DeletionTable {
  direction: Direction;
  key: string;
  type: string;
  /** The ledger's digest when it was found: where it is another by now, somebody has written it since. */
  digest: string;
}

/** Copies in the target that somebody else had changed, and that a commit or a repair has written over. */
interface ConflictTable {
  direction: Direction;
  key: string;
  type: string;
  found_ms: number;
  /** ConflictKind. */
  kind: string;
}

/** When this instance left the hub, and came back: never deleted. Where the newest has no `back_ms`, nothing is synced. */
interface DepartureTable {
  begun_ms: number;
  /** The run of the workflow that began it. */
  run: string;
  /** What becomes of the data in the hub: `delete` or `keep`. */
  data: string;
  /** When all was done; 0 while it is going on. */
  left_ms: number;
  /** When the instance came back; 0 where it has not. */
  back_ms: number;
  /** Names, versions and counts, as JSON. */
  report: string;
}

/** What came of the last order to resync a stream. */
interface ResyncTable {
  direction: Direction;
  type: string;
  answered_ms: number;
  /** Whether it has begun, and what was found before: names and counts, as JSON. */
  answer: string;
}

interface ParkedTable {
  direction: Direction;
  key: string;
  type: string;
  digest: string;
  content: ColumnType<Uint8Array, Uint8Array, Uint8Array>;
  bytes: number;
  since_ms: number;
  /** The batch that parked it, and the batch that is committing it now (empty: none). */
  batch: string;
  claim: Generated<string>;
  /** 1 where something that it waits for has arrived since it was looked at. */
  free: Generated<number>;
  /** The leak guard's mark (src/threads/marks.ts); null where no guard looks after it. */
  guard: ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;
}

/** Whom the leak guard knows, by keyed hash. Deleting a Patient deletes nothing here: others of its resources may come. */
interface GuardPatientTable {
  patient: string;
  /** Version of the pseudonym key that all hashes of the row are under. */
  key_version: number;
  /** Words in its runs. */
  words: number;
  /** 1 once it had more words than are kept. */
  overflowed: number;
  /** 1 once a resource of this patient was planned to be committed: words that come after that come late. */
  has_output: number;
  updated_ms: number;
}

/** Words of a patient in sorted lists of hashes (src/crypto/hash-list.ts); a newer run is much shorter than an older one. */
interface GuardWordsTable {
  patient: string;
  run: number;
  words: ColumnType<Uint8Array, Uint8Array, Uint8Array>;
}

/** Resources that others wait for and no feed has shown: their own stream asks the source for them. */
interface WantedTable {
  direction: Direction;
  /** `Type/id` in the target. */
  key: string;
  type: string;
  /** The id at the source, sealed. */
  source_id: ColumnType<Uint8Array, Uint8Array, Uint8Array>;
  /** Empty; the batch that asks the source; or `done`. */
  asked: string;
}

interface QuarantineTable {
  direction: Direction;
  /** `Type/id` in the target where it is known, else a keyed hash. */
  key: string;
  type: string;
  reason: string;
  /** The target's HTTP status, 0 where the site itself refused. */
  status: number;
  attempts: number;
  /** The commit that put it here; empty where it never came so far. */
  batch: string;
  first_ms: number;
  last_ms: number;
  /** QuarantineForm. */
  form: string;
  content: ColumnType<Uint8Array | null, Uint8Array | null, Uint8Array | null>;
  /** 1 where it is to be tried again, and the batch that does it. */
  retry: number;
  retry_batch: string;
  /** Why an operator gave it up; empty where nobody did. Its content is gone then; the entry stays until a newer state comes. */
  discarded: Generated<string>;
  ticket: Generated<string>;
  /** When; 0 where nobody did. */
  discarded_ms: Generated<number>;
}
