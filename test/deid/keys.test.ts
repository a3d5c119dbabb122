/** Subkeys, and the HMAC that is put together by hand: it has to be HMAC, on every length of message. */
import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DeidKeys } from '../../src/deid/engine.ts';
import { encodeFields, keysAt, keysFor, macOf, macText, subkey } from '../../src/deid/keys.ts';

const keys: DeidKeys = {
  pseudonymKeyVersion: 2,
  pseudonymKey: new Uint8Array(32).fill(9),
  olderKeys: new Map([[1, new Uint8Array(32).fill(8)]]),
};

const nodesHmac = (fields: readonly string[]): string =>
  createHmac('sha256', subkey(keys, 'value')).update(encodeFields(fields)).digest('hex');

describe('the MAC of fields', () => {
  it('is HMAC-SHA256 of their length-prefixed UTF-8 under an HKDF subkey', () => {
    const derived = Buffer.from(hkdfSync('sha256', keys.pseudonymKey, '', 'fhir-sluice/v1/pseudonym/value', 32));
    const message = Buffer.from('0000000261620000000163', 'hex');
    const expected = createHmac('sha256', derived).update(message).digest('hex');
    expect(macOf(keys, 'value', ['ab', 'c']).toString('hex')).toBe(expected);
    expect(macOf(keys, 'value', ['a', 'bc']).toString('hex')).not.toBe(expected);
  });

  it('is what Node’s own HMAC gives, for any fields, one call after another', () => {
    const field = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 600, maxLength: 800 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 5 }), (fields) => {
        expect(Buffer.from(macText(keys, 'value', fields), 'latin1').toString('hex')).toBe(nodesHmac(fields));
      }),
      { numRuns: 500 },
    );
  });

  it.each([0, 1, 55, 56, 63, 64, 65, 119, 2_000, 2_044, 2_045, 5_000])(
    'is so for a field of %i characters',
    (length) => {
      for (const letter of ['a', 'ä', '漢']) {
        const fields = [letter.repeat(length)];
        expect(macOf(keys, 'value', fields).toString('hex')).toBe(nodesHmac(fields));
      }
    },
  );

  it('tells lone surrogates apart, which have no UTF-8', () => {
    const macs = ['\ud800', '\ud801', '\ufffd'].map((text) => macOf(keys, 'value', [text]).toString('hex'));
    expect(new Set(macs).size).toBe(3);
  });
});

describe('keys', () => {
  it('differ by purpose', () => {
    expect(macText(keys, 'value', ['a'])).not.toBe(macText(keys, 'urn', ['a']));
  });

  it('of an older version are those that the policy names for a purpose', () => {
    const policy = { keys: { dateShift: 1 } };
    expect(keysFor(keys, policy, 'pseudonym')).toBe(keys);
    expect(keysFor(keys, policy, 'dateShift').pseudonymKey[0]).toBe(8);
    expect(keysFor(keys, policy, 'dateShift')).toBe(keysAt(keys, 1));
  });

  it('that are not held, or are none, are refused', () => {
    expect(() => keysAt(keys, 3)).toThrow('the policy names a version that is not held');
    expect(() => macText({ ...keys, pseudonymKey: new Uint8Array(31) }, 'value', [])).toThrow('expected 32 bytes');
    expect(() => macText({ ...keys, pseudonymKeyVersion: 0 }, 'value', [])).toThrow('expected an integer');
  });
});
