/**
 * A `BlobStore` on a local folder: `<folder>/<batch>/<part>`.
 *
 * An object appears whole or not at all: temporary name, fsync, rename, fsync of the directory. A batch disappears
 * at once: its directory is renamed out of sight, then removed, so no reader meets half a batch and a writer that was overtaken
 * fails instead of reviving it. All files are the owner's alone.
 */
import { randomUUID } from 'node:crypto';
import { renameSync, statSync, type Stats } from 'node:fs';
import { link, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSource } from '../crypto/rechunk.ts';
import { entries, errorCode, io, openTempFile, syncDirectory, writeFully } from './files.ts';
import type { OpenTemp, TempFile } from './files.ts';
import { isSegment, requireSegment, splitName } from './object-name.ts';
import { StagingProblem, type BlobStore } from './staging.ts';

/** Settings of a folder store. */
export interface FolderStoreOptions {
  readonly folder: string;
  /** Bound on all objects together; beyond it writes end in `staging-full`. */
  readonly bytesMax: number;
  /** Opens temporary files; tests put a full disk here. */
  readonly openTemp?: OpenTemp;
}

const TEMP_PREFIX = '.temp-';
const DISCARDED_PREFIX = '.discarded-';
const READ_BYTES = 256 * 1024;
const OPEN_TO_OTHERS = 0o077;

/** A crashed writer's file is this old before a start removes it: another process may be writing a younger one. */
const LEFTOVER_AGE_SECONDS = 3600;

type FinishTemp = (temp: string, bytes: number) => Promise<void>;

/**
 * Opens the folder, makes it where there is none, counts it and clears what crashes left. Throws
 * `staging-folder-open` where others may enter it; it is not closed to them here, since it may be a folder of someone else's,
 * named by mistake.
 *
 * The bound counts this process's writes as they happen, and other processes' when it counts anew with a sweep.
 */
export async function openFolderStore(options: FolderStoreOptions): Promise<BlobStore> {
  await io(() => mkdir(options.folder, { recursive: true, mode: 0o700 }));
  const { mode } = await io(() => stat(options.folder));
  if ((mode & OPEN_TO_OTHERS) !== 0) throw new StagingProblem('staging-folder-open');
  const store = new FolderStore(options);
  await store.removeLeftovers(LEFTOVER_AGE_SECONDS);
  return store;
}

/** See the file's head. Made by `openFolderStore`. */
class FolderStore implements BlobStore {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #openTemp: OpenTemp;
  /** Bytes of finished objects. */
  #storedBytes = 0;
  /** Bytes of temporary files that this process is writing. */
  #writingBytes = 0;
  /** Goes up with each change of `#storedBytes`, so that a recount knows whether it was overtaken. */
  #changes = 0;

