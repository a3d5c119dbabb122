import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyWrapper } from '../../src/crypto/keyring.ts';
import { localKeyWrapper } from '../../src/crypto/local-key-wrapper.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { encryptedStaging } from '../../src/staging/encrypted-staging.ts';
import { openFolderStore } from '../../src/staging/folder-store.ts';
import type { Staging } from '../../src/staging/staging.ts';
import { collect } from '../crypto/bytes.ts';
import { filesBelow, stream, withFolder } from './folder.ts';
import type { HeldBytes } from './held-bytes.ts';

const line = (version: number): string => `v${version}:${Buffer.alloc(32, version).toString('base64')}`;
const wrapperOf = (...versions: number[]): KeyWrapper =>
  localKeyWrapper(parseKeyring('staging', versions.map(line).join('\n')));

async function stagingIn(folder: string, wrapper = wrapperOf(1)): Promise<Staging> {
  return encryptedStaging(await openFolderStore({ folder, bytesMax: 50_000_000 }), wrapper);
}

async function textOf(staging: Staging, batch: string, part: string): Promise<string> {
  return (await collect(staging.read(batch, part))).toString('utf8');
}

const corrupt = { name: 'StagingProblem', code: 'staging-corrupt', message: 'staging-corrupt' };
const missing = { name: 'StagingProblem', code: 'staging-missing', message: 'staging-missing' };

describe('encrypted staging', () => {
  it('reads what it wrote, after a restart too, and holds none of it in clear', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      const lines = Array.from({ length: 3000 }, (_, index) => Buffer.from(`{"family":"MARKER-${index}"}\n`));
      const { bytes } = await staging.write('b1', 'raw', lines);
      expect(bytes).toBe((await readFile(join(folder, 'b1', 'raw'))).length);
      await staging.write('b1', 'empty', []);
      const again = await stagingIn(folder);
      expect(await textOf(again, 'b1', 'raw')).toBe(Buffer.concat(lines).toString('utf8'));
      expect(await textOf(again, 'b1', 'empty')).toBe('');
      expect(await again.has('b1', 'raw')).toBe(true);
      expect(await filesBelow(folder)).toEqual(['b1/empty', 'b1/key', 'b1/raw']);
      for (const file of await filesBelow(folder)) {
        expect((await readFile(join(folder, file))).includes('MARKER')).toBe(false);
      }
    }));

  it('gives a batch one key under concurrent first writes, in one process and in several', () =>
    withFolder(async (folder) => {
      const stagings = await Promise.all([1, 2, 3].map(() => stagingIn(folder)));
      const parts = Array.from({ length: 12 }, (_, index) => `p${index}`);
      await Promise.all(parts.map((part, index) => stagings[index % 3]!.write('b', part, [Buffer.from(part)])));
      const reader = await stagingIn(folder);
      for (const part of parts) expect(await textOf(reader, 'b', part)).toBe(part);
    }));

  it('asks the wrapper once a batch, not once a part', () =>
    withFolder(async (folder) => {
      let calls = 0;
      const local = wrapperOf(1);
      const counting: KeyWrapper = {
        wrap: (...given) => ((calls += 1), local.wrap(...given)),
        unwrap: (...given) => ((calls += 1), local.unwrap(...given)),
      };
      const staging = await stagingIn(folder, counting);
      for (const part of ['p1', 'p2', 'p3']) await staging.write('b', part, [Buffer.from(part)]);
      expect(await textOf(staging, 'b', 'p2')).toBe('p2');
      expect(calls).toBe(1);
    }));

  it('notices parts and batches that changed places', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      for (const batch of ['b1', 'b2']) {
        for (const part of ['p1', 'p2']) await staging.write(batch, part, [Buffer.from(batch + part)]);
      }
      await copyFile(join(folder, 'b1', 'p1'), join(folder, 'b1', 'p2'));
      await expect(textOf(staging, 'b1', 'p2')).rejects.toMatchObject(corrupt);
      await copyFile(join(folder, 'b1', 'p1'), join(folder, 'b2', 'p1'));
      await expect(textOf(staging, 'b2', 'p1')).rejects.toMatchObject(corrupt);
      // A whole batch with its key, under another name.
      await cp(join(folder, 'b1'), join(folder, 'b3'), { recursive: true });
      await expect(textOf(staging, 'b3', 'p1')).rejects.toMatchObject(corrupt);
      expect(await textOf(staging, 'b1', 'p1')).toBe('b1p1');
    }));

  it('notices damage to a part and to the key, also with the key remembered', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      for (const file of ['p', 'key']) {
        await staging.write('b', 'p', [Buffer.from('text')]);
        const sound = await readFile(join(folder, 'b', file));
        for (let at = 0; at < sound.length; at += 1) {
          const altered = Buffer.from(sound);
          altered[at] = altered[at]! ^ 1;
          await writeFile(join(folder, 'b', file), altered);
          // A flipped key version is one that the ring does not have.
          const expected = file === 'key' && at >= 5 && at < 9 ? { code: 'key-version-unknown' } : corrupt;
          await expect(textOf(staging, 'b', 'p')).rejects.toMatchObject(expected);
        }
        await writeFile(join(folder, 'b', file), sound.subarray(0, 3));
        await expect(textOf(staging, 'b', 'p')).rejects.toMatchObject(corrupt);
        await writeFile(join(folder, 'b', file), sound);
      }
      await writeFile(join(folder, 'b', 'key'), Buffer.alloc(10_000));
      await expect(textOf(staging, 'b', 'p')).rejects.toMatchObject(corrupt);
    }));

  it('reads batches of older keys after a rotation, and says when their key is gone', () =>
    withFolder(async (folder) => {
      await (await stagingIn(folder)).write('old', 'p', [Buffer.from('old')]);
      const rotated = await stagingIn(folder, wrapperOf(1, 2));
      expect(await textOf(rotated, 'old', 'p')).toBe('old');
      await rotated.write('new', 'p', [Buffer.from('new')]);
      expect((await readFile(join(folder, 'new', 'key'))).readUInt32BE(5)).toBe(2);
      const later = await stagingIn(folder, wrapperOf(2));
      expect(await textOf(later, 'new', 'p')).toBe('new');
      await expect(textOf(later, 'old', 'p')).rejects.toMatchObject({ code: 'key-version-unknown' });
    }));

  it('destroys the key with the batch: kept copies of its parts open no more', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      await staging.write('b', 'p', [Buffer.from('text')]);
      await copyFile(join(folder, 'b', 'p'), join(folder, 'copy'));
      await staging.discard('b');
      await staging.discard('b');
      expect(await filesBelow(folder)).toEqual(['copy']);
      await expect(textOf(staging, 'b', 'p')).rejects.toMatchObject(missing);
      expect(await staging.has('b', 'p')).toBe(false);
      await staging.write('b', 'q', [Buffer.from('later')]);
      await rename(join(folder, 'copy'), join(folder, 'b', 'p'));
      await expect(textOf(staging, 'b', 'p')).rejects.toMatchObject(corrupt);
      expect(await textOf(staging, 'b', 'q')).toBe('later');
    }));

  it('does not use a remembered key that another process discarded', () =>
    withFolder(async (folder) => {
      const [one, two] = [await stagingIn(folder), await stagingIn(folder)];
      await one.write('b', 'p', [Buffer.from('1')]);
      await two.discard('b');
      await one.write('b', 'p', [Buffer.from('2')]);
      expect(await textOf(two, 'b', 'p')).toBe('2');
    }));

  it('fails a write whose key went while it was writing', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      async function* source(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('1');
        await rm(join(folder, 'b', 'key'));
      }
      await expect(staging.write('b', 'p', source())).rejects.toMatchObject({ code: 'staging-missing' });
    }));

  it('refuses names that are not its to use', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      const refused = { code: 'staging-name-refused' };
      for (const [batch, part] of [
        ['b', 'key'],
        ['..', 'p'],
        ['b', '../p'],
        ['', 'p'],
        ['b', ''],
      ] as const) {
        await expect(staging.write(batch, part, [])).rejects.toMatchObject(refused);
        await expect(collect(staging.read(batch, part))).rejects.toMatchObject(refused);
        await expect(staging.has(batch, part)).rejects.toMatchObject(refused);
      }
      await expect(staging.discard('../..')).rejects.toMatchObject(refused);
      expect(await filesBelow(folder)).toEqual([]);
    }));

  it('passes the source’s own error on and keeps nothing', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      async function* source(): AsyncGenerator<Uint8Array> {
        yield* stream(1, 200_000);
        throw new RangeError('source');
      }
      await expect(staging.write('b', 'p', source())).rejects.toThrow(RangeError);
      expect(await filesBelow(folder)).toEqual(['b/key']);
    }));
});

