/** File system calls of the folder store, with every error turned into a `StagingProblem`. */
import { open, readdir, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { StagingProblem, type StagingCode } from './staging.ts';

/** What the folder store needs of an open temporary file; tests put a full disk behind it. */
export interface TempFile {
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a new file for writing. */
export type OpenTemp = (path: string) => Promise<TempFile>;

/** `wx`: a file that already exists under a fresh random name is somebody's trick, not ours to write into. */
export const openTempFile: OpenTemp = (path) => open(path, 'wx', 0o600);

/** ENOSPC: disk. EDQUOT: the user's quota. EFBIG: the file size limit. All three ask an operator for room. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The problem for an I/O error; what is a problem already stays. The error itself is dropped: it quotes paths. */
export function stagingProblem(error: unknown, missing: StagingCode = 'staging-unavailable'): StagingProblem {
  if (error instanceof StagingProblem) return error;
  const code = errorCode(error);
  if (code !== undefined && FULL.has(code)) return new StagingProblem('staging-full');
  if (code === 'ENOENT') return new StagingProblem(missing);
  return new StagingProblem('staging-unavailable');
}

/** The `errno` name of a Node error. Not by `instanceof`: the error may come from another realm (a test's, a worker's). */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Runs I/O; its errors come out as `StagingProblem`. */
export async function io<T>(work: () => Promise<T>, missing?: StagingCode): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw stagingProblem(error, missing);
  }
}

/** Writes all of `bytes`, however little the system takes at a time (near a limit it takes a part, then refuses). */
export async function writeFully(file: TempFile, bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) {
    const { bytesWritten } = await file.write(rest);
    rest = rest.subarray(bytesWritten);
  }
}

/** Makes a directory's entries durable: without it a rename may be undone by a power cut (fsync(2)). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Entries of a directory with their stats; those that vanish meanwhile, and a directory that is gone, are left out. */
export async function entries(path: string): Promise<{ name: string; stats: Stats }[]> {
  const names = await unlessGone(readdir(path), []);
  const found = await Promise.all(
    names.map(async (name) => ({ name, stats: await unlessGone(stat(join(path, name)), undefined) })),
  );
  return found.filter((entry): entry is { name: string; stats: Stats } => entry.stats !== undefined);
}

async function unlessGone<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
