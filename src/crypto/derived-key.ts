/**
 * A key for one use out of a long-lived one.
 *
 * AES-GCM with random 96-bit nonces allows 2^32 messages a key (NIST SP 800-38D, section 8.3), and a payload key may see
 * more than that in its life. So each message and object gets its own key: HKDF-SHA-256 (RFC 5869) of the long-lived
 * key with a random 256-bit salt. The same idea is in XAES-256-GCM (C2SP) and in Tink's AesGcmHkdfStreaming. The second half
 * of the output is a key commitment: a message opens under one key only, which GCM alone does not promise (Albertini
 * et al., 'How to Abuse and Fix Authenticated Encryption Without Key Commitment', USENIX Security 2022).
 */
import { createDecipheriv, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Random bytes that make a derived key unique; a repeat has a chance of 2^-64 after 2^96 messages. */
export const SALT_BYTES = 32;
export const COMMITMENT_BYTES = 32;
export const TAG_BYTES = 16;

const AES_KEY_BYTES = 32;

/** Why encrypted data is refused; constant. */
export type SealCode =
  | 'seal-broken' // authentication failed: altered, truncated, swapped, or another key
  | 'seal-format-unknown'; // not this format, or a later version of it

/** The error of decryption. Its message is its code: no data, no key, no name. */
export class SealProblem extends Error {
  readonly code: SealCode;
  constructor(code: SealCode) {
    super(code);
    this.name = 'SealProblem';
    this.code = code;
  }
}

/** A key for one use, and the commitment to it that is stored beside the ciphertext. */
export interface DerivedKey {
  readonly key: Uint8Array;
  readonly commitment: Uint8Array;
}

/** HKDF bound to `domain` (what the key is for) and `context` (what it belongs to), framed against ambiguity. */
export function deriveKey(key: Uint8Array, salt: Uint8Array, domain: string, context: Uint8Array): DerivedKey {
  const info = Buffer.concat([lengthFramed(Buffer.from(`fhir-sluice/${domain}`, 'utf8')), lengthFramed(context)]);
  const output = new Uint8Array(hkdfSync('sha256', key, salt, info, AES_KEY_BYTES + COMMITMENT_BYTES));
  return { key: output.subarray(0, AES_KEY_BYTES), commitment: output.subarray(AES_KEY_BYTES) };
}

/** As `deriveKey`, for opening: throws `seal-broken` unless the stored commitment is this key's. */
export function rederiveKey(
  key: Uint8Array,
  salt: Uint8Array,
  commitment: Uint8Array,
  domain: string,
  context: Uint8Array,
): Uint8Array {
  const derived = deriveKey(key, salt, domain, context);
  if (!timingSafeEqual(derived.commitment, commitment)) throw new SealProblem('seal-broken');
  return derived.key;
}

/** `bytes` behind its length (32 bits, big-endian). */
export function lengthFramed(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(4 + bytes.length);
  framed.writeUInt32BE(bytes.length);
  framed.set(bytes, 4);
  return framed;
}

/** AES-256-GCM decryption that returns nothing before the tag is verified, with OpenSSL's error kept in. */
export function openGcm(key: Uint8Array, nonce: Uint8Array, body: Uint8Array, tag: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(body);
  try {
    decipher.final();
  } catch {
    throw new SealProblem('seal-broken');
  }
  return plaintext;
}
