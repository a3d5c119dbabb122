/** What a bucket's store does beside what every store does (blob-store.test.ts), and two workers with one bucket. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { localKeyWrapper } from '../../src/crypto/local-key-wrapper.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { encryptedStaging } from '../../src/staging/encrypted-staging.ts';
import { openS3Store, type S3StoreOptions } from '../../src/staging/s3-store.ts';
import type { BlobStore, Staging } from '../../src/staging/staging.ts';
import { collect } from '../crypto/bytes.ts';
import { type S3Server, startS3 } from '../support/s3.ts';
import { keysIn } from './bucket.ts';
import { stream } from './folder.ts';

const s3 = await startS3();
afterAll(() => s3?.stop());
const describeS3 = s3 === undefined ? describe.skip : describe;

interface Bucket {
  readonly server: S3Server;
  readonly options: S3StoreOptions;
  open(changed?: Partial<S3StoreOptions>): Promise<BlobStore>;
  keys(): Promise<string[]>;
  /** Uploads in pieces that nobody has ended. */
  uploads(): Promise<number>;
}

async function withBucket(work: (bucket: Bucket) => Promise<void>): Promise<void> {
  const server = s3!;
  const options = await server.bucket();
  const stores: BlobStore[] = [];
  try {
    await work({
      server,
      options,
      open: async (changed = {}) => {
        const store = await openS3Store({ ...options, ...changed });
        stores.push(store);
        return store;
      },
      keys: () => keysIn(server, options.bucket),
      uploads: async () => {
        const answer = await server.client.send(new ListMultipartUploadsCommand({ Bucket: options.bucket }));
        return answer.Uploads?.length ?? 0;
      },
    });
  } finally {
    for (const store of stores) store.close();
  }
}

const wrapper = localKeyWrapper(parseKeyring('staging', `v1:${Buffer.alloc(32, 1).toString('base64')}`));

async function textOf(staging: Staging, batch: string, part: string): Promise<string> {
  return (await collect(staging.read(batch, part))).toString('utf8');
}

describeS3('a large object', () => {
  const large = { bytesMax: 1e9 };

  it('goes in pieces, and comes back whole', () =>
    withBucket(async ({ open, keys, uploads }) => {
      const store = await open(large);
      expect(await store.put('b/p', stream(600, 100_000))).toEqual({ bytes: 60_000_000 });
      let at = 0;
      for await (const chunk of store.get('b/p')) {
        for (let index = 0; index < chunk.length; index += 9973)
          if (chunk[index] !== Math.floor((at + index) / 100_000) % 256)
            throw new Error(`another byte at ${at + index}`);
        at += chunk.length;
      }
      expect(at).toBe(60_000_000);
      expect(await keys()).toEqual(['b/p']);
      expect(await uploads()).toBe(0);
    }));

  it('leaves nothing behind where its source fails, or it is too much', () =>
    withBucket(async ({ open, keys, uploads }) => {
      const store = await open({ bytesMax: 70_000_000 });
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* stream(600, 100_000);
        throw new RangeError('source');
      }
      await expect(store.put('b/p', failing())).rejects.toThrow(RangeError);
      await expect(store.put('b/p', stream(800, 100_000))).rejects.toMatchObject({ code: 'staging-full' });
      expect([await keys(), await uploads()]).toEqual([[], 0]);
      // The room that they took is free again.
      await store.put('b/p', stream(60, 1_000_000));
    }));

  it('of a killed writer is cleared', () =>
    withBucket(async ({ open, server, options, uploads }) => {
      for (const key of ['b/p', 'north/b/p', 'north/b/q'])
        await server.client.send(new CreateMultipartUploadCommand({ Bucket: options.bucket, Key: key }));
      // moto dates every upload to 2010; s3-faults.test.ts has young ones.
      await open({ prefix: 'north' });
      expect(await uploads()).toBe(1);
    }));
});

