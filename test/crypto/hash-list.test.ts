import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  hashCount,
  hashesOf,
  listOfHashes,
  listsMeet,
  mergedLists,
  withoutListed,
} from '../../src/crypto/hash-list.ts';

/** Few enough that lists meet. */
const hash = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(2 ** 32, 2 ** 47, 2 ** 48 - 1));
const hashes = fc.array(hash, { maxLength: 30 });
const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((a, b) => a - b);

describe('lists of hashes', () => {
  it('hold each hash once, in order, in six bytes', () => {
    fc.assert(
      fc.property(hashes, (numbers) => {
        const list = listOfHashes(numbers);
        expect([...hashesOf(list)]).toEqual(sorted(numbers));
        expect(list.length).toBe(6 * hashCount(list));
        // Their own memory: a list that is sent to a thread takes nothing else along.
        expect(list.buffer.byteLength).toBe(list.length);
      }),
    );
  });

  it('are compared, merged and told apart as sets are', () => {
    fc.assert(
      fc.property(hashes, hashes, hashes, (one, two, three) => {
        const [a, b, c] = [one, two, three].map(listOfHashes) as [Uint8Array, Uint8Array, Uint8Array];
        const others = new Set([...two, ...three]);
        expect(listsMeet(a, [b, c])).toBe(one.some((number) => others.has(number)));
        expect([...hashesOf(withoutListed(a, [b, c]))]).toEqual(sorted(one.filter((number) => !others.has(number))));
        expect([...hashesOf(mergedLists([a, b, c]))]).toEqual(sorted([...one, ...two, ...three]));
      }),
    );
    expect([...hashesOf(mergedLists([]))]).toEqual([]);
  });
});
