/** What holds for every store of staging, whatever lies below it. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { openFolderStore } from '../../src/staging/folder-store.ts';
import { openS3Store } from '../../src/staging/s3-store.ts';
import type { BlobStore } from '../../src/staging/staging.ts';
import { collect } from '../crypto/bytes.ts';
import { startS3 } from '../support/s3.ts';
import { keysIn } from './bucket.ts';
import { filesBelow, stream, withFolder } from './folder.ts';

/** A fresh place for objects. */
interface Place {
  /** A store of it; several of them are several workers. */
  open(bytesMax?: number): Promise<BlobStore>;
  /** All that lies there, hidden things too. */
  names(): Promise<string[]>;
}
type WithPlace = (work: (place: Place) => Promise<void>) => Promise<void>;

const s3 = await startS3();
afterAll(() => s3?.stop());

const inFolder: WithPlace = (work) =>
  withFolder((folder) =>
    work({
      open: (bytesMax = 1_000_000) => openFolderStore({ folder, bytesMax }),
      names: () => filesBelow(folder),
    }),
  );

const inBucket =
  (prefix?: string): WithPlace =>
  async (work) => {
    const bucket = await s3!.bucket();
    const stores: BlobStore[] = [];
    const open = async (bytesMax = 1_000_000): Promise<BlobStore> => {
      const store = await openS3Store({ ...bucket, bytesMax, ...(prefix !== undefined && { prefix }) });
      stores.push(store);
      return store;
    };
    const below = prefix === undefined ? '' : `${prefix}/`;
    try {
      await work({
        open,
        names: async () => (await keysIn(s3!, bucket.bucket)).map((key) => key.replace(below, '')),
      });
    } finally {
      for (const store of stores) store.close();
    }
  };

async function listed(store: BlobStore): Promise<{ batch: string; bytes: number; modifiedAt: Date }[]> {
  const found = [];
  for await (const batch of store.listBatches()) found.push(batch);
  return found;
}

const kinds: [string, WithPlace, boolean][] = [
  ['a folder', inFolder, true],
  ['a bucket', inBucket(), s3 !== undefined],
  ['a bucket below a prefix', inBucket('sluice/north'), s3 !== undefined],
];

