/** What the rooms of the emulator hand each other. */

export type ChangeEvent = 'created' | 'updated' | 'deleted';

/** FHIR's JSON, or Aidbox's own with `{resourceType, id}` references. */
export type Format = 'fhir' | 'aidbox';

/** One written state of a resource. */
export interface Stored {
  readonly txid: number;
  readonly type: string;
  readonly id: string;
  readonly deleted: boolean;
  /** The resource in FHIR format with its `meta`; of a deleted one its last state. Kept as text: it is sent more often than read. */
  readonly json: string;
  readonly atMs: number;
  readonly createdAtMs: number;
}

/** A committed state, as history and `$changes` show it. */
export interface Version extends Stored {
  readonly event: ChangeEvent;
}

/** Where an interaction reads: the store, or a transaction on top of it. */
export interface View {
  read(type: string, id: string): Stored | undefined;
  /** Every live resource of a type. */
  scan(type: string): Iterable<Stored>;
}
