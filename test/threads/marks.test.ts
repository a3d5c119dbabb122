import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { hashesOf, listOfHashes } from '../../src/crypto/hash-list.ts';
import { decodeMark, encodeMark, markOf, unknownMark } from '../../src/threads/marks.ts';

const hash = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const trace = fc.record({
  patient: fc.stringMatching(/^[0-9a-f]{32}$/),
  resource: fc.stringMatching(/^[A-Z][a-z]{0,20}\/[a-z0-9-]{0,40}$/),
  removed: fc.constant([]),
  meets: fc.constant(() => false),
  kept: fc.array(hash, { maxLength: 50 }),
});

describe('marks', () => {
  it('come back as they were written, hashes in order and each once', () => {
    fc.assert(
      fc.property(fc.array(trace, { maxLength: 4 }), (traces) => {
        const read = decodeMark(encodeMark(markOf(traces)));
        const plain = read.map(({ kept, ...rest }) => ({
          ...rest,
          kept: kept === 'unknown' ? [] : [...hashesOf(kept)],
        }));
        const expected = traces.map(({ patient, resource, kept }) => ({
          patient,
          resource,
          kept: [...new Set(kept)].sort((a, b) => a - b),
        }));
        expect(plain).toEqual(expected);
      }),
    );
  });

  it('may say that nothing is known of what is left', () => {
    const [one] = fc.sample(trace, 1);
    const mark = unknownMark(markOf([one!]));
    expect(decodeMark(encodeMark(mark))).toEqual([{ patient: one!.patient, resource: one!.resource, kept: 'unknown' }]);
  });

  it('of one resource with many patients hold what is left once, known or not', () => {
    const kept = listOfHashes(Array.from({ length: 1_000 }, (_, index) => index));
    const patients = Array.from({ length: 100 }, (_, index) => index.toString(16).padStart(32, '0'));
    for (const left of [kept, 'unknown'] as const) {
      const mark = patients.map((patient) => ({ patient, resource: 'Group/g', kept: left }));
      const other = { patient: patients[0]!, resource: 'Group/h', kept: left };
      const encoded = encodeMark([...mark, other]);
      expect(encoded.length).toBeLessThan(2 * 6_000 + 100 * 20 + 100);
      expect(decodeMark(encoded)).toEqual([...mark, other]);
      expect(decodeMark(encodeMark(decodeMark(encoded)))).toEqual([...mark, other]);
    }
    expect(() => decodeMark(Buffer.concat([Buffer.alloc(16), Buffer.of(0)]))).toThrow(RangeError);
  });

  it('that are cut off or of something else are refused', () => {
    const kept = listOfHashes([1, 2]);
    const whole = encodeMark([{ patient: 'ab'.repeat(16), resource: 'Patient/p', kept }]);
    for (let length = 1; length < whole.length; length++) {
      expect(() => decodeMark(whole.subarray(0, length))).toThrow(RangeError);
    }
  });
});
