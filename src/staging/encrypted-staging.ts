/**
 * `Staging` over any `BlobStore`: each batch has a data key of its own, wrapped in the batch's `key` object.
 *
 * Discarding a batch deletes that object too, so a copy of its parts (a backup, a disk's free blocks) opens only for who has
 * both the wrapped key and the staging key. Parts do not repeat the wrapped key for that reason.
 */
import { encryptStream, decryptStream } from '../crypto/envelope.ts';
import type { KeyWrapper } from '../crypto/keyring.ts';
import type { ByteSource } from '../crypto/rechunk.ts';
import { SealProblem } from '../crypto/derived-key.ts';
import { BatchKeys } from './batch-keys.ts';
import { KEY_PART, requireSegment } from './object-name.ts';
import { StagingProblem, type BlobStore, type Staging } from './staging.ts';

/** Encrypted staging in `store`, its batch keys wrapped by `wrapper`. */
export function encryptedStaging(store: BlobStore, wrapper: KeyWrapper): Staging {
  return new EncryptedStaging(store, new BatchKeys(store, wrapper));
}

class EncryptedStaging implements Staging {
  readonly #store: BlobStore;
  readonly #keys: BatchKeys;

  constructor(store: BlobStore, keys: BatchKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  async write(batch: string, part: string, chunks: ByteSource): Promise<{ bytes: number }> {
    const name = objectName(batch, part);
    const dataKey = await this.#keys.obtain(batch);
    const written = await this.#store.put(name, encryptStream(dataKey, { batch, part }, chunks));
    // A discard while this was writing took the key along: the part would be there and nobody could read it. Whoever
    // discards a batch is done with it, or has given it up.
    if (await this.#keys.isCurrent(batch, dataKey)) return written;
    await this.#removeOvertaken(batch);
    throw new StagingProblem('staging-missing');
  }

  /**
   * A bucket, unlike a folder, takes a part of a batch that is gone. Nobody can read it, but it would lie there until a
   * sweep. Where another writer has begun the batch anew, its parts stay.
   */
  async #removeOvertaken(batch: string): Promise<void> {
    if (!(await this.#keys.has(batch))) await this.#store.deleteAll(`${batch}/`);
  }

  async *read(batch: string, part: string): AsyncGenerator<Uint8Array, void, undefined> {
    const name = objectName(batch, part);
    try {
      const dataKey = await this.#keys.require(batch);
      yield* decryptStream(dataKey, { batch, part }, this.#store.get(name));
    } catch (error) {
      throw error instanceof SealProblem ? new StagingProblem('staging-corrupt') : error;
    }
  }

  async has(batch: string, part: string): Promise<boolean> {
    return this.#store.has(objectName(batch, part));
  }

  async discard(batch: string): Promise<void> {
    requireSegment(batch);
    this.#keys.forget(batch);
    await this.#store.deleteAll(`${batch}/`);
  }

  async sweep(ageSecondsMax: number, keep: (batch: string) => boolean): Promise<number> {
    const before = Date.now() - ageSecondsMax * 1000;
    let swept = 0;
    for await (const { batch, modifiedAt } of this.#store.listBatches()) {
      if (modifiedAt.getTime() >= before || keep(batch)) continue;
      await this.discard(batch);
      swept += 1;
    }
    await this.#store.removeLeftovers(ageSecondsMax);
    return swept;
  }
}

/** The key's own name is no part's. */
function objectName(batch: string, part: string): string {
  requireSegment(batch);
  requireSegment(part);
  if (part === KEY_PART) throw new StagingProblem('staging-name-refused');
  return `${batch}/${part}`;
}