describeS3('many objects', () => {
  it('are listed and deleted by the page', () =>
    withBucket(async ({ open, keys }) => {
      const store = await open();
      const names = Array.from({ length: 1100 }, (_, index) => `many/p-${String(index)}`);
      for (let at = 0; at < names.length; at += 20)
        await Promise.all(names.slice(at, at + 20).map((name) => store.put(name, stream(1, 2))));
      await store.put('after/p', stream(1));
      await store.put('none/p', stream(1));
      const batches = [];
      for await (const { batch, bytes } of store.listBatches()) batches.push([batch, bytes]);
      expect(batches).toEqual([
        ['after', 1],
        ['many', 2200],
        ['none', 1],
      ]);
      await store.deleteAll('many/');
      expect(await keys()).toEqual(['after/p', 'none/p']);
    }));

  it('of somebody else are neither counted nor listed nor swept', () =>
    withBucket(async ({ open, server, options, keys }) => {
      const foreign = ['a', 'north', 'north/', 'north/a', 'north/a/b/c', 'northern/b/p', 'north/.hidden/p'];
      for (const Key of foreign)
        await server.client.send(new PutObjectCommand({ Bucket: options.bucket, Key, Body: Buffer.alloc(5000) }));
      const store = await open({ prefix: 'north', bytesMax: 100 });
      await store.put('b/p', stream(1, 100));
      const staging = encryptedStaging(store, wrapper);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect(await staging.sweep(0, () => false)).toBe(1);
      expect(await keys()).toEqual([...foreign].sort());
    }));

  it('of a start that was killed go with a later sweep', () =>
    withBucket(async ({ open, server, options, keys }) => {
      const input = { Bucket: options.bucket, Key: '.probe-1', Body: Buffer.alloc(1) };
      await server.client.send(new PutObjectCommand(input));
      const store = await open();
      expect(await keys()).toEqual(['.probe-1']);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect(await store.removeLeftovers(0)).toBe(1);
      expect(await keys()).toEqual([]);
    }));
});

describeS3('two workers with one bucket', () => {
  const two = async ({ open }: Bucket): Promise<[Staging, Staging]> => [
    encryptedStaging(await open(), wrapper),
    encryptedStaging(await open(), wrapper),
  ];

  it('read what the other wrote, under one key, whoever was first', () =>
    withBucket(async (bucket) => {
      const workers = await two(bucket);
      const parts = Array.from({ length: 12 }, (_, index) => `p${index}`);
      await Promise.all(parts.map((part, index) => workers[index % 2]!.write('b', part, [Buffer.from(part)])));
      for (const [index, part] of parts.entries())
        expect(await textOf(workers[(index + 1) % 2]!, 'b', part)).toBe(part);
    }));

  it('do not use a key that they remember and the other has discarded', () =>
    withBucket(async (bucket) => {
      const [one, other] = await two(bucket);
      await one.write('b', 'p', [Buffer.from('1')]);
      expect(await textOf(one, 'b', 'p')).toBe('1');
      await other.discard('b');
      await expect(textOf(one, 'b', 'p')).rejects.toMatchObject({ code: 'staging-missing' });
      expect(await one.has('b', 'p')).toBe(false);
      await one.write('b', 'p', [Buffer.from('2')]);
      expect(await textOf(other, 'b', 'p')).toBe('2');
    }));

  it('leave nothing of a part that a discard overtook', () =>
    withBucket(async (bucket) => {
      const [one, other] = await two(bucket);
      await one.write('b', 'p', [Buffer.from('1')]);
      async function* overtaken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('2');
        await other.discard('b');
      }
      await expect(one.write('b', 'q', overtaken())).rejects.toMatchObject({ code: 'staging-missing' });
      expect(await bucket.keys()).toEqual([]);
    }));

  it('keep a batch that was begun anew while the other was still writing the old one, whose part nobody can read', () =>
    withBucket(async (bucket) => {
      const [one, other] = await two(bucket);
      await one.write('b', 'p', [Buffer.from('1')]);
      async function* overtaken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('2');
        await other.discard('b');
        await other.write('b', 'p', [Buffer.from('new')]);
      }
      await expect(one.write('b', 'q', overtaken())).rejects.toMatchObject({ code: 'staging-missing' });
      expect(await textOf(one, 'b', 'p')).toBe('new');
      for (const worker of [one, other])
        await expect(textOf(worker, 'b', 'q')).rejects.toMatchObject({ code: 'staging-corrupt' });
    }));

  it('start at the same time', () =>
    withBucket(async ({ open, keys }) => {
      await Promise.all(Array.from({ length: 6 }, () => open()));
      expect(await keys()).toEqual([]);
    }));
});

describeS3('a bucket that vanishes', () => {
  it('is told as such, and nothing in it as missing', () =>
    withBucket(async ({ open, server, options }) => {
      const store = await open();
      await store.put('b/p', stream(1));
      await store.deleteAll('b/');
      await server.removeBucket(options.bucket);
      const gone = { code: 'staging-bucket-missing', message: 'staging-bucket-missing' };
      await expect(store.has('b/p')).rejects.toMatchObject(gone);
      await expect(collect(store.get('b/p'))).rejects.toMatchObject(gone);
      await expect(store.put('b/p', stream(1))).rejects.toMatchObject(gone);
      await expect(store.putIfAbsent('b/key', Buffer.alloc(1))).rejects.toMatchObject(gone);
      await expect(store.removeLeftovers(0)).rejects.toMatchObject(gone);
      await expect(open()).rejects.toMatchObject(gone);
    }));
});
