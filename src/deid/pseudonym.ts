/**
 * Pseudonyms: keyed, stable across runs and machines, separated by purpose, instance and type, so that the same id at
 * two sites, or of two types, gives two pseudonyms that nobody without the key can link.
 *
 * HMAC-SHA256 (RFC 2104) over length-prefixed fields, under a subkey for each purpose derived by HKDF (RFC 5869), the
 * first 20 bytes in lowercase base32 (RFC 4648 §6, 20 bytes need no padding). Not reversible without the key, and not
 * derived from the individual's data in the sense of HIPAA 164.514(c) as long as the key stays at the site.
 */
import type { DeidKeys } from './engine.ts';
import { GenerationMemo } from './guard/memo.ts';
import { macOf, macText } from './keys.ts';
import type { SubkeyPurpose } from './keys.ts';

/** `p<key version>-<32 characters of base32>`: at most 41 characters of FHIR's `id` alphabet. */
export const pseudonymForm = /^p[1-9][0-9]{0,6}-[a-z2-7]{32}$/;

/** Lowercase base32 of five bytes of a MAC in Latin-1. Character codes, since text put together by letters is slow to make. */
function base32Block(mac: string, at: number): string {
  const a = mac.charCodeAt(at);
  const b = mac.charCodeAt(at + 1);
  const c = mac.charCodeAt(at + 2);
  const d = mac.charCodeAt(at + 3);
  const e = mac.charCodeAt(at + 4);
  return String.fromCharCode(
    letter(a >> 3),
    letter(((a & 7) << 2) | (b >> 6)),
    letter((b >> 1) & 31),
    letter(((b & 1) << 4) | (c >> 4)),
    letter(((c & 15) << 1) | (d >> 7)),
    letter((d >> 2) & 31),
    letter(((d & 3) << 3) | (e >> 5)),
    letter(e & 31),
  );
}

/** RFC 4648's digits in lower case: a to z, then 2 to 7. */
const letter = (value: number): number => (value < 26 ? 97 + value : 24 + value);

const base32 = (mac: string): string =>
  base32Block(mac, 0) + base32Block(mac, 5) + base32Block(mac, 10) + base32Block(mac, 15);

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

const memos = new WeakMap<DeidKeys, Map<string, Map<string, GenerationMemo<string>>>>();

/** By instance and type: a batch names the same patients and encounters over and over. */
function memoOf(keys: DeidKeys, instance: string, type: string): GenerationMemo<string> {
  let byInstance = memos.get(keys);
  if (byInstance === undefined) memos.set(keys, (byInstance = new Map<string, Map<string, GenerationMemo<string>>>()));
  let byType = byInstance.get(instance);
  if (byType === undefined) {
    if (byInstance.size >= memoNamesMax) byInstance.clear();
    byInstance.set(instance, (byType = new Map<string, GenerationMemo<string>>()));
  }
  let memo = byType.get(type);
  if (memo === undefined) {
    if (byType.size >= memoNamesMax) byType.clear();
    byType.set(type, (memo = new GenerationMemo<string>(memoEntriesPerType)));
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
