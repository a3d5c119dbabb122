/**
 * What a caller may set. Every point that the vendor's documentation leaves open is an option here, so that a client
 * can be tried against each answer a real server might give.
 * Source: Aidbox docs, pages "Changes API", "Batch/Transaction", "Update", "All settings".
 */

/** Delays the commit of some writes that come over HTTP: the txid is taken first, the rows show up later. */
export interface LateCommits {
  /** Share of the writing transactions that are delayed, 0 to 1. */
  readonly share: number;
  /** Longest delay; each is drawn evenly from 1 to this. */
  readonly maxDelayMs: number;
}

/** Settings of one emulated server; each has a default in {@link defaultOptions}. */
export interface EmulatorOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port?: number;
  /** Switches authentication and access policies off. */
  readonly insecure?: boolean;
  /** Seeds the shuffled order and the late commits; new ids and tokens do not follow it. */
  readonly seed?: number;
  /** The first value of the global txid sequence. */
  readonly firstTxid?: number;
  /** The server's clock. */
  readonly nowMs?: () => number;

  /** [U] Order of the rows of `$changes`, over the whole range and not just in a page. */
  readonly changesOrder?: 'ascending' | 'descending' | 'shuffled';
  /** [U] Rows in a page of `$changes` when `_count` is absent; 0 sends them all. */
  readonly changesPageSize?: number;
  /** [U] What `version=lo,hi` does when `hi` lies beyond the type's newest version. */
  readonly hiBeyondNewest?: 'as-asked' | 'newest' | 'refused';
  /** [U] Whether a range without rows answers 200 with an empty list or 304. */
  readonly emptyRange?: 'empty' | 'not-modified';
  /** [U] Whether `meta` is present in the rows of `$changes`. */
  readonly metaInChanges?: boolean;
  /** [U] The event of an id that is written again after its delete. */
  readonly recreatedEvent?: 'created' | 'updated';
  /** [U] Whether a deleted row carries the whole last resource or its id and type alone. */
  readonly deletedRow?: 'whole' | 'id-only';
  /** The version that `$changes` names for a type which never had a row. */
  readonly emptyTypeVersion?: number;

  /** [U] Whether `request.ifMatch` of a bundle's entry counts. */
  readonly entryIfMatch?: 'obeyed' | 'ignored';
  /** [U] Whether a relative reference resolves to what a later entry of the same transaction creates. */
  readonly forwardReferences?: boolean;
  /** [U] Whether each entry of a transaction takes a txid of its own. A second version of an id always does. */
  readonly txidPer?: 'entry' | 'transaction';
  /** [U] The form of `response.etag` of an entry: `40` as the vendor's example has it, or `W/"40"`. */
  readonly entryEtag?: 'bare' | 'weak';
  /** [U] Whether the outcome of a refused transaction names the entry in `issue.expression`. */
  readonly culpritInOutcome?: boolean;
  /** [U] Whether a PUT of unchanged content makes a new version. */
  readonly unchangedPut?: 'new-version' | 'same-version';

  /** Whether a relative reference to a missing resource is refused with 422. */
  readonly referentialIntegrity?: boolean;
  /** Whether a delete of what others refer to is refused with 409, as HAPI FHIR does it; Aidbox does not. */
  readonly deleteIntegrity?: boolean;
  /** Whether the header `aidbox-validation-skip: reference` is obeyed. */
  readonly referenceSkipAllowed?: boolean;
  /** Url of the extension in `meta` with the time of creation (setting AIDBOX_CREATED_AT_URL); '' leaves it out. */
  readonly createdAtUrl?: string;
  /** Whether overlapping late transactions on one id are refused with 412, as isolation SERIALIZABLE does. */
  readonly isolation?: 'serializable' | 'read-committed';

  /** Bodies beyond this are refused with 413. */
  readonly bodyLimitBytes?: number;
  /** Request targets beyond this are refused with 414. */
  readonly urlLimitChars?: number;
  /** Life of an OAuth token. */
  readonly tokenLifeSeconds?: number;
  /** [U] Whether the token answer says `expires_in`. */
  readonly tokenSaysExpiry?: boolean;

  /** Delays commits of writes over HTTP; absent: none is late. */
  readonly lateCommits?: LateCommits | null;
  /** What `emulator.requests` keeps: nothing, method, path and headers, or the bodies as well. */
  readonly record?: 'nothing' | 'lines' | 'bodies';
}

/** Options with every default filled in. */
export type ResolvedOptions = Readonly<Required<EmulatorOptions>>;

/** The defaults: documented behaviour where there is some, else what a client has to be most careful with. */
export const defaultOptions: ResolvedOptions = {
  port: 0,
  insecure: false,
  seed: 1,
  firstTxid: 1,
  nowMs: Date.now,
  changesOrder: 'ascending',
  changesPageSize: 0,
  hiBeyondNewest: 'as-asked',
  emptyRange: 'empty',
  metaInChanges: true,
  recreatedEvent: 'created',
  deletedRow: 'whole',
  emptyTypeVersion: 0,
  entryIfMatch: 'obeyed',
  forwardReferences: false,
  txidPer: 'entry',
  entryEtag: 'bare',
  culpritInOutcome: false,
  unchangedPut: 'new-version',
  referentialIntegrity: true,
  deleteIntegrity: false,
  referenceSkipAllowed: false,
  createdAtUrl: 'ex:createdAt',
  isolation: 'serializable',
  bodyLimitBytes: 20 * 1024 * 1024,
  urlLimitChars: 8192,
  tokenLifeSeconds: 3600,
  tokenSaysExpiry: true,
  lateCommits: null,
  record: 'nothing',
};

/** Fills in the defaults. */
export function resolveOptions(options: EmulatorOptions = {}): ResolvedOptions {
  return { ...defaultOptions, ...options };
}
