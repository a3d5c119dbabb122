/** What the commands that read FHIR data hold in memory at most. */

export interface InputBounds {
  /** A line of NDJSON, or a whole resource or Bundle. At least `chunkBytes`. */
  readonly recordBytesMax: number;
  /** Whole lines are handed on in blocks of about this size: enough work for a thread at a time. */
  readonly blockBytes: number;
  /** Bytes read at once. */
  readonly chunkBytes: number;
}

export const inputBounds: InputBounds = {
  recordBytesMax: 128 * 2 ** 20,
  blockBytes: 512 * 2 ** 10,
  chunkBytes: 64 * 2 ** 10,
};

/** Standard input up to here is held in memory; more is spooled, encrypted. */
export const spoolMemoryBytes = 4 * 2 ** 20;
