import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { DeidKeys } from '../../../src/deid/engine.ts';
import { encodeFields } from '../../../src/deid/keys.ts';
import { createWordHasher, patientHash } from '../../../src/deid/guard/hash.ts';
import { FrontMemo, GenerationMemo, RecentMemo } from '../../../src/deid/guard/memo.ts';

const keysOf = (first: number): DeidKeys => ({
  pseudonymKeyVersion: 1,
  pseudonymKey: Uint8Array.from({ length: 32 }, (_, index) => index + first),
});
const keys = keysOf(0);

describe('keyed hashes of the guard', () => {
  it('are the first 48 bits of HMAC-SHA256 under an HKDF subkey', () => {
    const subkey = Buffer.from(hkdfSync('sha256', keys.pseudonymKey, '', 'fhir-sluice/v1/pseudonym/guard-word', 32));
    const expected = createHmac('sha256', subkey)
      .update(encodeFields(['smith']))
      .digest()
      .readUIntBE(0, 6);
    expect(createWordHasher(keys)('smith')).toBe(expected);
  });

  it('are whole numbers that JSON and a JavaScript number hold exactly', () => {
    const hasher = createWordHasher(keys);
    for (let count = 0; count < 200; count++) {
      const hash = hasher(`word${count}`);
      expect(Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 48).toBe(true);
    }
  });

  it('differ by key and by token, and stay the same', () => {
    const [one, other] = [createWordHasher(keysOf(0)), createWordHasher(keysOf(1))];
    expect(one('smith')).not.toBe(other('smith'));
    expect(one('smith')).not.toBe(one('jones'));
    expect(createWordHasher(keysOf(0))('smith')).toBe(one('smith'));
  });

  it('come from one hasher for one key object, so that its memo serves a run', () => {
    expect(createWordHasher(keys)).toBe(createWordHasher(keys));
  });

  it('of patients have 32 hex digits and differ by instance, patient and key', () => {
    const hashes = [
      patientHash(keys, 'ab', 'c'),
      patientHash(keys, 'a', 'bc'),
      patientHash(keys, 'ab', 'd'),
      patientHash(keysOf(1), 'ab', 'c'),
      patientHash(keys, 'ab', '\ud800'),
      patientHash(keys, 'ab', '\ud801'),
      patientHash(keys, 'ab', '\ufffd'),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{32}$/);
    expect(patientHash(keys, 'ab', 'c')).toBe(hashes[0]);
  });

  it('need a key of 32 bytes', () => {
    const short = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(31) };
    expect(() => createWordHasher(short)).toThrow('expected 32 bytes');
    expect(() => patientHash(short, 'a', 'b')).toThrow('expected 32 bytes');
  });
});

describe.each([
  ['the memo', RecentMemo],
  ['the memo without a table', GenerationMemo],
])('%s', (_name, Memo) => {
  it('holds two generations at most, and what is asked for stays', () => {
    const memo = new Memo<number>(10);
    memo.set('kept', 1);
    for (let count = 0; count < 100; count++) {
      memo.set(`passing${count}`, count);
      expect(memo.get('kept')).toBe(1);
      expect(memo.size).toBeLessThanOrEqual(20);
    }
    expect(memo.get('passing0')).toBeUndefined();
  });
});

describe('the table in front', () => {
  it('gives a key its own value or none, and has room for as many as it has slots', () => {
    const table = new FrontMemo<number>(16);
    const texts = ['', 'a', 'ab', 'abc', ...Array.from({ length: 200 }, (_, at) => `Patient/${String(at)}`)];
    for (const [at, text] of texts.entries()) {
      table.set(text, at);
      expect(table.get(text)).toBe(at);
    }
    const left = texts.filter((text) => table.get(text) !== undefined);
    expect(left.length).toBeLessThanOrEqual(16);
    for (const text of left) expect(table.get(text)).toBe(texts.indexOf(text));
    table.clear();
    expect(texts.some((text) => table.get(text) !== undefined)).toBe(false);
  });
});
