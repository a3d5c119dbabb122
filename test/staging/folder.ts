/** A folder of the test's own, and what lies in it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `work` with a fresh folder (mode 0700) and removes it. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-staging-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every file below, hidden ones too, as relative paths. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

/** `pieces` pieces of `pieceBytes` bytes, as a stream. */
export async function* stream(pieces: number, pieceBytes = 1): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < pieces; index += 1) {
    await Promise.resolve();
    yield Buffer.alloc(pieceBytes, index);
  }
}
