/**
 * Marks: what the leak guard has to know of a put line wherever it goes (staging, extra steps, parked), without the
 * resource and without a word: whose its resources are, and the keyed hashes of the tokens that are left in each.
 *
 *     for each trace: patient (16) ‖ length of the name (1) ‖ `Type/id` ‖ number of hashes (4) ‖ the hashes (6 each)
 *
 * A length of 0: the resource and the hashes of the trace before, of one more of its patients.
 */
import { hashCount, listedHashBytes, listOfHashes } from '../crypto/hash-list.ts';
import type { GuardTrace } from '../deid/engine.ts';

/** One resource of a line and one of its patients; a Bundle has several resources. */
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

export function markOf(traces: readonly GuardTrace[]): Mark {
  /** Traces of one resource share their tokens. */
  const lists = new Map<readonly number[], Uint8Array>();
  return traces.map(({ patient, resource, kept }) => {
    const list = lists.get(kept) ?? listOfHashes(kept);
    lists.set(kept, list);
    return { patient, resource, kept: list };
  });
}

/** The mark of a line whose content may be another now. */
export const unknownMark = (mark: Mark): Mark => mark.map((trace) => ({ ...trace, kept: 'unknown' }));

export function encodeMark(mark: Mark): Buffer {
  const pieces = mark.flatMap(({ patient, resource, kept }, at) => {
    const before = mark[at - 1];
    if (before?.resource === resource && before.kept === kept) return [Buffer.from(patient, 'hex'), Buffer.of(0)];
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
    const length = take(1).readUInt8();
    if (length === 0) {
      mark.push({ ...before(mark), patient });
      continue;
    }
    const resource = take(length).toString('utf8');
    const count = take(4).readUInt32BE();
    mark.push({ patient, resource, kept: count === unknownCount ? 'unknown' : take(count * listedHashBytes) });
  }
  return mark;
}

function before(mark: Mark): TraceMark {
  const last = mark.at(-1);
  if (last === undefined) throw new RangeError('mark');
  return last;
}
