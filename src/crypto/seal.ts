/**
 * Sealed records (parked and quarantined content in the site's state), and the keyed hashes by which that state
 * knows source ids without holding them.
 */
import { createHmac, hkdfSync } from 'node:crypto';

import type { Keyring } from './keyring.ts';
import { openMessage, sealMessage } from './sealed-message.ts';

const domain = 'fhir-sluice/v1/record';
const versionBytes = 4;
const hashBytes = 24;

export interface Sealer {
  /** `key version (4) ‖ sealed message`; `context` is authenticated and must be given again to open. */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** Throws `SealProblem` where record and context do not fit, `KeyProblem` where the key version is gone. */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** Keyed hash of what must not stand in clear on the disk: HMAC-SHA256 cut to 24 bytes, in base64url. */
  hash(purpose: string, ...parts: readonly string[]): string;
}

/**
 * A sealer over the staging keyring. Hashes are under the pseudonym keyring: a rotation of the staging key must not make
 * the state forget what it has seen, and a new pseudonym key means a resync, which forgets it anyway.
 */
export function sealerOf(keyring: Keyring, pseudonyms: Keyring): Sealer {
  const current = keyring.key(keyring.currentVersion);
  const pseudonymKey = pseudonyms.key(pseudonyms.currentVersion);
  const hashKey = Buffer.from(hkdfSync('sha256', pseudonymKey, new Uint8Array(), 'fhir-sluice/v1/state-hash', 32));
  return {
    seal(plain, context) {
      const header = Buffer.alloc(versionBytes);
      header.writeUInt32BE(keyring.currentVersion);
      return Buffer.concat([header, sealMessage(current, domain, Buffer.from(context), plain)]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const key = keyring.key(bytes.readUInt32BE(0));
      return openMessage(key, domain, Buffer.from(context), bytes.subarray(versionBytes));
    },
    hash(purpose, ...parts) {
      const mac = createHmac('sha256', hashKey);
      for (const part of [purpose, ...parts]) mac.update(`${String(Buffer.byteLength(part))}:${part}`);
      return mac.digest().subarray(0, hashBytes).toString('base64url');
    },
  };
}
