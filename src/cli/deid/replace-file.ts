/**
 * A file that a command writes at its end: never one that it reads, and never half. The text goes into a new file beside it,
 * which takes its place when it is whole, so that a run that breaks off leaves what stood there. Devices and pipes are written
 * to as they are.
 */
import { randomBytes } from 'node:crypto';
import { fstatSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { access, constants, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file that the command reads, and what to call it. */
export interface ReadFile {
  readonly what: string;
  readonly file: string;
}

export interface Target {
  /** All of the file. Throws {@link TargetProblem}. */
  write(text: string): Promise<void>;
}

/** The file cannot be written, or must not be. */
export class TargetProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TargetProblem';
  }
}

/** Looks whether the file can be written, without touching it. Throws {@link TargetProblem} where it cannot, or is one of `reads`. */
export async function targetFile(file: string, reads: readonly ReadFile[]): Promise<Target> {
  const found = await statOf(file);
  const refused = (): never => {
    throw new TargetProblem(`${file}: cannot be written`);
  };
  if (file === '' || file.endsWith('/') || found?.isDirectory() === true) return refused();
  if (found === undefined) {
    await access(dirname(file), constants.W_OK | constants.X_OK).catch(refused);
    return { write: (text) => told(file, replaced(file, text, undefined)) };
  }
  const same = await sameAs(found, reads);
  if (same !== undefined) throw new TargetProblem(`${file}: the same file as ${same}; nothing was written`);
  await access(file, constants.W_OK).catch(refused);
  if (!found.isFile()) return { write: (text) => told(file, writeFile(file, text)) };
  // Through a link the file that it leads to is replaced, and the link stays.
  const real = await realpath(file);
  return { write: (text) => told(file, replaced(real, text, Number(found.mode) & 0o777)) };
}

/** What of `reads` standard output goes into, where it goes into a file: it would grow, or be emptied, while it is read. */
export const outputOver = async (reads: readonly ReadFile[]): Promise<string | undefined> => {
  const output = standardStat(1);
  return output === undefined ? undefined : among(output, reads);
};

const statOf = (file: string): Promise<BigIntStats | undefined> => stat(file, { bigint: true }).catch(() => undefined);

function standardStat(descriptor: number): BigIntStats | undefined {
  try {
    return fstatSync(descriptor, { bigint: true });
  } catch {
    return undefined; // closed
  }
}

const standard = ['standard input', 'standard output', 'standard error'] as const;

async function sameAs(target: BigIntStats, reads: readonly ReadFile[]): Promise<string | undefined> {
  const index = standard.findIndex((_, descriptor) => isSame(target, standardStat(descriptor)));
  return (await among(target, reads)) ?? standard[index];
}

async function among(target: BigIntStats, reads: readonly ReadFile[]): Promise<string | undefined> {
  for (const { what, file } of reads) if (isSame(target, await statOf(file))) return `${what} ${file}`;
  return undefined;
}

/** By device and inode, so that no link hides it. Writing to a device or pipe destroys nothing. */
const isSame = (one: BigIntStats, other: BigIntStats | undefined): boolean =>
  other !== undefined && one.isFile() && one.dev === other.dev && one.ino === other.ino;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

async function told(file: string, writing: Promise<void>): Promise<void> {
  await writing.catch((error: unknown) => {
    throw new TargetProblem(`${file}: cannot be written (${codeOf(error)})`);
  });
}

/** A folder that takes no new file, or a file that is mounted by itself. */
const inPlaceCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV']);

/** `mode`: of the file that stands there. */
async function replaced(file: string, text: string, mode: number | undefined): Promise<void> {
  const beside = join(dirname(file), `.${basename(file).slice(0, 100)}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(beside, 'wx', mode ?? 0o666);
    try {
      if (mode !== undefined) await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    if (mode === undefined || !inPlaceCodes.has(codeOf(error))) throw error;
    await writeFile(file, text);
  }
}
