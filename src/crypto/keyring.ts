/**
 * Interfaces of the key material. A site has three keyrings (ARCHITECTURE.md, 'Keys'):
 * `staging` wraps each batch's own data key, `pseudonym` makes ids, `payload` is Temporal's codec's.
 */

/** What a keyring is for; part of every derivation and of every authenticated header. */
export type KeyPurpose = 'staging' | 'pseudonym' | 'payload';

/** Why key material is refused; constant, so that it may stand in logs and metrics. */
export type KeyProblemCode =
  | 'key-malformed' // a line that is not v<version>:<base64>
  | 'key-wrong-length' // not 32 bytes
  | 'key-duplicate-version' // two lines claim one version
  | 'key-empty' // no key at all
  | 'key-version-unknown' // data was written under a version that the ring no longer has
  | 'key-wrong-purpose' // a keyring of another purpose was handed in
  | 'key-shared' // two purposes hold the same bytes, so one purpose's readers could read the other's data
  | 'key-file-open' // others may read the key file: chmod 600
  | 'key-file-unreadable'; // missing, not a file, too large or no permission

/** The error of all key handling. `where` says which key, line or version; never a byte of key text. */
export class KeyProblem extends Error {
  readonly code: KeyProblemCode;
  constructor(code: KeyProblemCode, where: string) {
    super(`${code}: ${where}`);
    this.name = 'KeyProblem';
    this.code = code;
  }
}

/** One purpose's keys, by version. New writes use `currentVersion`; older versions stay readable. */
export interface Keyring {
  readonly purpose: KeyPurpose;
  readonly currentVersion: number;
  /** All versions that the ring holds, in no order. */
  readonly versions: readonly number[];
  /** 32 raw bytes of the given version. Throws `KeyProblem` where the ring has no such version. */
  key(version: number): Uint8Array;
}

/** A data key wrapped under a keyring's (or a KMS's) key. */
export interface WrappedKey {
  readonly keyVersion: number;
  readonly wrapped: Uint8Array;
}

/**
 * Wraps and unwraps batch data keys. The local implementation uses the staging keyring; a KMS client
 * implements the same two calls, so that the wrapping key never enters this process.
 */
export interface KeyWrapper {
  /** `context` is authenticated, not stored: unwrapping needs the same bytes. */
  wrap(dataKey: Uint8Array, context: Uint8Array): Promise<WrappedKey>;
  /** Throws `SealProblem` for a foreign context or altered bytes, `KeyProblem` for a version that is gone. */
  unwrap(wrapped: WrappedKey, context: Uint8Array): Promise<Uint8Array>;
}
