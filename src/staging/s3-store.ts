/**
 * A `BlobStore` on a bucket of the S3 API: `<prefix>/<batch>/<part>`. Several workers may share it.
 *
 * An object appears whole or not at all: that is S3's. A batch cannot disappear at once, so its key goes first: the rest is
 * unreadable from then on, whoever still lists or reads it. A writer that a deletion overtook is not stopped here; it finds
 * its key gone (encrypted-staging.ts).
 */
import { randomUUID } from 'node:crypto';
import { isSegment, KEY_PART, requireSegment, splitName } from './object-name.ts';
import { Room } from './room.ts';
import { S3Connection, type S3BucketOptions } from './s3-client.ts';
import { abortUploads, listPages, removeObject, removeObjects } from './s3-listing.ts';
import { createObject, hasObject, putObject, readObject } from './s3-objects.ts';
import { uploadObject } from './s3-upload.ts';
import { StagingProblem, type BlobStore } from './staging.ts';

/** Settings of a bucket's store. */
export interface S3StoreOptions extends S3BucketOptions {
  /** Bound on all objects together; beyond it writes end in `staging-full`. */
  readonly bytesMax: number;
}

/** Begins with a dot, as no batch does. */
const PROBE_PREFIX = '.probe-';

/** A crashed writer's upload is this old before a start removes it: another process may be at a younger one. */
const LEFTOVER_AGE_SECONDS = 3600;

/**
 * Connects with the bucket, tries what it is needed for, counts it and clears what crashes left. Throws
 * `staging-unconditional` where its server does not keep two writers apart, and whatever else is in the way.
 */
export async function openS3Store(options: S3StoreOptions): Promise<BlobStore> {
  const connection = new S3Connection(options);
  try {
    await requireConditionalWrites(connection);
    const store = new S3Store(connection, options.bytesMax);
    await store.removeLeftovers(LEFTOVER_AGE_SECONDS);
    return store;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Creates an object where there is one: a server that lets it pass would let two workers make two keys for a batch. */
async function requireConditionalWrites(connection: S3Connection): Promise<void> {
  // A name of its own: another worker may be at its start, too.
  const name = PROBE_PREFIX + randomUUID();
  await putObject(connection, name, Buffer.from('1'));
  try {
    if (await createObject(connection, name, Buffer.from('2'))) throw new StagingProblem('staging-unconditional');
  } finally {
    await removeObject(connection, name);
  }
}

/** See the file's head. Made by `openS3Store`. */
class S3Store implements BlobStore {
  readonly #connection: S3Connection;
  readonly #room: Room;

  constructor(connection: S3Connection, bytesMax: number) {
    this.#connection = connection;
    this.#room = new Room(bytesMax, () => this.#count());
  }

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number }> {
    splitName(name);
    return uploadObject(this.#connection, this.#room, name, chunks);
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    splitName(name);
    await this.#room.take(bytes.length);
    let created = false;
    try {
      created = await createObject(this.#connection, name, bytes);
      return created;
    } finally {
      if (created) this.#room.filled(bytes.length);
      else this.#room.giveBack(bytes.length);
    }
  }

  async *get(name: string): AsyncGenerator<Uint8Array, void, undefined> {
    splitName(name);
    yield* readObject(this.#connection, name);
  }

  async has(name: string): Promise<boolean> {
    splitName(name);
    return hasObject(this.#connection, name);
  }

  async deleteAll(prefix: string): Promise<void> {
    const batch = prefix.replace(/\/$/, '');
    requireSegment(batch);
    await removeObject(this.#connection, `${batch}/${KEY_PART}`);
    for await (const page of listPages(this.#connection, `${batch}/`)) {
      await removeObjects(this.#connection, page);
      this.#room.freed(page.reduce((sum, { bytes }) => sum + bytes, 0));
    }
  }

  async removeLeftovers(ageSecondsMax: number): Promise<number> {
    await this.#room.recount();
    const beforeMs = Date.now() - ageSecondsMax * 1000;
    return (await this.#removeProbes(beforeMs)) + (await abortUploads(this.#connection, beforeMs));
  }

  /** The keys of a batch stand together in a listing, so that one batch at a time is held. */
  async *listBatches(): AsyncGenerator<{ batch: string; modifiedAt: Date; bytes: number }, void, undefined> {
    let open: { batch: string; modifiedAt: Date; bytes: number } | undefined;
    for await (const page of listPages(this.#connection, '')) {
      for (const { name, bytes, modifiedAt } of page) {
        const batch = batchOf(name);
        if (batch === undefined) continue;
        if (open?.batch !== batch) {
          if (open !== undefined) yield open;
          open = { batch, modifiedAt, bytes: 0 };
        }
        open.bytes += bytes;
        if (modifiedAt > open.modifiedAt) open.modifiedAt = modifiedAt;
      }
    }
    if (open !== undefined) yield open;
  }

  close(): void {
    this.#connection.close();
  }

  async #count(): Promise<number> {
    let sum = 0;
    for await (const { bytes } of this.listBatches()) sum += bytes;
    return sum;
  }

  /** Of workers that were killed at their start. */
  async #removeProbes(beforeMs: number): Promise<number> {
    let removed = 0;
    for await (const page of listPages(this.#connection, PROBE_PREFIX)) {
      const stale = page.filter(({ modifiedAt }) => modifiedAt.getTime() < beforeMs);
      await removeObjects(this.#connection, stale);
      removed += stale.length;
    }
    return removed;
  }
}

/** The batch of an object that is ours: somebody else's things may lie in the bucket. */
function batchOf(name: string): string | undefined {
  const [batch = '', part = '', ...more] = name.split('/');
  return more.length === 0 && isSegment(batch) && isSegment(part) ? batch : undefined;
}
