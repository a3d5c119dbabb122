import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { idForm } from '../../src/fhir/resource.ts';
import { pseudonym, pseudonymForm, pseudonymId } from '../../src/deid/pseudonym.ts';
import { keys } from './support.ts';

const vectorKeys = { pseudonymKeyVersion: 3, pseudonymKey: Uint8Array.from({ length: 32 }, (_, index) => index) };

describe('pseudonyms', () => {
  // Published vectors: a change of any of these is a change of every id at every hub.
  it.each([
    ['site-a', 'Patient', 'pt-1', 'p3-vtgv6axufdteseib7lcsjae4cbnqqkpx'],
    ['site-b', 'Patient', 'pt-1', 'p3-dwudzovyqi5g7qx3ca7lr6ivsoqyxxi2'],
    ['site-a', 'Observation', 'pt-1', 'p3-pbiavgtpqzgzssco4bdtjp7hntb7xerh'],
  ])('of %s %s %s is fixed', (instance, type, id, expected) => {
    expect(pseudonymId(vectorKeys, instance, type, id)).toBe(expected);
  });

  it('is HMAC-SHA256 under an HKDF subkey over length-prefixed fields, in base32', () => {
    const subkey = Buffer.from(
      hkdfSync('sha256', vectorKeys.pseudonymKey, '', 'fhir-sluice/v1/pseudonym/resource-id', 32),
    );
    const mac = createHmac('sha256', subkey).update('\0\0\0\u0006site-a\0\0\0\u0007Patient\0\0\0\u0004pt-1').digest();
    const bits = [...mac.subarray(0, 20)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const base32 = (bits.match(/.{5}/g) ?? [])
      .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five, 2)])
      .join('');
    expect(pseudonymId(vectorKeys, 'site-a', 'Patient', 'pt-1')).toBe(`p3-${base32}`);
  });

  it('has the form of an id and names its key version', () => {
    const id = pseudonymId(keys, 'north', 'Patient', 'x'.repeat(64));
    expect(id).toMatch(pseudonymForm);
    expect(id).toMatch(idForm);
    expect(id.startsWith('p1-')).toBe(true);
  });

  it('keeps fields, purposes, keys and ill-formed text apart', () => {
    const all = [
      pseudonymId(keys, 'ab', 'C', 'd'),
      pseudonymId(keys, 'a', 'bC', 'd'),
      pseudonymId(keys, 'ab', 'Cd', ''),
      pseudonymId(vectorKeys, 'ab', 'C', 'd'),
      pseudonym(keys, 'value', ['ab', 'C', 'd']),
      pseudonym(keys, 'value', ['\ud800']),
      pseudonym(keys, 'value', ['\udfff']),
      pseudonym(keys, 'value', ['\ufffd']),
      pseudonym(keys, 'value', ['"\\ud800"']),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses a key of another length or a version that is none', () => {
    expect(() => pseudonymId({ pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(16) }, 'a', 'B', 'c')).toThrow(
      '32 bytes',
    );
    expect(() => pseudonymId({ ...vectorKeys, pseudonymKeyVersion: 0 }, 'a', 'B', 'c')).toThrow('version');
  });
});
