/**
 * Where input comes from: files, and standard input. Each can be read from its start; where that will be needed twice,
 * what is no plain file (standard input, a pipe) is spooled.
 */
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { inputBounds } from './bounds.ts';
import { InputProblem, ReadingFailed } from './mistakes.ts';
import { spool } from './spool.ts';
import type { Spool } from './spool.ts';

export interface Source {
  /** As given on the command line. */
  readonly name: string;
  /** Bytes as stored (compressed ones of a `.gz`), where they are known beforehand. */
  readonly bytes?: number;
  /** From the start. Throws {@link ReadingFailed}. */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

const standardInput = 'standard input';

/**
 * The sources that a command line names; standard input where it names none, or `-`. Throws {@link InputProblem} where one
 * is not there, before anything is read from any.
 */
export async function openSources(
  files: readonly string[],
  { twice, stdin = process.stdin }: { twice: boolean; stdin?: AsyncIterable<Uint8Array> },
): Promise<Source[]> {
  const names = files.length === 0 ? ['-'] : files;
  if (names.filter((name) => name === '-').length > 1) throw new InputProblem('- is standard input: name it once');
  const sizes = await Promise.all(names.map(plainSize));
  const sources: Source[] = [];
  for (const [index, name] of names.entries()) {
    const bytes = sizes[index];
    if (bytes !== undefined) sources.push(fileSource(name, bytes));
    else {
      const flow = name === '-' ? stdin : pipeChunks(name);
      const shown = name === '-' ? standardInput : name;
      sources.push(twice ? await spooledSource(shown, flow) : onceSource(shown, flow));
    }
  }
  return sources;
}

/** The size of a plain file; undefined for standard input, a pipe and their like. */
async function plainSize(name: string): Promise<number | undefined> {
  if (name === '-') return undefined;
  const found = await stat(name).catch(() => {
    throw new InputProblem(`${name}: no such file, or it may not be read`);
  });
  if (found.isDirectory()) throw new InputProblem(`${name}: a folder; name the files in it`);
  if (!found.isFile()) return undefined;
  const file = await open(name).catch(() => {
    throw new InputProblem(`${name}: may not be read`);
  });
  await file.close();
  return found.size;
}

/** A file that says so when it is not the same the next time. */
function fileSource(name: string, bytes: number): Source {
  let stamp: string | undefined;
  const check = async (file: FileHandle): Promise<void> => {
    const { ino, size, mtimeNs } = await file.stat({ bigint: true });
    const now = [ino, size, mtimeNs].join();
    stamp ??= now;
    if (stamp !== now) throw new ReadingFailed('file-changed');
  };
  return {
    name,
    bytes,
    read: async function* () {
      const file = await openAgain(name);
      try {
        await check(file);
        yield* chunksOf(file);
        await check(file);
      } finally {
        await file.close();
      }
    },
    close: async () => undefined,
  };
}

async function* pipeChunks(name: string): AsyncGenerator<Uint8Array> {
  const file = await openAgain(name);
  try {
    yield* chunksOf(file);
  } finally {
    await file.close();
  }
}

const openAgain = (name: string): Promise<FileHandle> =>
  open(name).catch(() => {
    throw new ReadingFailed('file-unreadable');
  });

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(inputBounds.chunkBytes);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null).catch(() => {
      throw new ReadingFailed('file-unreadable');
    });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function spooledSource(name: string, flow: AsyncIterable<Uint8Array>): Promise<Source> {
  const spooled: Spool = await spool(flow).catch(() => {
    throw new InputProblem(`${name} could not be kept: is there room for it in TMPDIR? Or name files instead`);
  });
  return { name, bytes: spooled.bytes, read: () => spooled.read(), close: () => spooled.close() };
}

const onceSource = (name: string, flow: AsyncIterable<Uint8Array>): Source => ({
  name,
  read: () => flow,
  close: async () => undefined,
});

/** Bytes of all sources together, where all are known. */
export function bytesTotal(sources: readonly Source[]): number | undefined {
  return sources.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    0,
  );
}
