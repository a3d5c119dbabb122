/** The main job on a real Temporal dev server, with workers as a site runs them. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';

import { taskQueueOf } from '../../src/config/config.ts';
import type { JsonObject } from '../../src/fhir/resource.ts';
import { temporalClient } from '../../src/temporal/connect.ts';
import type { Child } from '../support/e2e-children.ts';
import { differences, hubId, hubVersions } from '../support/e2e-check.ts';
import {
  condition,
  encounter,
  observation,
  organization,
  patient,
  population,
  range,
  removedMembers,
  stricterPolicy,
  testPolicy,
} from '../support/e2e-data.ts';
import { type E2eSite, E2eWorld, eventually, syncUntilSettled, untilSettled } from '../support/e2e-world.ts';

jest.setTimeout(150_000);

let world: E2eWorld;

beforeAll(async () => {
  world = await E2eWorld.start();
  world.hub.load(range(3).map(organization));
}, 180_000); // the first run on a machine downloads the server

afterAll(async () => {
  await world?.stop();
}, 30_000);

const upTypes = ['Patient', 'Encounter', 'Condition'];

async function ended(worker: Child): Promise<void> {
  worker.kill('SIGTERM');
  expect(await worker.ended).toEqual({ code: 0, signal: null });
}

const cursorOf = (site: E2eSite, type: string): JsonObject | undefined =>
  world.hub.read('ChangesInfo', `${site.instance}.up.${type}`);

/** A run says that it is denied before it has ended, and why when it has. */
const deniedFor = (site: E2eSite, reason: string): Promise<true> =>
  eventually(`denied: ${reason}`, async () => {
    const [status] = await untilSettled(site, ['Patient']);
    return status?.state === 'denied' && status.reason === reason;
  });

const statesOf = (statuses: { type: string; state: string }[]): string[] => [
  ...new Set(statuses.map(({ state }) => state)),
];

