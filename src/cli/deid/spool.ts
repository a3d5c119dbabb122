/**
 * Standard input, kept so that it can be read twice. Up to a few MiB stay in memory. More goes to a temporary file,
 * encrypted under a key that exists in this process's memory alone, in authenticated chunks (`crypto/envelope.ts`).
 *
 * The file is unlinked as soon as it is open: however the process ends, by a signal, a crash or a power cut, no name leads
 * to it, and what the disk still holds is ciphertext whose key is gone.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decryptStream, encryptStream } from '../../crypto/envelope.ts';
import type { ByteSource } from '../../crypto/rechunk.ts';
import { spoolMemoryBytes } from './bounds.ts';

const readBytes = 256 * 2 ** 10;

export interface Spool {
  /** Bytes of plaintext. */
  readonly bytes: number;
  /** The bytes from the start, as often as wanted. Throws `SealProblem` where the file was touched. */
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Takes in a whole stream. `folder` is where a file goes if one is needed. */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  folder: string = tmpdir(),
  memoryBytes: number = spoolMemoryBytes,
): Promise<Spool> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  const chunks = source[Symbol.asyncIterator]();
  while (bytes <= memoryBytes) {
    const next = await chunks.next();
    if (next.done === true) return inMemory(held, bytes);
    held.push(next.value);
    bytes += next.value.length;
  }
  return spoolToFile({ held, bytes, chunks }, folder);
}

function inMemory(held: readonly Uint8Array[], bytes: number): Spool {
  return {
    bytes,
    read: async function* () {
      yield* held;
    },
    close: async () => {
      for (const chunk of held) chunk.fill(0);
    },
  };
}

interface Begun {
  readonly held: Uint8Array[];
  readonly bytes: number;
  readonly chunks: AsyncIterator<Uint8Array>;
}

async function spoolToFile({ held, bytes, chunks }: Begun, folder: string): Promise<Spool> {
  const dataKey = randomBytes(32);
  const context = { batch: 'spool', part: randomUUID() };
  const file = await openNameless(folder);
  let total = bytes;
  const plaintext = async function* (): AsyncGenerator<Uint8Array> {
    yield* held.splice(0);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      total += next.value.length;
      yield next.value;
    }
  };
  try {
    for await (const sealed of encryptStream(dataKey, context, plaintext())) await writeAll(file, sealed);
  } catch (error) {
    dataKey.fill(0);
    await file.close();
    throw error;
  }
  return {
    bytes: total,
    read: () => decryptStream(dataKey, context, bytesOf(file)),
    close: async () => {
      dataKey.fill(0);
      await file.close();
    },
  };
}

/** A new file that only this handle leads to. */
async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `sluice-${randomUUID()}.spool`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

async function* bytesOf(file: FileHandle): ByteSource {
  for (let position = 0; ;) {
    const buffer = Buffer.allocUnsafe(readBytes);
    const { bytesRead } = await file.read(buffer, 0, readBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
