/**
 * Sealing of one short message (a data key, a Temporal payload) under a long-lived key. Each message has a derived key of
 * its own (`derived-key.ts`), used once, hence a constant nonce.
 *
 *     salt (32) ‖ key commitment (32) ‖ ciphertext ‖ tag (16)
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import {
  COMMITMENT_BYTES,
  deriveKey,
  openGcm,
  rederiveKey,
  SALT_BYTES,
  SealProblem,
  TAG_BYTES,
} from './derived-key.ts';

/** How much longer a sealed message is than its plaintext. */
export const SEAL_OVERHEAD_BYTES = SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES;

const ZERO_NONCE = new Uint8Array(12);

/** Seals `plaintext`; opening needs the same key, domain and context. `salt` is given by tests of the format only. */
export function sealMessage(
  key: Uint8Array,
  domain: string,
  context: Uint8Array,
  plaintext: Uint8Array,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Uint8Array {
  const derived = deriveKey(key, salt, domain, context);
  const cipher = createCipheriv('aes-256-gcm', derived.key, ZERO_NONCE);
  const body = cipher.update(plaintext);
  return Buffer.concat([salt, derived.commitment, body, cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealMessage` made. Throws `SealProblem('seal-broken')`. */
export function openMessage(key: Uint8Array, domain: string, context: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < SEAL_OVERHEAD_BYTES) throw new SealProblem('seal-broken');
  const bodyAt = SALT_BYTES + COMMITMENT_BYTES;
  const tagAt = sealed.length - TAG_BYTES;
  const salt = sealed.subarray(0, SALT_BYTES);
  const messageKey = rederiveKey(key, salt, sealed.subarray(SALT_BYTES, bodyAt), domain, context);
  return openGcm(messageKey, ZERO_NONCE, sealed.subarray(bodyAt, tagAt), sealed.subarray(tagAt));
}