describe('memory', () => {
  it('stays flat in the size of an object', () =>
    withFolder(async (folder) => {
      const program = join(import.meta.dirname, 'held-bytes.ts');
      const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, folder]);
      const { readBytes, writing, reading } = JSON.parse(stdout) as HeldBytes;
      expect([readBytes, writing.length, reading.length]).toEqual([20_000_000, 10, 10]);
      for (const held of [...writing, ...reading]) expect(held).toBeLessThan(2_000_000);
    }));
});

describe('sweep', () => {
  it('discards old batches but those to keep, and crashed writers’ files', () =>
    withFolder(async (folder) => {
      const staging = await stagingIn(folder);
      const old = new Date(Date.now() - 5000_000);
      for (const batch of ['old', 'kept', 'young']) await staging.write(batch, 'p', [Buffer.from(batch)]);
      await mkdir(join(folder, 'hollow'));
      await writeFile(join(folder, 'young', '.temp-1'), 'x');
      for (const file of ['old/p', 'old/key', 'kept/p', 'kept/key', 'young/key', 'young/.temp-1', 'hollow']) {
        await utimes(join(folder, file), old, old);
      }
      expect(await staging.sweep(3600, (batch) => batch === 'kept')).toBe(2);
      expect(await filesBelow(folder)).toEqual(['kept/key', 'kept/p', 'young/key', 'young/p']);
      expect(await textOf(staging, 'kept', 'p')).toBe('kept');
    }));
});
