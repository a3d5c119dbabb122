/** By which forms the id of a resource is recognised. */
import { describe, expect, it } from '@jest/globals';
import { idWords } from '../../../src/deid/guard/id-words.ts';

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