for (const [kind, withPlace, isHere] of kinds) {
  (isHere ? describe : describe.skip)(`objects in ${kind}`, () => {
    it('are written, replaced, streamed, listed and deleted', () =>
      withPlace(async ({ open, names }) => {
        const store = await open();
        const before = Date.now();
        expect(await store.put('b1/p1', stream(3, 100_000))).toEqual({ bytes: 300_000 });
        await store.put('b1/p1', stream(2, 200_000));
        await store.put('b2/p1', stream(0));
        expect(Buffer.compare(await collect(store.get('b1/p1')), await collect(stream(2, 200_000)))).toBe(0);
        expect(await collect(store.get('b2/p1'))).toHaveLength(0);
        const batches = await listed(store);
        expect(batches.map(({ batch, bytes }) => [batch, bytes]).sort()).toEqual([
          ['b1', 400_000],
          ['b2', 0],
        ]);
        // Whole seconds are as fine as S3 tells it.
        for (const { modifiedAt } of batches) expect(modifiedAt.getTime()).toBeGreaterThanOrEqual(before - 1000);
        expect(await store.has('b1/p1')).toBe(true);
        await store.deleteAll('b1/');
        await store.deleteAll('b1/');
        expect(await store.has('b1/p1')).toBe(false);
        await expect(collect(store.get('b1/p1'))).rejects.toMatchObject({ code: 'staging-missing' });
        expect(await names()).toEqual(['b2/p1']);
      }));

    it('leave those of a batch whose name begins alike', () =>
      withPlace(async ({ open, names }) => {
        const store = await open();
        const batches = ['a', 'a-b', 'a.b', 'a0', 'ab'];
        for (const batch of batches) for (const part of ['key', 'p']) await store.put(`${batch}/${part}`, stream(1, 5));
        expect((await listed(store)).map(({ batch, bytes }) => [batch, bytes]).sort()).toEqual(
          batches.map((batch) => [batch, 10]),
        );
        await store.deleteAll('a/');
        expect(await names()).toHaveLength(8);
      }));

    it('stop being read where the reader stops', () =>
      withPlace(async ({ open }) => {
        const store = await open(10_000_000);
        await store.put('b/p', stream(80, 100_000));
        for (let round = 0; round < 60; round += 1) for await (const chunk of store.get('b/p')) if (chunk) break;
        expect(await collect(store.get('b/p'))).toHaveLength(8_000_000);
      }));

    it.each([
      'p',
      'b/',
      '/p',
      '../p',
      'b/..',
      'b/.',
      './p',
      'b/p/q',
      'b\\..\\p/q',
      'b/.temp-1',
      'b/p\0',
      `b/${'x'.repeat(201)}`,
      'b/ä',
      'b/p\n',
    ])('have no name like %j', (name) =>
      withPlace(async ({ open, names }) => {
        const store = await open();
        const refused = { code: 'staging-name-refused' };
        await expect(store.put(name, stream(1))).rejects.toMatchObject(refused);
        await expect(store.putIfAbsent(name, Buffer.alloc(1))).rejects.toMatchObject(refused);
        await expect(collect(store.get(name))).rejects.toMatchObject(refused);
        await expect(store.has(name)).rejects.toMatchObject(refused);
        expect(await names()).toEqual([]);
      }),
    );

    it('are not deleted outside of a batch', () =>
      withPlace(async ({ open }) => {
        const store = await open();
        for (const prefix of ['', '/', '..', '../', 'a/b/', '.']) {
          await expect(store.deleteAll(prefix)).rejects.toMatchObject({ code: 'staging-name-refused' });
        }
      }));

    it('show the old bytes or the new, never half of them', () =>
      withPlace(async ({ open, names }) => {
        const store = await open();
        await store.put('b/p', stream(1, 10));
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield Buffer.alloc(5000);
          expect(await collect(store.get('b/p'))).toHaveLength(10);
          throw new Error('the source broke');
        }
        await expect(store.put('b/p', failing())).rejects.toThrow('the source broke');
        expect(await names()).toEqual(['b/p']);
        expect(await collect(store.get('b/p'))).toHaveLength(10);
      }));

    it('are created once by any number of writers', () =>
      withPlace(async ({ open, names }) => {
        const stores = [await open(), await open()];
        const writers = Array.from({ length: 20 }, (_, index) =>
          stores[index % 2]!.putIfAbsent('b/key', Buffer.alloc(9, index)),
        );
        const created = await Promise.all(writers);
        expect(created.filter(Boolean)).toHaveLength(1);
        expect((await collect(stores[0]!.get('b/key')))[0]).toBe(created.indexOf(true));
        expect(await names()).toEqual(['b/key']);
      }));

    describe('together', () => {
      const full = { code: 'staging-full', message: 'staging-full' };

      it('are bounded, whatever is replaced and deleted', () =>
        withPlace(async ({ open, names }) => {
          const store = await open(1000);
          await store.put('a/p', stream(1, 400));
          await store.put('a/p', stream(1, 500));
          await store.put('b/p', stream(5, 100));
          await expect(store.put('c/p', stream(1))).rejects.toMatchObject(full);
          await expect(store.putIfAbsent('c/key', Buffer.alloc(1))).rejects.toMatchObject(full);
          expect(await names()).toEqual(['a/p', 'b/p']);
          await store.deleteAll('a/');
          await store.put('c/p', stream(5, 100));
          await expect(store.put('d/p', stream(1))).rejects.toMatchObject(full);
        }));

      it('are bounded while they are written at the same time', () =>
        withPlace(async ({ open }) => {
          const store = await open(1000);
          const writes = ['a/p', 'b/p', 'c/p'].map((name) => store.put(name, stream(60, 10)));
          const outcomes = await Promise.allSettled(writes);
          expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
          for (const name of ['a/p', 'b/p', 'c/p']) await store.deleteAll(name.slice(0, 2));
          await store.put('d/p', stream(10, 100));
        }));

      it('are counted at the start', () =>
        withPlace(async ({ open }) => {
          await (await open(1000)).put('a/p', stream(1, 900));
          const store = await open(1000);
          await expect(store.put('b/p', stream(1, 101))).rejects.toMatchObject(full);
          await store.put('b/p', stream(1, 100));
        }));

      it('are counted anew with each sweep, what another worker has written and deleted too', () =>
        withPlace(async ({ open }) => {
          const [one, other] = [await open(1000), await open(1000)];
          await other.put('a/p', stream(1, 900));
          await one.removeLeftovers(3600);
          await expect(one.put('b/p', stream(1, 101))).rejects.toMatchObject(full);
          await other.deleteAll('a/');
          await one.removeLeftovers(3600);
          await one.put('b/p', stream(1, 1000));
        }));

      it('are not counted twice when they are written and deleted in a crowd', () =>
        withPlace(async ({ open }) => {
          const store = await open(10_000);
          for (let round = 0; round < 20; round += 1) {
            await Promise.allSettled([
              store.put('a/p', stream(4, 50)),
              store.put('a/p', stream(3, 50)),
              store.put('a/q', stream(2, 50)),
              store.deleteAll('a/'),
              store.putIfAbsent('a/key', Buffer.alloc(100)),
            ]);
          }
          await store.deleteAll('a/');
          await store.put('b/p', stream(1, 10_000));
          await expect(store.put('c/p', stream(1, 1))).rejects.toMatchObject(full);
        }));
    });
  });
}
