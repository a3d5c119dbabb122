/**
 * Pseudonyms: keyed, stable across runs and machines, separated by purpose, instance and type, so that the same id at
 * two sites, or of two types, gives two pseudonyms that nobody without the key can link.
 *
 * HMAC-SHA256 (RFC 2104) over length-prefixed fields, under a subkey for each purpose derived by HKDF (RFC 5869), the
 * first 20 bytes in lowercase base32 (RFC 4648 §6, 20 bytes need no padding). Not reversible without the key, and not
 * derived from the individual's data in the sense of HIPAA 164.514(c) as long as the key stays at the site.
 */
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { DeidKeys } from './engine.ts';

/** What a pseudonym stands for; each purpose has a subkey of its own. */
export type PseudonymPurpose =
  | 'resource-id' // instance, type, id
  | 'contained-id' // instance, container's type, container's id, id within it
  | 'reference-literal' // instance, form, literal: absolute, urn, conditional and malformed references
  | 'value'; // instance, domain, value: what a `pseudonymize` rule names

/** `p<key version>-<32 characters of base32>`: at most 41 characters of FHIR's `id` alphabet. */
export const pseudonymForm = /^p[1-9][0-9]{0,6}-[a-z2-7]{32}$/;

const keyBytes = 32;
const pseudonymBytes = 20;
const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Subkeys by key object: HKDF costs more than the HMAC itself, and a run uses one key object throughout. */
const subkeys = new WeakMap<DeidKeys, Map<PseudonymPurpose, KeyObject>>();

function subkey(keys: DeidKeys, purpose: PseudonymPurpose): KeyObject {
  let derived = subkeys.get(keys);
  if (derived === undefined) subkeys.set(keys, (derived = new Map<PseudonymPurpose, KeyObject>()));
  let key = derived.get(purpose);
  if (key === undefined) {
    if (keys.pseudonymKey.length !== keyBytes) throw new Error('pseudonym key: expected 32 bytes');
    const version = keys.pseudonymKeyVersion;
    if (!Number.isInteger(version) || version < 1 || version > 9_999_999) {
      throw new Error('pseudonym key version: expected an integer from 1 to 9999999');
    }
    const info = `fhir-sluice/v1/pseudonym/${purpose}`;
    key = createSecretKey(Buffer.from(hkdfSync('sha256', keys.pseudonymKey, '', info, keyBytes)));
    derived.set(purpose, key);
  }
  return key;
}

/** Each field as a 32-bit big-endian byte count and its UTF-8 bytes: ("ab","c") and ("a","bc") differ. */
function encodeFields(fields: readonly string[]): Buffer {
  // A lone surrogate has no UTF-8: Buffer would make U+FFFD of each, and unlike strings alike. JSON's escapes keep
  // them apart; the byte 0xff, which UTF-8 never has, keeps such a field apart from an honest one.
  const texts = fields.map((field) => (field.isWellFormed() ? field : JSON.stringify(field)));
  let size = 0;
  for (const [index, text] of texts.entries()) size += 4 + Buffer.byteLength(text) + (text === fields[index] ? 0 : 1);
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, text] of texts.entries()) {
    const start = at + 4;
    let end = start;
    if (text !== fields[index]) end = out.writeUInt8(0xff, end);
    end += out.write(text, end, 'utf8');
    out.writeUInt32BE(end - start, at);
    at = end;
  }
  return out;
}

function base32(bytes: Buffer): string {
  let out = '';
  for (let at = 0; at < pseudonymBytes; at += 5) {
    const high = bytes.readUInt32BE(at);
    const low = bytes.readUInt8(at + 4);
    for (let shift = 27; shift >= 2; shift -= 5) out += alphabet.charAt((high >>> shift) & 31);
    out += alphabet.charAt(((high & 3) << 3) | (low >>> 5)) + alphabet.charAt(low & 31);
  }
  return out;
}

/** The pseudonym of `fields` under the subkey of `purpose`. */
export function pseudonym(keys: DeidKeys, purpose: PseudonymPurpose, fields: readonly string[]): string {
  const mac = createHmac('sha256', subkey(keys, purpose)).update(encodeFields(fields)).digest();
  return `p${String(keys.pseudonymKeyVersion)}-${base32(mac)}`;
}

/** Two generations of what was asked lately: a batch names the same patients and encounters over and over. */
interface Memo {
  young: Map<string, string>;
  old: Map<string, string>;
}

const memoEntriesPerGeneration = 10_000;
const memos = new WeakMap<DeidKeys, Memo>();

/** The pseudonym of the resource `type/id` of `instance`: its id at the hub, also when all that is left is its delete. */
export function pseudonymId(keys: DeidKeys, instance: string, type: string, id: string): string {
  let memo = memos.get(keys);
  if (memo === undefined) memos.set(keys, (memo = { young: new Map(), old: new Map() }));
  const asked = `${String(instance.length)}:${instance}${String(type.length)}:${type}${id}`;
  let known = memo.young.get(asked);
  if (known !== undefined) return known;
  known = memo.old.get(asked) ?? pseudonym(keys, 'resource-id', [instance, type, id]);
  if (memo.young.size >= memoEntriesPerGeneration) {
    memo.old = memo.young;
    memo.young = new Map();
  }
  memo.young.set(asked, known);
  return known;
}
