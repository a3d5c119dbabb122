import { afterAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, mkdir, open, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderStore } from '../../src/staging/folder-store.ts';
import { collect } from '../crypto/bytes.ts';
import type { BlobStore } from '../../src/staging/staging.ts';
import { filesBelow, stream, withFolder } from './folder.ts';

const bytesMax = 1_000_000;

async function listed(store: BlobStore): Promise<{ batch: string; bytes: number }[]> {
  const found = [];
  for await (const batch of store.listBatches()) found.push(batch);
  return found;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

describe('objects', () => {
  it('are their owner’s alone, whatever the umask', () =>
    withFolder(async (outer) => {
      const folder = join(outer, 'new', 'staging');
      const umask = process.umask(0);
      try {
        const store = await openFolderStore({ folder, bytesMax });
        await store.put('b/p', stream(1));
        expect(await modeOf(folder)).toBe(0o700);
        expect(await modeOf(join(folder, 'b'))).toBe(0o700);
        expect(await modeOf(join(folder, 'b', 'p'))).toBe(0o600);
      } finally {
        process.umask(umask);
      }
    }));

  it('are not put into a folder that others may enter', () =>
    withFolder(async (folder) => {
      await chmod(folder, 0o750);
      await expect(openFolderStore({ folder, bytesMax })).rejects.toMatchObject({ code: 'staging-folder-open' });
      expect(await modeOf(folder)).toBe(0o750);
    }));

  it('do not come back through a writer that a deletion overtook', () =>
    withFolder(async (folder) => {
      const store = await openFolderStore({ folder, bytesMax });
      async function* overtaken(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(10);
        await store.deleteAll('b/');
      }
      await expect(store.put('b/p', overtaken())).rejects.toMatchObject({ code: 'staging-missing' });
      expect(await filesBelow(folder)).toEqual([]);
    }));
});

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'])('answers to %s with the right word', (code) =>
    withFolder(async (folder) => {
      const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error(`${code}: /secret/path`), { code }));
      const store = await openFolderStore({
        folder,
        bytesMax,
        openTemp: async (path) => {
          const file = await open(path, 'wx', 0o600);
          return { write: (bytes) => file.write(bytes), sync: refuse, close: () => file.close() };
        },
      });
      const expected = code === 'EIO' ? 'staging-unavailable' : 'staging-full';
      await expect(store.put('b/p', stream(2, 100))).rejects.toMatchObject({ code: expected, message: expected });
      expect(await filesBelow(folder)).toEqual([]);
    }),
  );

  it('is a full device', () =>
    withFolder(async (folder) => {
      const store = await openFolderStore({ folder, bytesMax, openTemp: () => open('/dev/full', 'w') });
      await expect(store.put('b/p', stream(1, 100))).rejects.toMatchObject({ code: 'staging-full' });
      expect(await filesBelow(folder)).toEqual([]);
    }));

  const small = mountSmallDisk();
  afterAll(() => {
    if (small === undefined) return;
    execFileSync('umount', [small]);
    rmSync(small, { recursive: true });
  });

  // Mounting needs root; elsewhere /dev/full above stands in.
  (small === undefined ? it.skip : it)('is a real one, which has room again after a deletion', async () => {
    const folder = small ?? '';
    const store = await openFolderStore({ folder, bytesMax: 1e9 });
    await store.put('old/p', stream(2, 65_536));
    await expect(store.put('b/p', stream(100, 65_536))).rejects.toMatchObject({ code: 'staging-full' });
    expect(await filesBelow(folder)).toEqual(['old/p']);
    expect(await collect(store.get('old/p'))).toHaveLength(131_072);
    await store.put('b/q', stream(4, 65_536));
    await store.deleteAll('old/');
    await store.put('b/r', stream(2, 65_536));
    expect(await filesBelow(folder)).toEqual(['b/q', 'b/r']);
  });
});

describe('leftovers', () => {
  it('are all that a killed writer leaves: the object is not there', () =>
    withFolder(async (folder) => {
      const store = await openFolderStore({ folder, bytesMax });
      await store.put('b/p', stream(1, 7));
      await killWriting(folder);
      const files = await filesBelow(folder);
      expect(files).toEqual([expect.stringMatching(/^b\/\.temp-/), 'b/p']);
      const later = await openFolderStore({ folder, bytesMax });
      expect(await collect(later.get('b/p'))).toHaveLength(7);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await later.removeLeftovers(0)).toBe(1);
      expect(await filesBelow(folder)).toEqual(['b/p']);
    }));

  it('of crashes go when they are old, and objects stay', () =>
    withFolder(async (folder) => {
      const old = new Date(Date.now() - 7200_000);
      await mkdir(join(folder, 'b'), { mode: 0o700 });
      for (const name of ['b/p', 'b/.temp-old', 'b/.temp-young'])
        await writeFile(join(folder, name), 'x', { mode: 0o600 });
      await utimes(join(folder, 'b/.temp-old'), old, old);
      await utimes(join(folder, 'b/p'), old, old);
      await mkdir(join(folder, '.discarded-1'));
      await writeFile(join(folder, '.discarded-1', 'p'), 'x');
      const store = await openFolderStore({ folder, bytesMax });
      expect(await filesBelow(folder)).toEqual(['.discarded-1/p', 'b/.temp-young', 'b/p']);
      expect(await listed(store)).toHaveLength(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await store.removeLeftovers(0)).toBe(2);
      expect(await filesBelow(folder)).toEqual(['b/p']);
    }));
});

/** Starts another process that writes `b/p` without end, and kills it in the middle. */
async function killWriting(folder: string): Promise<void> {
  const program = `
    import { openFolderStore } from ${JSON.stringify(new URL('../../src/staging/folder-store.ts', import.meta.url).href)};
    const store = await openFolderStore({ folder: ${JSON.stringify(folder)}, bytesMax: 1e12 });
    await store.put('b/p', (async function* () {
      for (let written = 0; ; written += 1) {
        yield Buffer.alloc(1000);
        if (written === 10) console.log('writing');
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })());`;
  const writer = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(writer.stdout, 'data');
  writer.kill('SIGKILL');
  await once(writer, 'close');
}

/** A disk of 512 KiB, where this process may mount one. */
function mountSmallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=0700', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}
