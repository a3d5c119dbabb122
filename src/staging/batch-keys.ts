/**
 * The data key of each batch: made with its first part, stored wrapped beside its parts, gone with it.
 *
 *     'FSLK' ‖ format version (1) ‖ key version (4, big-endian) ‖ wrapped data key (the rest)
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyWrapper, WrappedKey } from '../crypto/keyring.ts';
import { SealProblem } from '../crypto/derived-key.ts';
import { KEY_PART } from './object-name.ts';
import { StagingProblem, type BlobStore } from './staging.ts';

const DATA_KEY_BYTES = 32;
const MAGIC = Buffer.from('FSLK\x01', 'latin1');
const WRAPPED_AT = MAGIC.length + 4;
/** A KMS wraps into a few hundred bytes; what is longer is not ours. */
const KEY_OBJECT_BYTES_MAX = 8 * 1024;
/** Unwrapped keys kept, so that a KMS is asked once a batch and not once a part. */
const CACHED_KEYS_MAX = 64;
/** Each further try means that a discard came between two calls; that does not go on for ever. */
const TRIES_MAX = 3;

/**
 * Finds, makes and remembers batch keys. The stored object decides each time, also on a cache hit: another process may have
 * discarded the batch, and a part under a key that exists only here could never be read again.
 */
export class BatchKeys {
  readonly #store: BlobStore;
  readonly #wrapper: KeyWrapper;
  readonly #cache = new Map<string, { object: Uint8Array; dataKey: Uint8Array }>();

  constructor(store: BlobStore, wrapper: KeyWrapper) {
    this.#store = store;
    this.#wrapper = wrapper;
  }

  /** The batch's key; a new one where it has none. Of concurrent callers, in any process, all get the same one. */
  async obtain(batch: string): Promise<Uint8Array> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await this.#find(batch);
      if (found !== undefined) return found;
      const dataKey = randomBytes(DATA_KEY_BYTES);
      const object = keyObject(await this.#wrapper.wrap(dataKey, contextOf(batch)));
      if (await this.#store.putIfAbsent(`${batch}/${KEY_PART}`, object)) {
        this.#remember(batch, object, dataKey);
        return dataKey;
      }
    }
    throw new StagingProblem('staging-unavailable');
  }

  /** The batch's key. Throws `staging-missing` where there is none. */
  async require(batch: string): Promise<Uint8Array> {
    const found = await this.#find(batch);
    if (found === undefined) throw new StagingProblem('staging-missing');
    return found;
  }

  /** Whether `dataKey` is (still) the batch's stored key. */
  async isCurrent(batch: string, dataKey: Uint8Array): Promise<boolean> {
    const found = await this.#find(batch);
    return found !== undefined && timingSafeEqual(found, dataKey);
  }

  /** Whether the batch has a key at all; without one it was discarded, or never begun. */
  async has(batch: string): Promise<boolean> {
    return this.#store.has(`${batch}/${KEY_PART}`);
  }

  forget(batch: string): void {
    this.#cache.delete(batch);
  }

  async #find(batch: string): Promise<Uint8Array | undefined> {
    const object = await this.#load(batch);
    if (object === undefined) return undefined;
    const cached = this.#cache.get(batch);
    if (cached !== undefined && Buffer.from(cached.object).equals(object)) return cached.dataKey;
    const dataKey = await this.#unwrap(batch, object);
    this.#remember(batch, object, dataKey);
    return dataKey;
  }

  async #load(batch: string): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.#store.get(`${batch}/${KEY_PART}`)) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > KEY_OBJECT_BYTES_MAX) throw new StagingProblem('staging-corrupt');
      }
    } catch (error) {
      if (error instanceof StagingProblem && error.code === 'staging-missing') return undefined;
      throw error;
    }
    return Buffer.concat(chunks, bytes);
  }

  /** A `KeyProblem` passes: an operator must bring the old key version back, the batch itself is sound. */
  async #unwrap(batch: string, object: Uint8Array): Promise<Uint8Array> {
    const bytes = Buffer.from(object);
    if (bytes.length <= WRAPPED_AT || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new StagingProblem('staging-corrupt');
    }
    const wrapped = { keyVersion: bytes.readUInt32BE(MAGIC.length), wrapped: bytes.subarray(WRAPPED_AT) };
    try {
      return await this.#wrapper.unwrap(wrapped, contextOf(batch));
    } catch (error) {
      throw error instanceof SealProblem ? new StagingProblem('staging-corrupt') : error;
    }
  }

  #remember(batch: string, object: Uint8Array, dataKey: Uint8Array): void {
    const oldest = this.#cache.keys().next();
    if (this.#cache.size >= CACHED_KEYS_MAX && oldest.done !== true) this.#cache.delete(oldest.value);
    this.#cache.set(batch, { object, dataKey });
  }
}

function keyObject({ keyVersion, wrapped }: WrappedKey): Uint8Array {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(keyVersion);
  return Buffer.concat([MAGIC, version, wrapped]);
}

/** The wrapped key opens for its own batch only. */
function contextOf(batch: string): Uint8Array {
  return Buffer.from(batch, 'utf8');
}
