/**
 * Keyed hashes of the leak guard: what leaves the walk, and what the site's state keeps, is never a word.
 *
 * HMAC-SHA256 (RFC 2104) under a subkey for each purpose derived by HKDF (RFC 5869), as for pseudonyms. A word's hash is
 * its first 48 bits, a whole number that JSON, SQLite and a JavaScript number hold exactly. Of 10,000 words known of one
 * patient and 10,000 tokens kept about 4 in 10 million pairs of lists meet by chance; and a hit by hash alone only sends
 * the resource through the masking, it masks nothing that is not there.
 */
import type { DeidKeys } from '../engine.ts';
import { macText, subkey } from '../keys.ts';
import { RecentMemo } from './memo.ts';

export type WordHasher = (token: string) => number;

/** Hexadecimal digits of a patient's hash: 128 bits. */
const patientDigits = 32;

const wordMemoEntries = 50_000;
const patientMemoEntries = 10_000;

const hashers = new WeakMap<DeidKeys, WordHasher>();

/** The first 48 bits of a MAC in Latin-1. */
const first48 = (mac: string): number =>
  (((mac.charCodeAt(0) << 16) | (mac.charCodeAt(1) << 8) | mac.charCodeAt(2)) >>> 0) * 2 ** 24 +
  (((mac.charCodeAt(3) << 16) | (mac.charCodeAt(4) << 8) | mac.charCodeAt(5)) >>> 0);

/** The hasher of `keys`; the same function every time for the same object, so that its memo serves a whole run. */
export function createWordHasher(keys: DeidKeys): WordHasher {
  const made = hashers.get(keys);
  if (made !== undefined) return made;
  subkey(keys, 'guard-word'); // throws on a key that is none, before anything is hashed
  const memo = new RecentMemo<number>(wordMemoEntries);
  const hasher = (token: string): number => {
    const known = memo.get(token);
    if (known !== undefined) return known;
    const hash = first48(macText(keys, 'guard-word', [token]));
    memo.set(token, hash);
    return hash;
  };
  hashers.set(keys, hasher);
  return hasher;
}

const patientMemos = new WeakMap<DeidKeys, Map<string, RecentMemo<string>>>();
/** Instances may come from outside. */
const instancesMax = 1_000;

/** Whose data it is, for the site's state: 32 hex digits, unlike at another instance. */
export function patientHash(keys: DeidKeys, instance: string, patientKey: string): string {
  let byInstance = patientMemos.get(keys);
  if (byInstance === undefined) patientMemos.set(keys, (byInstance = new Map<string, RecentMemo<string>>()));
  let memo = byInstance.get(instance);
  if (memo === undefined) {
    if (byInstance.size >= instancesMax) byInstance.clear();
    byInstance.set(instance, (memo = new RecentMemo<string>(patientMemoEntries)));
  }
  const known = memo.get(patientKey);
  if (known !== undefined) return known;
  const mac = macText(keys, 'guard-patient', [instance, patientKey]);
  const hash = Buffer.from(mac, 'latin1').toString('hex').slice(0, patientDigits);
  memo.set(patientKey, hash);
  return hash;
}
