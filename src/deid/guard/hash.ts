/**
 * Keyed hashes of the leak guard: what leaves the walk, and what the site's state keeps, is never a word.
 *
 * HMAC-SHA256 (RFC 2104) under a subkey for each purpose derived by HKDF (RFC 5869), as for pseudonyms. A word's hash is
 * its first 48 bits, a whole number that JSON, SQLite and a JavaScript number hold exactly. Of 10,000 words known of one
 * patient and 10,000 tokens kept about 4 in 10 million pairs of lists meet by chance; and a hit by hash alone only sends
 * the resource through the masking, it masks nothing that is not there.
 */
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { DeidKeys } from '../engine.ts';
import { RecentMemo } from './memo.ts';

export type WordHasher = (token: string) => number;

type GuardPurpose = 'guard-word' | 'guard-patient';

const keyBytes = 32;
const hashBytes = 6;
const patientBytes = 16;

const wordMemoEntries = 50_000;
const patientMemoEntries = 10_000;

function subkey(keys: DeidKeys, purpose: GuardPurpose): KeyObject {
  if (keys.pseudonymKey.length !== keyBytes) throw new Error('pseudonym key: expected 32 bytes');
  const info = `fhir-sluice/v1/pseudonym/${purpose}`;
  return createSecretKey(Buffer.from(hkdfSync('sha256', keys.pseudonymKey, '', info, keyBytes)));
}

const hashers = new WeakMap<DeidKeys, WordHasher>();

/** The hasher of `keys`; the same function every time for the same object, so that its memo serves a whole run. */
export function createWordHasher(keys: DeidKeys): WordHasher {
  const made = hashers.get(keys);
  if (made !== undefined) return made;
  const key = subkey(keys, 'guard-word');
  const memo = new RecentMemo<number>(wordMemoEntries);
  const hasher = (token: string): number => {
    const known = memo.get(token);
    if (known !== undefined) return known;
    const hash = createHmac('sha256', key).update(token, 'utf8').digest().readUIntBE(0, hashBytes);
    memo.set(token, hash);
    return hash;
  };
  hashers.set(keys, hasher);
  return hasher;
}

interface PatientHasher {
  readonly key: KeyObject;
  readonly memo: RecentMemo<string>;
}

const patientHashers = new WeakMap<DeidKeys, PatientHasher>();

/** Whose data it is, for the site's state: 32 hex digits, unlike at another instance. */
export function patientHash(keys: DeidKeys, instance: string, patientKey: string): string {
  let hasher = patientHashers.get(keys);
  if (hasher === undefined) {
    hasher = { key: subkey(keys, 'guard-patient'), memo: new RecentMemo<string>(patientMemoEntries) };
    patientHashers.set(keys, hasher);
  }
  // The length keeps ("ab", "c") and ("a", "bc") apart; JSON's escapes keep lone surrogates apart, which UTF-8 cannot.
  const field = `${instance.length}:${instance}${patientKey}`;
  const asked = field.isWellFormed() ? field : JSON.stringify(field);
  const known = hasher.memo.get(asked);
  if (known !== undefined) return known;
  const hash = createHmac('sha256', hasher.key).update(asked, 'utf8').digest().toString('hex', 0, patientBytes);
  hasher.memo.set(asked, hash);
  return hash;
}
