/** The first look must never hide a word that is there, and finds nothing that is not. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyAmong, bitOf } from '../../../src/deid/guard/word-filter.ts';

const hash = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const keptOf = (lists: readonly number[][]): Parameters<typeof anyAmong>[0] =>
  lists.map((hashes) => ({ hashes, bits: hashes.map(bitOf) }));

describe('anyAmong', () => {
  it('says what asking the set says, also after the set has grown', () => {
    fc.assert(
      fc.property(fc.array(hash), fc.array(fc.array(hash)), fc.array(hash), (first, lists, later) => {
        const words = new Set(first);
        const asked = (): boolean => lists.flat().some((token) => words.has(token));
        expect(anyAmong(keptOf(lists), words)).toBe(asked());
        for (const word of [...later, ...lists.flat().slice(0, 1)]) words.add(word);
        expect(anyAmong(keptOf(lists), words)).toBe(asked());
      }),
      { numRuns: 300 },
    );
  });
});
