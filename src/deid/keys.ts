/**
 * Subkeys of the site's pseudonym key: one for each purpose, derived by HKDF (RFC 5869), so that no purpose's output
 * says anything about another's. A policy may hold a purpose at an older version of the key.
 */
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { DeidKeys } from './engine.ts';
import type { KeyPurpose } from './policy/document.ts';

/** What a subkey is for. */
export type SubkeyPurpose =
  | 'resource-id' // instance, type, id
  | 'contained-id' // instance, container's type, container's id, id within it
  | 'reference-literal' // instance, form, literal: absolute, urn, conditional and malformed references
  | 'urn' // instance, urn
  | 'value' // instance, domain, value: what a `pseudonymize` rule names
  | 'crypto-hash' // instance, value
  | 'date-shift' // instance, patient
  | 'perturb' // instance, resource, place, value
  | 'encrypt' // the AES key itself
  | 'encrypt-nonce' // mode, context, value
  | 'guard-word' // a word of the leak guard
  | 'guard-patient'; // instance, patient

const keyBytes = 32;
const versionMax = 9_999_999;

/** Subkeys by key object: HKDF costs more than the HMAC itself, and a run uses one key object throughout. */
const subkeys = new WeakMap<DeidKeys, Map<SubkeyPurpose, KeyObject>>();

/** The subkey of a purpose. Throws on keys that are not 32 bytes or have no valid version. */
export function subkey(keys: DeidKeys, purpose: SubkeyPurpose): KeyObject {
  let derived = subkeys.get(keys);
  if (derived === undefined) subkeys.set(keys, (derived = new Map<SubkeyPurpose, KeyObject>()));
  let key = derived.get(purpose);
  if (key === undefined) {
    if (keys.pseudonymKey.length !== keyBytes) throw new Error('pseudonym key: expected 32 bytes');
    const version = keys.pseudonymKeyVersion;
    if (!Number.isInteger(version) || version < 1 || version > versionMax) {
      throw new Error('pseudonym key version: expected an integer from 1 to 9999999');
    }
    const info = `fhir-sluice/v1/pseudonym/${purpose}`;
    key = createSecretKey(Buffer.from(hkdfSync('sha256', keys.pseudonymKey, '', info, keyBytes)));
    derived.set(purpose, key);
  }
  return key;
}

/** HMAC-SHA256 (RFC 2104) of length-prefixed fields under a purpose's subkey. */
export const macOf = (keys: DeidKeys, purpose: SubkeyPurpose, fields: readonly string[]): Buffer =>
  createHmac('sha256', subkey(keys, purpose)).update(encodeFields(fields)).digest();

/** Each field as a 32-bit big-endian byte count and its UTF-8 bytes: ("ab","c") and ("a","bc") differ. */
export function encodeFields(fields: readonly string[]): Buffer {
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

const versions = new WeakMap<DeidKeys, Map<number, DeidKeys>>();

/** The keys at another version; the same object each time, since memos hang on it. Throws where it is not held. */
export function keysAt(keys: DeidKeys, version: number | undefined): DeidKeys {
  if (version === undefined || version === keys.pseudonymKeyVersion) return keys;
  let known = versions.get(keys);
  if (known === undefined) versions.set(keys, (known = new Map<number, DeidKeys>()));
  let other = known.get(version);
  if (other === undefined) {
    const pseudonymKey = keys.olderKeys?.get(version);
    if (pseudonymKey === undefined) throw new Error('pseudonym key: the policy names a version that is not held');
    known.set(version, (other = { pseudonymKeyVersion: version, pseudonymKey }));
  }
  return other;
}

/** The keys that a policy uses for a purpose. */
export const keysFor = (
  keys: DeidKeys,
  policy: { readonly keys: Readonly<Partial<Record<KeyPurpose, number>>> },
  purpose: KeyPurpose,
): DeidKeys => keysAt(keys, policy.keys[purpose]);
