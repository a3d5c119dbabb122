/**
 * Pseudonyms: keyed, stable across runs and machines, separated by purpose, instance and type, so that the same id at
 * two sites, or of two types, gives two pseudonyms that nobody without the key can link.
 *
 * HMAC-SHA256 (RFC 2104) over length-prefixed fields, under a subkey for each purpose derived by HKDF (RFC 5869), the
 * first 20 bytes in lowercase base32 (RFC 4648 §6, 20 bytes need no padding). Not reversible without the key, and not
 * derived from the individual's data in the sense of HIPAA 164.514(c) as long as the key stays at the site.
 */
import type { DeidKeys } from './engine.ts';
import { RecentMemo } from './guard/memo.ts';
import { macOf, macText } from './keys.ts';
import type { SubkeyPurpose } from './keys.ts';

/** `p<key version>-<32 characters of base32>`: at most 41 characters of FHIR's `id` alphabet. */
export const pseudonymForm = /^p[1-9][0-9]{0,6}-[a-z2-7]{32}$/;

const pseudonymBytes = 20;
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lowercase base32 of the first 20 bytes of a MAC in Latin-1: 5 bytes, 8 characters at a time. */
function base32(mac: string): string {
  let out = '';
  for (let at = 0; at < pseudonymBytes; at += 5) {
    const high =
      ((mac.charCodeAt(at) << 24) |
        (mac.charCodeAt(at + 1) << 16) |
        (mac.charCodeAt(at + 2) << 8) |
        mac.charCodeAt(at + 3)) >>>
      0;
    const low = mac.charCodeAt(at + 4);
    for (let shift = 27; shift >= 2; shift -= 5) out += alphabet.charAt((high >>> shift) & 31);
    out += alphabet.charAt(((high & 3) << 3) | (low >>> 5)) + alphabet.charAt(low & 31);
  }
  return out;
}

/** The pseudonym of `fields` under the subkey of `purpose`. */
export const pseudonym = (keys: DeidKeys, purpose: SubkeyPurpose, fields: readonly string[]): string =>
  `p${String(keys.pseudonymKeyVersion)}-${base32(macText(keys, purpose, fields))}`;

/** A pseudonymous `urn:uuid:` for a urn: a UUID of version 8 (RFC 9562), made from the HMAC. */
export function pseudonymUrn(keys: DeidKeys, instance: string, urn: string): string {
  const bytes = macOf(keys, 'urn', [instance, urn]).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return `urn:uuid:${bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}

const memoEntriesPerType = 10_000;
/** Types and instances may come from outside. */
const memoNamesMax = 1_000;

const memos = new WeakMap<DeidKeys, Map<string, Map<string, RecentMemo<string>>>>();

/** By instance and type: a batch names the same patients and encounters over and over. */
function memoOf(keys: DeidKeys, instance: string, type: string): RecentMemo<string> {
  let byInstance = memos.get(keys);
  if (byInstance === undefined) memos.set(keys, (byInstance = new Map<string, Map<string, RecentMemo<string>>>()));
  let byType = byInstance.get(instance);
  if (byType === undefined) {
    if (byInstance.size >= memoNamesMax) byInstance.clear();
    byInstance.set(instance, (byType = new Map<string, RecentMemo<string>>()));
  }
  let memo = byType.get(type);
  if (memo === undefined) {
    if (byType.size >= memoNamesMax) byType.clear();
    byType.set(type, (memo = new RecentMemo<string>(memoEntriesPerType)));
  }
  return memo;
}

/** The pseudonym of the resource `type/id` of `instance`: its id at the hub, also when all that is left is its delete. */
export function pseudonymId(keys: DeidKeys, instance: string, type: string, id: string): string {
  const memo = memoOf(keys, instance, type);
  const known = memo.get(id);
  if (known !== undefined) return known;
  const made = pseudonym(keys, 'resource-id', [instance, type, id]);
  memo.set(id, made);
  return made;
}
