/**
 * Marks: what the leak guard has to know of a put line wherever it goes (staging, extra steps, parked), without the
 * resource and without a word: whose its resources are, and the keyed hashes of the tokens that are left in each.
 *
 *     for each trace: patient (16) ‖ length of the name (1) ‖ `Type/id` ‖ number of hashes (4) ‖ the hashes (6 each)
 */
import { hashCount, listedHashBytes, listOfHashes } from '../crypto/hash-list.ts';
import type { GuardTrace } from '../deid/engine.ts';

/** One resource of a line; a Bundle has several. */
export interface TraceMark {
  /** Keyed hash of whose data it is, hex. */
  readonly patient: string;
  /** `Type/id` in the output. */
  readonly resource: string;
  /** Hashes of what is left; `unknown` once something has changed the resource that does not tell. */
  readonly kept: Uint8Array | 'unknown';
}

export type Mark = readonly TraceMark[];

const patientBytes = 16;
const unknownCount = 0xffff_ffff;

export const markOf = (traces: readonly GuardTrace[]): Mark =>
  traces.map(({ patient, resource, kept }) => ({ patient, resource, kept: listOfHashes(kept) }));

/** The mark of a line whose content may be another now. */
export const unknownMark = (mark: Mark): Mark => mark.map((trace) => ({ ...trace, kept: 'unknown' }));

export function encodeMark(mark: Mark): Buffer {
  const pieces = mark.flatMap(({ patient, resource, kept }) => {
    const name = Buffer.from(resource, 'utf8');
    const count = Buffer.alloc(4);
    count.writeUInt32BE(kept === 'unknown' ? unknownCount : hashCount(kept));
    return [Buffer.from(patient, 'hex'), Buffer.of(name.length), name, count, ...(kept === 'unknown' ? [] : [kept])];
  });
  return Buffer.concat(pieces);
}

/** Reads what `encodeMark` made. Throws where it is something else. */
export function decodeMark(encoded: Uint8Array): Mark {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const mark: TraceMark[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('mark');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const patient = take(patientBytes).toString('hex');
    const resource = take(take(1).readUInt8()).toString('utf8');
    const count = take(4).readUInt32BE();
    mark.push({ patient, resource, kept: count === unknownCount ? 'unknown' : take(count * listedHashBytes) });
  }
  return mark;
}
