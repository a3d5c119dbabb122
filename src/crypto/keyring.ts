/**
 * Interfaces of the key material. A site has three keyrings (ARCHITECTURE.md, 'Keys'):
 * `staging` wraps each batch's own data key, `pseudonym` makes ids, `payload` is Temporal's codec's.
 */

/** What a keyring is for; part of every derivation and of every authenticated header. */
export type KeyPurpose = 'staging' | 'pseudonym' | 'payload';

/** One purpose's keys, by version. New writes use `currentVersion`; older versions stay readable. */
export interface Keyring {
  readonly purpose: KeyPurpose;
  readonly currentVersion: number;
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
  wrap(dataKey: Uint8Array, context: Uint8Array): Promise<WrappedKey>;
  unwrap(wrapped: WrappedKey, context: Uint8Array): Promise<Uint8Array>;
}
