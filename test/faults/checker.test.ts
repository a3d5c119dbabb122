/** The checker itself: what is broken on purpose is found, or its silence proves nothing. */
import { afterAll, describe, expect, it } from '@jest/globals';

import { createThreadPool } from '../../src/threads/pool.ts';
import { canary, idOf } from './data.ts';
import type { Profile } from './profile.ts';
import { runSeed } from './run.ts';
import { type Stores, StoreServers } from './stores.ts';
import type { Truth } from './truth.ts';
import type { World } from './world.ts';

const pool = createThreadPool(1);
const servers = await StoreServers.start();
afterAll(async () => {
  await pool.close();
  await servers.stop();
});

const calm = (profile: Profile): Profile => ({
  ...profile,
  weather: { ...profile.weather, share: 0, stormShare: 0 },
  strikes: [],
  attemptShare: 0,
  upTypes: ['Patient', 'Observation'],
  flaws: [],
  down: false,
  steps: 30,
  ids: 4,
});

/** What is found after somebody has tampered with a site that had come to rest. */
async function found(tamper: (world: World, truth: Truth) => void | Promise<void>): Promise<readonly string[]> {
  return (await runSeed(7, { pool, change: calm, tamper })).broken;
}

/** A patient that both servers have. */
function anyPatient(world: World, truth: Truth): { id: string; hubId: string } {
  for (let index = 0; index < 4; index += 1) {
    const id = idOf('Patient', index);
    const hubId = truth.targetId('Patient', id);
    if (world.instance.read('Patient', id) !== undefined && world.hub.read('Patient', hubId) !== undefined)
      return { id, hubId };
  }
  throw new Error('no patient is there');
}

describe('the checker', () => {
  it('has nothing to say of a site where nothing went wrong', async () => {
    expect(await found(() => undefined)).toEqual([]);
  });

  it('finds a resource that was lost', async () => {
    const broken = await found((world, truth) => {
      world.hub.delete('Patient', anyPatient(world, truth).hubId);
    });
    expect(broken.join()).toMatch(/lost/);
  });

  it('finds an older state over a newer one', async () => {
    const broken = await found((world, truth) => {
      const { id, hubId } = anyPatient(world, truth);
      const copy = world.hub.read('Patient', hubId)!;
      const [first] = world.instance.store.versions('Patient', id);
      world.instance.put({ ...world.instance.read('Patient', id)!, id, multipleBirthInteger: 9_999 });
      world.hub.put({ ...copy, id: hubId, multipleBirthInteger: 9_999 });
      const { multipleBirthInteger } = JSON.parse(first!.json);
      world.hub.put({ ...copy, id: hubId, multipleBirthInteger });
    });
    expect(broken.join()).toMatch(/older state/);
  });

  it('finds an effect that came twice', async () => {
    const broken = await found((world, truth) => {
      const { hubId } = anyPatient(world, truth);
      for (let turn = 0; turn < 3; turn += 1) world.hub.put({ ...world.hub.read('Patient', hubId)!, id: hubId });
    });
    expect(broken.join()).toMatch(/written again/);
  });

  it('finds what is not gone', async () => {
    const broken = await found((world, truth) => {
      world.instance.delete('Patient', anyPatient(world, truth).id);
    });
    expect(broken.join()).toMatch(/still in the target/);
  });

  it('finds a parked resource that waits for nothing', async () => {
    const broken = await found(async (world, truth) => {
      const { parts } = await world.running();
      const { id, hubId } = anyPatient(world, truth);
      const { digest } = truth.statesOf(world.instance, 'Patient', id).at(-1)!;
      const row = {
        direction: 'up',
        key: `Patient/${hubId}`,
        type: 'Patient',
        digest,
        batch: 'b',
        bytes: 1,
        since_ms: 1,
      };
      await parts.db
        .insertInto('parked')
        .values({ ...row, direction: 'up', content: Buffer.from('x') })
        .execute();
    });
    expect(broken.join()).toMatch(/nothing it waits for is missing/);
  });

  it('finds a cursor that went back', async () => {
    const broken = await found((world) => {
      const cursor = world.hub.read('ChangesInfo', 'north.up.Patient')!;
      world.hub.put({ ...cursor, id: 'north.up.Patient', sequence: 1, batch: 'another' });
    });
    expect(broken.join()).toMatch(/north.up.Patient: /);
  });

  it.each([
    ['the hub', (world: World) => void world.hub.put({ resourceType: 'Basic', id: 'x', code: { text: canary } })],
    ['the log', (world: World) => void world.logged.push(`{"x":"${canary}"}`)],
    [
      "the site's state",
      async (world: World): Promise<void> => {
        const { parts } = await world.running();
        await parts.db.insertInto('meta').values({ name: 'x', value: canary }).execute();
      },
    ],
  ])('finds the canary in %s', async (_where, tamper) => {
    expect((await found(tamper)).join()).toMatch(/canary/);
  });
});

(servers.areComplete ? describe : describe.skip)('the checker of a site with a database and a bucket', () => {
  async function foundThere(tamper: (world: World) => void | Promise<void>): Promise<readonly string[]> {
    const changeStores = (stores: Stores): Stores => ({ ...stores, strikes: [], mishaps: [] });
    return (await runSeed(7, { pool, servers, kind: 'postgres', change: calm, changeStores, tamper })).broken;
  }

  it('has nothing to say where nothing went wrong', async () => {
    expect(await foundThere(() => undefined)).toEqual([]);
  });

  it.each([
    ['in clear', { name: 'x', value: canary }],
    ['in its bytes', { name: 'x', value: Buffer.from(canary).toString('hex') }],
  ])("finds the canary in the site's tables, %s", async (_how, row) => {
    const broken = await foundThere(async (world) => {
      const { parts } = await world.running();
      await parts.db.insertInto('meta').values(row).execute();
    });
    expect(broken.join()).toMatch(/canary is in a table/);
  });

  it('finds the canary on its way to the bucket', async () => {
    const broken = await foundThere(async (world) => {
      const { endpoint, bucket } = world.bucket!;
      await fetch(`${endpoint ?? ''}/${bucket}/x`, { method: 'PUT', body: canary });
    });
    expect(broken.join()).toMatch(/canary was seen in a PUT to the staging/);
  });

  it('finds a resource that was lost', async () => {
    const broken = await foundThere((world) => {
      for (const { id } of world.hub.list('Patient')) world.hub.delete('Patient', id ?? '');
    });
    expect(broken.join()).toMatch(/lost/);
  });
});
