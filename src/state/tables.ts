/** The tables of the site's state. Ids of `up` streams are pseudonyms; source ids stand only as keyed hashes. */
import type { ColumnType, Generated } from 'kysely';

export type Direction = 'up' | 'down';

export interface Tables {
  meta: { name: string; value: string };
  streams: StreamTable;
  heads: { server: string; version: number; at_ms: number };
  seen: SeenTable;
  ledger: LedgerTable;
  parked: ParkedTable;
  parked_needs: { direction: Direction; key: string; need: string };
  quarantine: QuarantineTable;
  markers: { stream: string; id: string; at_ms: number };
  guard_patients: GuardPatientTable;
  guard_words: GuardWordsTable;
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
  content: ColumnType<Uint8Array | null, Uint8Array | null, Uint8Array | null>;
}
