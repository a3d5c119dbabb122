/**
 * One-shot authenticated encryption of small records (parked and quarantined content in the site's state), and
 * the keyed hashes by which that state knows source ids without holding them.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

import type { Keyring } from './keyring.ts';

const saltBytes = 32;
const tagBytes = 16;
const headerBytes = 4;

/** Seals records under a key derived for each of them, so that no number of records wears a key out. */
export interface Sealer {
  /** `version (4) ‖ salt (32) ‖ ciphertext ‖ tag (16)`; `context` is authenticated and must be given again to open. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** Throws where the record, its context or its key does not fit. */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** Keyed hash of what must not stand in clear on the disk: HMAC-SHA256, 24 bytes, base64url. */
  hash(domain: string, ...parts: readonly string[]): string;
}

/** A sealer over the site's staging keyring. HKDF: RFC 5869; AES-GCM: NIST SP 800-38D. */
export function sealerOf(keyring: Keyring): Sealer {
  const recordKey = (version: number, salt: Uint8Array): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', keyring.key(version), salt, 'fhir-sluice/v1/seal', 32));
  // After a rotation what was seen is unknown for once: it is delivered again, which changes nothing.
  const hashKey = new Uint8Array(
    hkdfSync('sha256', keyring.key(keyring.currentVersion), new Uint8Array(), 'fhir-sluice/v1/state-hash', 32),
  );
  return {
    seal(plain, context) {
      const salt = randomBytes(saltBytes);
      const cipher = createCipheriv('aes-256-gcm', recordKey(keyring.currentVersion, salt), new Uint8Array(12));
      cipher.setAAD(Buffer.from(context));
      const header = Buffer.alloc(headerBytes);
      header.writeUInt32BE(keyring.currentVersion);
      return Buffer.concat([header, salt, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const salt = bytes.subarray(headerBytes, headerBytes + saltBytes);
      const key = recordKey(bytes.readUInt32BE(0), salt);
      const decipher = createDecipheriv('aes-256-gcm', key, new Uint8Array(12));
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(headerBytes + saltBytes, bytes.length - tagBytes)), decipher.final()]);
    },
    hash(domain, ...parts) {
      const mac = createHmac('sha256', hashKey);
      for (const part of [domain, ...parts]) mac.update(`${String(Buffer.byteLength(part))}:${part}`);
      return mac.digest().subarray(0, 24).toString('base64url');
    },
  };
}