describe('two instances and a hub', () => {
  let north: E2eSite;
  let south: E2eSite;
  let northWorker: Child;

  beforeAll(async () => {
    north = await world.addSite({ instance: 'north', upTypes, downTypes: ['Organization'], policy: testPolicy });
    south = await world.addSite({ instance: 'south', upTypes, downTypes: ['Organization'], policy: testPolicy });
    // The same ids at both, of other people.
    north.source.load(population(12));
    south.source.load(population(9).map((resource) => ({ ...resource, language: 'de' })));
    northWorker = world.startWorker(north);
    world.startWorker(south);
  });

  it('load first, cycles and reference data with them, and do not mix', async () => {
    // As the service does it: a tick of the Schedule starts what is due.
    await north.client.registerSchedules();
    await south.client.registerSchedules();
    await north.client.triggerSchedules();
    await south.client.triggerSchedules();
    for (const site of [north, south]) {
      await eventually('the tick', () => cursorOf(site, 'Patient') !== undefined);
      expect(statesOf(await syncUntilSettled(site))).toEqual(['current']);
      expect(differences(world, site, { writtenOnce: true })).toEqual([]);
    }
    expect(world.hub.list('Patient')).toHaveLength(12 + 9);
    expect(hubId(north, 'Patient', 'pat-1')).not.toBe(hubId(south, 'Patient', 'pat-1'));
    expect(north.source.list('Organization')).toHaveLength(3);
  });

  it('bring what is created, updated and deleted, and nothing else', async () => {
    const before = hubVersions(world, north);
    const southBefore = hubVersions(world, south);
    north.source.put(patient(13));
    north.source.put(encounter(13));
    north.source.put(condition(13));
    north.source.put(patient(2, { gender: 'other' }));
    // A change that de-identification takes away tells the hub nothing.
    north.source.put(patient(3, { telecom: [{ system: 'phone', value: '555-9999' }] }));
    // Deleted from the referring end, as a server with integrity demands.
    north.source.delete('Encounter', 'enc-4');
    north.source.delete('Condition', 'con-4');
    north.source.delete('Patient', 'pat-4');
    world.hub.put({ ...organization(1), id: 'org-4' });
    world.hub.delete('Organization', 'org-3');
    await north.client.triggerSchedules();
    await eventually('the changes', () => world.hub.read('Patient', hubId(north, 'Patient', 'pat-13')) !== undefined);
    expect(statesOf(await syncUntilSettled(north))).toEqual(['current']);
    expect(differences(world, north)).toEqual([]);
    // Three created, one updated, three deleted.
    expect(hubVersions(world, north) - before).toBe(7);
    expect(hubVersions(world, south)).toBe(southBefore);
    expect(world.hub.read('Patient', hubId(north, 'Patient', 'pat-4'))).toBeUndefined();
    // The other site's bearer of the same id is still there.
    expect(world.hub.read('Patient', hubId(south, 'Patient', 'pat-4'))).toBeDefined();
  });

  it('deliver what commits late', async () => {
    const late = north.source.beginTransaction();
    late.put(patient(20));
    const lateDelete = north.source.beginTransaction();
    lateDelete.delete('Condition', 'con-5');
    lateDelete.delete('Encounter', 'enc-5');
    north.source.put(patient(21));
    north.source.put(condition(1));
    north.source.put(encounter(1));
    expect(statesOf(await syncUntilSettled(north))).toEqual(['current']);
    const cursor = north.source.store.head('Patient');
    expect(cursorOf(north, 'Patient')?.version).toBe(cursor);
    late.commit();
    lateDelete.commit();
    // Nothing newer comes: a tick after the settling time has to find them.
    expect(north.source.store.head('Patient')).toBe(cursor);
    await eventually('the late commits', async () => {
      await north.client.triggerSchedules();
      await sleep(400);
      return (
        world.hub.read('Patient', hubId(north, 'Patient', 'pat-20')) !== undefined &&
        world.hub.read('Condition', hubId(north, 'Condition', 'con-5')) === undefined
      );
    });
    await syncUntilSettled(north);
    expect(differences(world, north)).toEqual([]);
  });

  it('write nothing while denied, and go on when enabled again', async () => {
    world.register(north, { enabled: false });
    const before = hubVersions(world, north);
    const cursor = JSON.stringify(cursorOf(north, 'Patient'));
    north.source.put(patient(6, { gender: 'unknown' }));
    north.source.delete('Patient', 'pat-21');
    await north.client.sync(['Patient']);
    await deniedFor(north, 'disabled');
    // A tick asks again, and hears no again.
    const asked = world.hub.counters.total;
    await north.client.triggerSchedules();
    await eventually('the question', () => world.hub.counters.total > asked);
    // The states that ended the wait, though the tick may open the stream once more right after them.
    expect((await untilSettled(north, ['Patient'])).map(({ state }) => state)).toEqual(['denied']);
    expect(hubVersions(world, north)).toBe(before);
    expect(JSON.stringify(cursorOf(north, 'Patient'))).toBe(cursor);
    world.register(north);
    await eventually('a tick that goes on', async () => {
      await north.client.triggerSchedules();
      await sleep(400);
      return world.hub.read('Patient', hubId(north, 'Patient', 'pat-6'))?.gender === 'unknown';
    });
    expect(statesOf(await syncUntilSettled(north))).toEqual(['current']);
    expect(differences(world, north)).toEqual([]);
    expect(hubVersions(world, north) - before).toBe(2);
  });

  it('write everything again, in a new epoch, after a resync', async () => {
    const before = hubVersions(world, north);
    const live = upTypes.reduce((sum, type) => sum + north.source.store.count(type), 0);
    await north.client.resync(upTypes);
    await eventually('the new epoch', () => cursorOf(north, 'Condition')?.epoch === 2);
    expect(statesOf(await untilSettled(north))).toEqual(['current']);
    expect(differences(world, north)).toEqual([]);
    expect(hubVersions(world, north) - before).toBe(live);
    expect(upTypes.map((type) => cursorOf(north, type)?.epoch)).toEqual([2, 2, 2]);
  });

  it('stop where the policy has changed, until it is approved and all is written anew', async () => {
    await ended(northWorker);
    const stricter = await world.withPolicy(north, stricterPolicy);
    expect(stricter.policyDigest).not.toBe(north.policyDigest);
    north.source.put(patient(7, { gender: 'other' }));
    const before = hubVersions(world, north);
    const worker = world.startWorker(stricter);
    const blocked = await syncUntilSettled(stricter, ['Patient']);
    expect(blocked).toEqual([
      expect.objectContaining({ state: 'blocked', need: expect.objectContaining({ code: 'policy-changed' }) }),
    ]);
    // A resync is no approval: the hub has to know the new digest.
    expect(await stricter.client.resync(['Patient'], { patienceMs: 60_000 })).toMatchObject([
      { answer: { refused: ['policy-not-approved'] } },
    ]);
    expect(hubVersions(world, north)).toBe(before);
    world.register(stricter);
    await stricter.client.resync(upTypes);
    const removed = { ...removedMembers, Patient: [...(removedMembers.Patient ?? []), 'gender'] };
    await eventually('the new epoch', () => cursorOf(north, 'Condition')?.epoch === 3);
    expect(statesOf(await untilSettled(stricter))).toEqual(['current']);
    expect(differences(world, stricter, { removed })).toEqual([]);
    expect(world.hub.list('Patient').filter(({ gender }) => gender !== undefined)).toHaveLength(
      south.source.store.count('Patient'),
    );
    await ended(worker);
    // All the while the other instance was nobody's business.
    await syncUntilSettled(south);
    expect(differences(world, south)).toEqual([]);
  });
});

