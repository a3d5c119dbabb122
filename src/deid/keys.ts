/**
 * Subkeys of the site's pseudonym key: one for each purpose, derived by HKDF (RFC 5869), so that no purpose's output
 * says anything about another's. A policy may hold a purpose at an older version of the key.
 */
import { createHmac, createSecretKey, hash, hkdfSync } from 'node:crypto';
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
  Buffer.from(macText(keys, purpose, fields), 'latin1');

const blockBytes = 64;
const digestBytes = 32;
/** Longer messages go through the general HMAC. */
const scratchBytes = 2_048;

/** A subkey's two padded blocks (RFC 2104), the inner one with room for a message behind it. */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
  /** Views of `inner` by where they end. */
  readonly beginnings: (Buffer | undefined)[];
}

const padsByKey = new WeakMap<KeyObject, Pads>();

function padsOf(key: KeyObject): Pads {
  let pads = padsByKey.get(key);
  if (pads === undefined) {
    const block = Buffer.alloc(blockBytes);
    key.export().copy(block);
    pads = {
      inner: Buffer.alloc(blockBytes + scratchBytes),
      outer: Buffer.alloc(blockBytes + digestBytes),
      beginnings: new Array<Buffer | undefined>(blockBytes + scratchBytes + 1).fill(undefined),
    };
    for (let at = 0; at < blockBytes; at++) {
      const byte = block.readUInt8(at);
      pads.inner.writeUInt8(byte ^ 0x36, at);
      pads.outer.writeUInt8(byte ^ 0x5c, at);
    }
    padsByKey.set(key, pads);
  }
  return pads;
}

/**
 * The same as 32 characters of Latin-1, a byte each. Put together of Node's one-shot hash over the two padded blocks, with
 * text as its output: a third of the time of an Hmac object, and this runs for every new id and word. That it is HMAC is
 * tested against Node’s own.
 */
export function macText(keys: DeidKeys, purpose: SubkeyPurpose, fields: readonly string[]): string {
  const key = subkey(keys, purpose);
  const pads = padsOf(key);
  const { inner, outer } = pads;
  const end = writeFields(inner, blockBytes, fields);
  if (end === undefined) return createHmac('sha256', key).update(encodeFields(fields)).digest('binary');
  const digest = hash('sha256', beginningOf(pads, end), 'binary');
  outer.write(digest, blockBytes, digestBytes, 'latin1');
  return hash('sha256', outer, 'binary');
}

/** The inner block and the message behind it: a view costs as much as a hash, and messages have few lengths. */
function beginningOf({ inner, beginnings }: Pads, end: number): Buffer {
  let beginning = beginnings[end];
  if (beginning === undefined) beginnings[end] = beginning = inner.subarray(0, end);
  return beginning;
}

/** Writes fields as {@link encodeFields} has them; the end, or undefined where they are too long or not well-formed. */
function writeFields(buffer: Buffer, start: number, fields: readonly string[]): number | undefined {
  let at = start;
  for (const field of fields) {
    // UTF-8 has at most three bytes for a UTF-16 unit.
    if (at + 4 + field.length * 3 > buffer.length || !field.isWellFormed()) return undefined;
    const written = buffer.write(field, at + 4, 'utf8');
    buffer.writeUInt32BE(written, at);
    at += 4 + written;
  }
  return at;
}

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
