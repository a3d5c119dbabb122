/** By which forms the id of a resource is recognised. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createWordHasher } from '../../../src/deid/guard/hash.ts';
import { idWords, mayStandAmong } from '../../../src/deid/guard/id-words.ts';
import { hashTokens } from '../../../src/deid/guard/tokens.ts';
import { keys } from '../support.ts';

describe('words of an id', () => {
  it('are the whole of it, without what parts it', () => {
    expect(idWords('9F8B7C6D-1111-4222-8333-123456789abc')).toEqual(['9f8b7c6d111142228333123456789abc']);
    expect(idWords('pat-2024-0001')).toEqual(['pat20240001']);
  });

  it('are none where it could be a word or a count', () => {
    for (const id of ['1', 'p1', '1234567', 'example', 'kowalczyk-zbigniew']) expect(idWords(id)).toEqual([]);
  });

  it('of more characters than are joined are its long parts', () => {
    const id = 'a1b2c3d4e5f6g7h8i9j0.k1l2m3n4o5p6q7r8s9t0.u1';
    expect(idWords(id)).toContain('a1b2c3d4e5f6g7h8i9j0');
  });
});

describe('whether an id may stand among kept tokens', () => {
  const hasher = createWordHasher(keys);
  const long = hashTokens('order 0123456789abcdef0', 'text', hasher);
  const id = fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/);

  it('is never denied where one of its words stands there', () => {
    const uuid = fc.uuid().map((text) => text.toUpperCase());
    fc.assert(
      fc.property(fc.oneof(id, uuid), fc.constantFrom('text', 'uri', 'code'), (own, kind) => {
        const kept = [long, hashTokens(`Visit ${own} of today`, kind, hasher), hashTokens(own, kind, hasher)];
        const stands = idWords(own).some((word) => kept.some(({ hashes }) => hashes.includes(hasher(word))));
        if (stands) expect(mayStandAmong(kept, own)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is denied where nothing like it stands there, so that most ids need no keyed hash', () => {
    const other = '9f8b7c6d-1111-4222-8333-123456789abc';
    expect(mayStandAmong([long], other)).toBe(false);
    expect(mayStandAmong([long, hashTokens(other, 'text', hasher)], other.toUpperCase())).toBe(true);
    expect(mayStandAmong([], other)).toBe(false);
  });
});
