/**
 * Staging: where a batch lies between two steps, encrypted, only at the site. Temporal sees names, never bytes.
 */

/** Where opaque, already encrypted objects lie: a local folder, or a bucket that several workers share. */
export interface BlobStore {
  /** Writes the whole object or nothing. Replaces an object of that name. */
  put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number }>;
  /**
   * Writes a small object only where there is none of that name: of several writers at most one gets `true`, and the
   * others then read what is there. (A folder links the finished file; S3 takes `If-None-Match: *`. Over a network the
   * one whose answer was lost gets `false`, and finds its own bytes.)
   */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Streams an object. Throws `StagingProblem('staging-missing')` where there is none. */
  get(name: string): AsyncIterable<Uint8Array>;
  has(name: string): Promise<boolean>;
  /** Deletes every object below `prefix/`. Deleting nothing is not an error. */
  deleteAll(prefix: string): Promise<void>;
  /** Deletes what crashed writers and deleters left behind, if older than that. Returns how many. */
  removeLeftovers(ageSecondsMax: number): Promise<number>;
  /** The first path segments (batches) with the time of their newest object. */
  listBatches(): AsyncIterable<{ batch: string; modifiedAt: Date; bytes: number }>;
  /** Ends what is in flight; the store is of no use after. */
  close(): void;
}

/** Encrypted staging of batches. Every object is bound to its batch and its name: neither can be swapped. */
export interface Staging {
  /** Encrypts and stores `batch/part`. Replaces what stood there: steps are idempotent. */
  write(
    batch: string,
    part: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ bytes: number }>;
  /** Decrypts `batch/part` as a stream. Authentication of each chunk comes before its bytes are yielded. */
  read(batch: string, part: string): AsyncIterable<Uint8Array>;
  has(batch: string, part: string): Promise<boolean>;
  /** Deletes a batch's parts, its data key with them. */
  discard(batch: string): Promise<void>;
  /**
   * Deletes batches untouched for longer than `ageSecondsMax`, but those `keep` names, and what crashes left behind.
   * Returns how many batches.
   */
  sweep(ageSecondsMax: number, keep: (batch: string) => boolean): Promise<number>;
}

/** Why staging failed; `code` is constant and holds no data. */
export type StagingCode =
  | 'staging-full' // disk or quota exhausted: an operator makes room
  | 'staging-missing' // the object is gone: swept, or another machine's folder
  | 'staging-corrupt' // authentication failed, or it is truncated
  | 'staging-unavailable' // any other I/O error
  | 'staging-name-refused' // a batch or part name outside the safe alphabet: a bug
  | 'staging-folder-open' // the folder is open to the machine's other users: chmod 700
  | 'staging-forbidden' // the bucket's server refuses the credentials, or they may not do what is needed
  | 'staging-bucket-missing' // there is no bucket of that name
  | 'staging-unconditional'; // the bucket's server ignores If-None-Match: two workers could each make a batch's key

/** The one error of this folder. Its message is its code: no path, no data. */
export class StagingProblem extends Error {
  readonly code: StagingCode;
  constructor(code: StagingCode) {
    super(code);
    this.name = 'StagingProblem';
    this.code = code;
  }
}
