/**
 * What an operator does with the `sluice` command, on a real Temporal dev server and with a real worker: quarantine,
 * reconciliation, leaving and coming back; with the mistakes of somebody who is new to it. The tests follow each other.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import type { Resource } from '../../src/fhir/resource.ts';
import { type Ended, sluice as command } from '../client/command.ts';
import type { Child } from '../support/e2e-children.ts';
import { differences, hubId } from '../support/e2e-check.ts';
import { organization, patient, population, range, testPolicy } from '../support/e2e-data.ts';
import { type E2eSite, E2eWorld, eventually } from '../support/e2e-world.ts';

jest.setTimeout(120_000);

let world: E2eWorld;
let site: E2eSite;
let worker: Child;

const sluice = (...args: string[]): Promise<Ended> => command(...args, '--config', site.configFile);
const leave = (...args: string[]): Promise<Ended> => sluice('leave', '--confirm', 'north', ...args);

const others = { ...patient(1), id: 'of-the-hub' };
const upTypes = ['Patient', 'Encounter', 'Condition'];

beforeAll(async () => {
  world = await E2eWorld.start();
  world.hub.load(range(2).map(organization));
  world.hub.put(others);
  site = await world.addSite({ instance: 'north', upTypes, downTypes: ['Organization'], policy: testPolicy });
  site.source.load(population(5));
  worker = world.startWorker(site);
  await sluice('schedule');
  expect(await sluice('sync', '--wait')).toMatchObject({ code: 0, err: '' });
}, 180_000);

afterAll(async () => {
  await world?.stop();
}, 30_000);

const keyOf = (id: string): string => `Patient/${hubId(site, 'Patient', id)}`;
const inHub = (id: string): Resource | undefined => world.hub.read('Patient', hubId(site, 'Patient', id));

describe('quarantine', () => {
  it('lists what the hub refuses, shows it at the site, and has it tried again and given up', async () => {
    for (const n of [6, 7, 8]) site.source.put(patient(n));
    for (const id of ['pat-6', 'pat-7'])
      world.hub.faults.push({
        match: { bodyIncludes: `"url":"${keyOf(id)}"` },
        times: 1_000,
        action: { kind: 'answer', status: 422, body: '{}' },
      });
    expect(await sluice('sync', 'Patient', '--wait')).toMatchObject({ code: 1 });
    const listed = await sluice('quarantine', 'list', '--json');
    expect(JSON.parse(listed.out)).toMatchObject(
      [keyOf('pat-6'), keyOf('pat-7')].sort().map((key) => ({ key, reason: 'target-refused', status: 422 })),
    );
    const shown = await sluice('quarantine', 'show', keyOf('pat-6'), '--force');
    expect(JSON.parse(shown.out)).toMatchObject({ resourceType: 'Patient', gender: 'female' });

    // Tried again before the cause is mended, and after.
    expect(await sluice('quarantine', 'retry', keyOf('pat-6'))).toMatchObject({ code: 0 });
    await eventually('another attempt', async () => {
      const { out } = await sluice('quarantine', 'list', '--json');
      return (JSON.parse(out) as { attempts: number }[]).some(({ attempts }) => attempts === 2);
    });
    world.hub.faults.clear();
    expect(await sluice('quarantine', 'retry', keyOf('pat-6'))).toMatchObject({ code: 0 });
    await eventually('it is in the hub', () => inHub('pat-6') !== undefined);

    const discard = ['quarantine', 'discard', keyOf('pat-7'), '--reason', 'test-data', '--ticket', 'OPS-7'];
    expect(await sluice(...discard)).toMatchObject({ code: 0, out: 'discarded: 1 Patient\n' });
    expect(await sluice(...discard)).toMatchObject({ code: 1, err: '1 of the keys: not in quarantine\n' });
    expect(await sluice('quarantine', 'list')).toMatchObject({ code: 0, out: 'nothing is in quarantine\n' });
    expect((await sluice('quarantine', 'list', '--discarded')).out).toContain('OPS-7');
    expect(await sluice('quarantine', 'show', keyOf('pat-7'), '--force')).toMatchObject({
      code: 1,
      out: '',
      err: 'it was given up, and its content deleted; look for it at the source\n',
    });
  });
});

describe('reconciliation', () => {
  it('finds what no feed shows, mends it, tells of edited copies, and leaves alone what was given up', async () => {
    expect(await sluice('reconcile', '--wait')).toMatchObject({ code: 0 });
    world.hub.put({ ...(inHub('pat-2') as Resource & { id: string }), gender: 'unknown' });
    site.source.purge('Patient', 'pat-6');
    const found = await sluice('reconcile', 'Patient', '--wait');
    expect(found).toMatchObject({ code: 1, err: '' });
    expect(found.out).toMatch(/^up +Patient +7 +7 +7 +0 +1 purged, 1 edited-in-target$/m);
    expect((await sluice('status')).out).toContain('`sluice reconcile Patient --repair` mends them.');
    expect(await sluice('reconcile', 'Patient', '--repair', '--wait')).toMatchObject({ code: 0 });
    expect(inHub('pat-2')).toMatchObject({ gender: 'female' });
    expect([inHub('pat-6'), inHub('pat-7')]).toEqual([undefined, undefined]);
    expect(await sluice('reconcile', '--wait')).toMatchObject({ code: 0 });
    expect((await sluice('reconcile', '--conflicts')).out).toContain(keyOf('pat-2'));
  });
});

describe('leaving and coming back', () => {
  it('waits for a hub that denies it, survives its worker, and deletes all of the instance and nothing else', async () => {
    expect(await sluice('leave', '--data', 'delete', '--confirm', 'nord')).toMatchObject({ code: 2 });
    world.register(site, { enabled: false });
    const denied = await leave('--data', 'delete');
    expect(denied.code).toBe(1);
    expect(denied.out).toContain('The hub does not allow the deletes (disabled)');
    expect((await sluice('status')).out).toMatch(/is leaving the hub, data delete: deleting/);
    expect(await sluice('join')).toMatchObject({ code: 2, err: 'north is leaving: wait for the end\n' });

    worker.kill('SIGKILL');
    await worker.ended;
    world.register(site);
    worker = world.startWorker(site);
    const left = await leave('--data', 'delete');
    expect(left).toMatchObject({ code: 0, out: expect.stringMatching(/^deleted: .*5 Encounter/m) });
    expect(left.out).toMatch(/^ {2}pseudonym \(v1\): Destroy it/m);
    // Twice is as good as once.
    expect(await leave('--data', 'delete')).toMatchObject({ code: 0, out: expect.stringContaining('5 Encounter') });
    expect(upTypes.flatMap((type) => world.hub.list(type)).map(({ id }) => id)).toEqual([others.id]);
    expect(await site.client.removeSchedules()).toEqual([]);
    expect((await sluice('sync', '--wait')).out).toContain('To come back: sluice join.');
  });

  it('comes back with everything, under the same ids', async () => {
    expect(await sluice('join')).toMatchObject({ code: 0, out: expect.stringMatching(/^4 streams begin anew/) });
    expect(await sluice('join')).toMatchObject({ code: 0, out: 'the instance had not left: nothing to do\n' });
    expect(await sluice('sync', '--wait')).toMatchObject({ code: 0 });
    // What was given up as well: a resync asks for everything.
    expect(differences(world, site)).toEqual([]);
  });
});
