/** Standard input kept for a second reading: the same bytes each time, no name on the disk, nothing in clear. */
import { mkdtemp, open, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { spool } from '../../../src/cli/deid/spool.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-spool-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const canary = 'Quillfeather-Canary';

/** `count` chunks of odd sizes, each with the canary in it. */
async function* chunks(count: number, size = 70_001): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    const chunk = Buffer.alloc(size, `${String(index)} ${canary} `);
    yield chunk;
  }
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const held: Uint8Array[] = [];
  for await (const chunk of source) held.push(Uint8Array.from(chunk));
  return Buffer.concat(held);
}

/** The files of this process that no name leads to any more, of our folder. */
async function namelessFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const fd of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (target.startsWith(folder) && target.endsWith('(deleted)')) found.push(`/proc/self/fd/${fd}`);
  }
  return found;
}

describe('a spool', () => {
  it.each([
    ['nothing', 0, 1000],
    ['what fits into memory', 3, 1_000_000],
    ['what goes to a file', 9, 1000],
    ['a file whose last chunk is full', 4, 1000],
  ])('gives back %s, as often as it is read', async (_what, count, memory) => {
    const size = count === 4 ? 65_536 : 70_001;
    const expected = await all(chunks(count, size));
    const spooled = await spool(chunks(count, size), folder, memory);
    expect(spooled.bytes).toBe(expected.length);
    expect((await all(spooled.read())).equals(expected)).toBe(true);
    const [one, other] = await Promise.all([all(spooled.read()), all(spooled.read())]);
    expect(one.equals(expected) && other.equals(expected)).toBe(true);
    await spooled.close();
  });

  it('uses no file for what fits into memory', async () => {
    const spooled = await spool(chunks(3), join(folder, 'no-such-folder'));
    expect(spooled.bytes).toBe(3 * 70_001);
    await expect(spool(chunks(100), join(folder, 'no-such-folder'))).rejects.toThrow();
  });

  it('leaves no name in the folder from the start, so that no end of the process can leave one', async () => {
    let seen: string[] | undefined;
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks(2);
      seen = await readdir(folder);
      yield* chunks(2);
    };
    const spooled = await spool(watched(), folder, 1000);
    expect(seen).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
    await spooled.close();
    expect(await readdir(folder)).toEqual([]);
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onLinux('holds ciphertext only, and refuses what was touched', async () => {
    const spooled = await spool(chunks(9), folder, 1000);
    const [path] = await namelessFiles();
    const stored = await readFile(path!);
    expect(stored.length).toBeGreaterThan(spooled.bytes);
    expect(stored.includes(canary)).toBe(false);
    expect(stored.includes(canary.slice(0, 6))).toBe(false);
    const file = await open(path!, 'r+');
    await file.write(Buffer.from([(stored[100_000] ?? 0) ^ 1]), 0, 1, 100_000);
    await expect(all(spooled.read())).rejects.toThrow('seal-broken');
    await file.write(stored, 100_000, 1, 100_000);
    expect((await all(spooled.read())).length).toBe(spooled.bytes);
    await file.truncate(stored.length - 1);
    await expect(all(spooled.read())).rejects.toThrow('seal-broken');
    await file.close();
    await spooled.close();
  });

  onLinux('lets go of its file when the input fails, and when it is closed', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* chunks(5);
      throw new Error('cut off');
    };
    await expect(spool(failing(), folder, 1000)).rejects.toThrow('cut off');
    expect(await namelessFiles()).toEqual([]);
    const spooled = await spool(chunks(5), folder, 1000);
    expect(await namelessFiles()).toHaveLength(1);
    await spooled.close();
    expect(await namelessFiles()).toEqual([]);
  });
});