  constructor(options: FolderStoreOptions) {
    this.#folder = options.folder;
    this.#bytesMax = options.bytesMax;
    this.#openTemp = options.openTemp ?? openTempFile;
  }

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number }> {
    const { batch, part } = splitName(name);
    const target = join(this.#folder, batch, part);
    const bytes = await this.#writeTemp(batch, chunks, (temp, tempBytes) => {
      // In one turn of the event loop, so that two writers of one object cannot both subtract the old one's size.
      const replacedBytes = statSync(target, { throwIfNoEntry: false })?.size ?? 0;
      renameSync(temp, target);
      this.#countStored(tempBytes - replacedBytes);
      return Promise.resolve();
    });
    return { bytes };
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const { batch, part } = splitName(name);
    let created = true;
    await this.#writeTemp(batch, [bytes], async (temp) => {
      // Unlike rename, link refuses to replace; and unlike O_EXCL on the name itself it shows only finished files.
      await link(temp, join(this.#folder, batch, part)).catch((error: unknown) => {
        if (errorCode(error) !== 'EEXIST') throw error;
        created = false;
      });
      if (created) this.#countStored(bytes.length);
      await rm(temp);
    });
    return created;
  }

  async *get(name: string): AsyncGenerator<Uint8Array, void, undefined> {
    const { batch, part } = splitName(name);
    const file = await io(() => open(join(this.#folder, batch, part), 'r'), 'staging-missing');
    try {
      for (;;) {
        const { bytesRead, buffer } = await io(() => file.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES));
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async has(name: string): Promise<boolean> {
    const { batch, part } = splitName(name);
    return io(async () => {
      try {
        return (await stat(join(this.#folder, batch, part))).isFile();
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return false;
        throw error;
      }
    });
  }

  async deleteAll(prefix: string): Promise<void> {
    const batch = prefix.replace(/\/$/, '');
    requireSegment(batch);
    const discarded = join(this.#folder, `${DISCARDED_PREFIX}${randomUUID()}`);
    await io(async () => {
      try {
        renameSync(join(this.#folder, batch), discarded);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return;
        throw error;
      }
      await syncDirectory(this.#folder);
      // Temporary files in it belong to writers, whose rename fails now.
      const objects = (await entries(discarded)).filter(({ name }) => isSegment(name));
      await rm(discarded, { recursive: true, force: true });
      this.#countStored(-totalBytes(objects));
    });
  }

  async removeLeftovers(ageSecondsMax: number): Promise<number> {
    await this.#recount();
    return io(async () => {
      const before = Date.now() - ageSecondsMax * 1000;
      let removed = 0;
      for (const { name, stats } of await entries(this.#folder)) {
        const path = join(this.#folder, name);
        const temps = stats.isDirectory() && isSegment(name) ? await entries(path) : [];
        const stale = temps.filter((temp) => temp.name.startsWith(TEMP_PREFIX) && temp.stats.mtimeMs < before);
        const paths = stale.map((temp) => join(path, temp.name));
        // A rename touches the change time only; the modification time may be as old as the batch.
        if (name.startsWith(DISCARDED_PREFIX) && stats.ctimeMs < before) paths.push(path);
        await Promise.all(paths.map((leftover) => rm(leftover, { recursive: true, force: true })));
        removed += paths.length;
      }
      return removed;
    });
  }

  async *listBatches(): AsyncGenerator<{ batch: string; modifiedAt: Date; bytes: number }, void, undefined> {
    for (const { name: batch, stats } of await io(() => entries(this.#folder))) {
      if (!isSegment(batch) || !stats.isDirectory()) continue;
      const inside = await io(() => entries(join(this.#folder, batch)));
      const objects = inside.filter(({ name }) => isSegment(name));
      // A batch without an object is as old as its directory: a crash before its first rename, or one just begun.
      const modifiedMs = Math.max(
        ...(inside.length > 0 ? inside.map((entry) => entry.stats.mtimeMs) : [stats.mtimeMs]),
      );
      yield { batch, modifiedAt: new Date(modifiedMs), bytes: totalBytes(objects) };
    }
  }

  close(): void {
    // Nothing is held open between two calls.
  }

  /** Counts the objects anew: at the start, and with each sweep, since another process may share the folder. */
  async #recount(): Promise<void> {
    const changes = this.#changes;
    let bytes = 0;
    for await (const batch of this.listBatches()) bytes += batch.bytes;
    if (changes === this.#changes) this.#storedBytes = bytes;
  }

  /** Writes a temporary file, makes it durable and hands it to `finish`; leaves nothing of it behind on failure. */
  async #writeTemp(batch: string, chunks: ByteSource, finish: FinishTemp): Promise<number> {
    const directory = join(this.#folder, batch);
    const temp = join(directory, `${TEMP_PREFIX}${randomUUID()}`);
    const file = await io(async () => {
      if ((await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(this.#folder);
      return this.#openTemp(temp);
    }, 'staging-missing');
    let bytes = 0;
    try {
      await closing(file, async () => {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          this.#writingBytes += chunk.length;
          if (this.#storedBytes + this.#writingBytes > this.#bytesMax) throw new StagingProblem('staging-full');
          await io(() => writeFully(file, chunk));
        }
        await io(() => file.sync());
      });
      // The batch's directory is gone: somebody discarded it meanwhile.
      await io(() => finish(temp, bytes), 'staging-missing');
      await io(() => syncDirectory(directory), 'staging-missing');
      return bytes;
    } catch (error) {
      // What this cannot remove, the sweep does.
      await rm(temp, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      this.#writingBytes -= bytes;
    }
  }

  #countStored(bytes: number): void {
    this.#storedBytes += bytes;
    this.#changes += 1;
  }
}

/** Runs `work`, then closes the file. An error of `work` comes before one of closing: it says what went wrong first. */
async function closing(file: TempFile, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  await io(() => file.close());
}

function totalBytes(files: readonly { readonly stats: Stats }[]): number {
  return files.reduce((sum, { stats }) => sum + stats.size, 0);
}
