/** Keyrings whose keys lie in this process: from a key file or the environment. */
import { timingSafeEqual } from 'node:crypto';
import { parseKeyText } from './key-text.ts';
import { KeyProblem, type KeyPurpose, type Keyring } from './keyring.ts';

/** A keyring out of key text (`key-text.ts`). The highest version is the current one. */
export function parseKeyring(purpose: KeyPurpose, text: string): LocalKeyring {
  return new LocalKeyring(purpose, new Map(parseKeyText(purpose, text).map(({ version, key }) => [version, key])));
}

/** Throws `key-wrong-purpose`: a mix-up of key files must stop at the start, not write data under the wrong key. */
export function requirePurpose(keyring: Keyring, purpose: KeyPurpose): void {
  if (keyring.purpose !== purpose) throw new KeyProblem('key-wrong-purpose', `${purpose} key`);
}

/**
 * Throws `key-shared` where two keyrings hold the same key. The payload key is shared with the hub's operators while
 * staging and pseudonym keys never leave the site: one key copied into two files would undo that without a sign.
 */
export function requireDistinctKeys(keyrings: readonly LocalKeyring[]): void {
  keyrings.forEach((one, index) => {
    for (const other of keyrings.slice(index + 1)) {
      for (const a of one.versions) {
        for (const b of other.versions) {
          if (timingSafeEqual(one.key(a), other.key(b))) {
            throw new KeyProblem('key-shared', `${one.purpose} v${String(a)} and ${other.purpose} v${String(b)}`);
          }
        }
      }
    }
  });
}

/** Keys stay in a private field, so that neither `JSON.stringify` nor `util.inspect` of a ring prints them. */
export class LocalKeyring implements Keyring {
  readonly purpose: KeyPurpose;
  readonly currentVersion: number;
  readonly #keys: ReadonlyMap<number, Uint8Array>;

  constructor(purpose: KeyPurpose, keys: ReadonlyMap<number, Uint8Array>) {
    if (keys.size === 0) throw new KeyProblem('key-empty', `${purpose} key`);
    this.purpose = purpose;
    this.currentVersion = Math.max(...keys.keys());
    this.#keys = keys;
  }

  get versions(): number[] {
    return [...this.#keys.keys()];
  }

  key(version: number): Uint8Array {
    const key = this.#keys.get(version);
    if (key === undefined) throw new KeyProblem('key-version-unknown', `${this.purpose} key v${String(version)}`);
    return key.slice();
  }
}