describe('the log of a worker', () => {
  it('is the event catalogue and nothing else, also where the SDK has something to say', async () => {
    const site = await world.addSite({ instance: 'talks', upTypes: ['Patient'], policy: testPolicy });
    const worker = world.startWorker(site);
    const connection = await Connection.connect({ address: world.address });
    try {
      // The SDK warns of what it cannot run, and quotes it.
      const client = temporalClient(site.config, connection);
      const workflow = { taskQueue: taskQueueOf('talks'), workflowId: 'unheard-of' };
      await client.workflow.start('unheardOf', workflow);
      await eventually('a warning', () => worker.log().includes('temporal-sdk'));
      await client.workflow.getHandle('unheard-of').terminate();
    } finally {
      await connection.close();
    }
    await ended(worker);
    const lines = worker.log().trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('{"level":'))).toEqual([]);
    expect(worker.log()).not.toMatch(/unheard-?of/i);
  });
});

describe('a larger load', () => {
  let site: E2eSite;
  let worker: Child;
  const count = 600;

  beforeAll(async () => {
    site = await world.addSite({
      instance: 'large',
      upTypes: ['Patient', 'Observation'],
      downTypes: ['Organization'],
      policy: testPolicy,
      limits: { batchRowsMax: 50, pageRowsMax: 50, bundleEntriesMax: 20 },
    });
    site.source.load([patient(1), ...range(count).map((n) => observation(n, 1))]);
    worker = world.startWorker(site);
  });

  it('stands still while paused, also across workers, and ends when resumed', async () => {
    await site.client.sync();
    const committed = (): number => hubVersions(world, site) - 1;
    await eventually('a part of the load', () => committed() > 0);
    await site.client.pause(['Observation']);
    const [paused] = await untilSettled(site, ['Observation']);
    expect(paused).toMatchObject({ state: 'paused', paused: true });
    const before = committed();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count);
    site.source.put(observation(count + 1, 1));
    // Neither a tick, nor a command, nor another worker ends a pause.
    await site.client.sync();
    await ended(worker);
    worker = world.startWorker(site);
    const [still] = await untilSettled(site, ['Observation']);
    expect(still).toMatchObject({ state: 'paused', paused: true });
    await sleep(1_500);
    expect(committed()).toBe(before);
    await site.client.resume(['Observation']);
    expect(statesOf(await untilSettled(site))).toEqual(['current']);
    expect(differences(world, site, { writtenOnce: true })).toEqual([]);
    expect(committed()).toBe(count + 1);
  });

  it('lets a worker go that is told to stop in the middle of a batch, and the next one finishes', async () => {
    site.source.load(range(100).map((n) => observation(n, 1, { status: 'amended' })));
    // The target takes this transaction and never answers: the batch has to be given back.
    world.hub.faults.push({
      match: { method: 'POST', bodyIncludes: '"status":"amended"' },
      action: { kind: 'hang', applied: true },
    });
    const hits = world.hub.faults.hitCount;
    await site.client.sync(['Observation']);
    await eventually('the middle of a batch', () => world.hub.faults.hitCount > hits);
    await ended(worker);
    world.hub.faults.clear();
    const next = world.startWorker(site);
    expect(statesOf(await untilSettled(site))).toEqual(['current']);
    expect(differences(world, site)).toEqual([]);
    // Twice for the amended ones, and once more for nobody.
    expect(hubVersions(world, site)).toBe(1 + count + 1 + 100);
    await ended(next);
  });
});
