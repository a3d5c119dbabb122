/** Methods that put a keyed value in a value's place: pseudonymize, cryptoHash, encrypt. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { DeidKeys } from '../engine.ts';
import { encodeFields, macOf, subkey } from '../keys.ts';
import { pseudonym } from '../pseudonym.ts';
import { labelBits } from '../walk/context.ts';
import type { LeafMethod, Walk } from '../walk/context.ts';

/** Types whose values may be any text without white space at its ends: those a keyed value fits in. */
const stringLike = new Set(['string', 'markdown', 'code', 'id', 'uri', 'url', 'canonical', '']);

/** `pseudonymize`: HMAC of the value in its domain. Numbers and booleans have no such form: they go. */
export function pseudonymize(type: string, domain: string): LeafMethod | undefined {
  if (!stringLike.has(type)) return undefined;
  return {
    label: labelBits.pseudonymized,
    apply: (value, { keys, policy }) =>
      type === '' || typeof value === 'string'
        ? pseudonym(keys.pseudonym, 'value', [policy.scope.instance, domain, String(value)])
        : undefined,
  };
}

/** `cryptoHash`: HMAC-SHA256 in lowercase hex; equal values of one instance give equal hashes, whatever the path. */
export function cryptoHash(type: string, hexDigits: number): LeafMethod | undefined {
  if (!stringLike.has(type)) return undefined;
  return {
    label: labelBits.hashed,
    apply: (value, { keys, policy }) =>
      macOf(keys.cryptoHash, 'crypto-hash', [policy.scope.instance, String(value)])
        .toString('hex')
        .slice(0, hexDigits),
  };
}

const nonceBytes = 12;
const tagBytes = 16;
/** `id` is left out: 64 characters do not hold a ciphertext. */
const encryptable = new Set(['string', 'markdown', 'code', 'uri', 'url', 'canonical', '']);

/**
 * `encrypt`: AES-256-GCM (NIST SP 800-38D), `e<key version>-` and base64url of nonce, ciphertext and tag. The nonce is an
 * HMAC of the value and where it stands, so that the same input gives the same bytes: two equal nonces mean two equal
 * plaintexts, which is the only case where repeating one is harmless (the idea of SIV, RFC 5297). `deterministic` leaves
 * the place out: equal values of a domain give equal ciphertext.
 */
export function encrypt(type: string, isDeterministic: boolean, domain: string): LeafMethod | undefined {
  if (!encryptable.has(type)) return undefined;
  return {
    label: labelBits.masked,
    apply(value, walk) {
      const text = String(value);
      const place = isDeterministic ? ['domain', domain] : ['place', placeOf(walk)];
      const { encrypt: keys } = walk.keys;
      const nonce = macOf(keys, 'encrypt-nonce', [...place, text]).subarray(0, nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', subkey(keys, 'encrypt'), nonce);
      cipher.setAAD(encodeFields([walk.policy.scope.instance]));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const sealed = Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
      return `e${String(keys.pseudonymKeyVersion)}-${sealed}`;
    },
  };
}

/** The form of what `encrypt` writes. */
export const encryptedForm = /^e[1-9][0-9]{0,6}-[A-Za-z0-9_-]{38,}$/;

/** What `encrypt` was given, at the site that holds the key; undefined for another key, another instance, altered text. */
export function decrypt(keys: DeidKeys, instance: string, text: string): string | undefined {
  if (!encryptedForm.test(text)) return undefined;
  const bytes = Buffer.from(text.slice(text.indexOf('-') + 1), 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', subkey(keys, 'encrypt'), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(encodeFields([instance]));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    const body = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** Where a value stands: its resource, and the keys and indexes that lead to it. */
export const placeOf = ({ container, trail }: Walk): string =>
  JSON.stringify([container.type, container.id, ...(trail ?? [])]);
