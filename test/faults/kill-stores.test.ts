/**
 * SIGKILL to what two workers of a site share, in the middle of one sync: to PostgreSQL with all its processes, to the server
 * of the bucket, which loses what it held, and to one of the workers. The sync goes on, and what is there in the end is there once.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { openDatabase } from '../../src/state/database.ts';
import type { PostgresPlace } from '../../src/state/postgres.ts';
import { keysIn } from '../staging/bucket.ts';
import type { Child } from '../support/e2e-children.ts';
import { differences } from '../support/e2e-check.ts';
import { note, range, testPolicy } from '../support/e2e-data.ts';
import { type E2eSite, E2eWorld, eventually, untilSettled } from '../support/e2e-world.ts';
import { startPostgres } from '../support/postgres.ts';
import { credentials, region, startS3 } from '../support/s3.ts';

jest.setTimeout(240_000);

const types = ['Observation', 'Procedure'];
const resources = types.flatMap((type) => range(200).map((n) => note(type, n)));
const bucket = 'staging-of-killed';

const postgres = await startPostgres({ durable: true });
const s3 = await startS3();

let world: E2eWorld;
let site: E2eSite;
let place: PostgresPlace;
let workers: Child[];

async function secretFile(name: string, text: string): Promise<{ file: string }> {
  const file = join(world.folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return { file };
}

beforeAll(async () => {
  if (postgres === undefined || s3 === undefined) return;
  world = await E2eWorld.start();
  place = postgres.place();
  await s3.makeBucket(bucket);
  const { url, schema } = place;
  const keyId = await secretFile('s3.id', credentials.accessKeyId);
  const secretAccessKey = await secretFile('s3.secret', credentials.secretAccessKey);
  const where = { endpoint: s3.endpoint, region, bucket, forcePathStyle: true };
  site = await world.addSite({
    instance: 'shared',
    upTypes: types,
    policy: testPolicy,
    limits: { batchRowsMax: 20, pageRowsMax: 20, requestTimeoutSeconds: 5 },
    stores: {
      staging: { s3: { ...where, accessKeyId: keyId, secretAccessKey } },
      state: { postgres: { url, schema, password: await secretFile('db.password', place.password) } },
    },
  });
  // Slow enough that there is a middle.
  world.hub.faults.push({ match: { method: 'POST' }, times: Infinity, action: { kind: 'delay', delayMs: 60 } });
  site.source.load(resources);
  workers = [world.startWorker(site), world.startWorker(site)];
}, 120_000);

afterAll(async () => {
  await world?.stop();
  await Promise.all([postgres?.stop(), s3?.stop()]);
}, 60_000);

const arrived = (): number => types.reduce((sum, type) => sum + world.hub.store.count(type), 0);

/** Until more has arrived; the site is asked on, since a stream that waits for an operator looks by itself only later. */
async function untilArrived(count: number): Promise<void> {
  await eventually(
    `${String(count)} resources`,
    async () => {
      if (arrived() < count) await site.client.retry();
      return arrived() >= count;
    },
    90,
  );
}

const withStores = postgres === undefined || s3 === undefined ? describe.skip : describe;

withStores('what the workers of a site share is killed and comes back', () => {
  it('and the sync goes on where it was, with one worker less', async () => {
    await site.client.sync();
    await untilArrived(40);
    await postgres!.crash();
    await postgres!.restart();

    await untilArrived(120);
    await s3!.crash();
    await s3!.restart();
    await s3!.makeBucket(bucket);

    await untilArrived(200);
    expect(arrived()).toBeLessThan(resources.length);
    workers[0]!.kill('SIGKILL');
    expect(await workers[0]!.ended).toEqual({ code: null, signal: 'SIGKILL' });

    await untilArrived(resources.length);
    const statuses = await untilSettled(site, [], 150);
    expect(statuses.map(({ state }) => state)).toEqual(['current', 'current']);
    expect(differences(world, site, { writtenOnce: true, stores: 'elsewhere' })).toEqual([]);
    const db = await openDatabase(place);
    try {
      for (const table of ['parked', 'quarantine'] as const)
        expect([table, await db.selectFrom(table).select('key').execute()]).toEqual([table, []]);
      expect(await db.selectFrom('streams').select('type').where('open_commit', '!=', '').execute()).toEqual([]);
    } finally {
      await db.destroy();
    }
    // What the killed one had staged is swept when it is old.
    expect((await keysIn(s3!, bucket)).length).toBeLessThan(10);
  });
});
