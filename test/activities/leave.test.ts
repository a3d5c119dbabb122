/** Leaving the hub: what happens to the data there, to the site's state, and to whoever comes too late. */
import { readdir, readFile } from 'node:fs/promises';

import { describe, expect, it } from '@jest/globals';

import type { Parts } from '../../src/activities/parts.ts';
import type { LeavePorts } from '../../src/activities/leave/ports.ts';
import type { Batch, LeaveChoice, LeaveRecord, StreamKey } from '../../src/activities/contract.ts';
import { createActivities } from '../../src/activities/index.ts';
import { currentDeparture } from '../../src/state/departures.ts';
import { putInQuarantine } from '../../src/state/quarantine.ts';
import { gateOf } from '../support/held.ts';
import { interrupted, stopAt } from '../support/interrupted.ts';
import { down, inActivity, patient, type Site, up, withSite } from '../support/site.ts';

const streams = ['up Patient', 'up Encounter', 'up Condition', 'down Organization'];
const origin = (code: string): object => ({ tag: [{ system: 'urn:fhir-sluice:origin', code }] });

const encounter = (id: string, more: object = {}): { resourceType: string; id: string } => ({
  ...{ resourceType: 'Encounter', id, status: 'finished', class: { code: 'AMB' } },
  ...{ subject: { reference: `Patient/${id}` } },
  ...more,
});
const condition = (id: string): { resourceType: string; id: string } => ({
  ...{ resourceType: 'Condition', id, subject: { reference: `Patient/${id}` } },
  ...{ encounter: { reference: `Encounter/${id}` } },
});

/** Two patients, each with an encounter and a condition; the condition and its encounter refer to each other. */
async function filled(site: Site, circles = true): Promise<void> {
  for (const id of ['a', 'b']) {
    site.instance.put(patient(id));
    site.instance.put(encounter(id));
    site.instance.put(condition(id));
  }
  await driveAll(site);
  if (!circles) return;
  for (const id of ['a', 'b'])
    site.instance.put(encounter(id, { diagnosis: [{ condition: { reference: `Condition/${id}` } }] }));
  site.settle();
  await driveAll(site);
}

async function driveAll(site: Site): Promise<void> {
  for (const { direction, type } of site.parts.streams) await site.drive({ direction, type });
}

const begin = (site: Site, data: LeaveChoice = 'delete') =>
  inActivity(() => site.activities.beginLeave({ run: 'run', data }));
const stop = (site: Site, stream: StreamKey, more: object = {}) =>
  inActivity(() => site.activities.stopStream({ stream, ...more }));
const leaving = (site: Site, types: readonly string[], again = true) =>
  inActivity(() => site.activities.leavingBatch({ stream: up(types[0] ?? ''), types, again }));
const forget = (site: Site) => inActivity(() => site.activities.forgetLive());
const finish = (site: Site, data: LeaveChoice) => inActivity(() => site.activities.finishLeave({ data, unnoted: [] }));

async function stopAll(site: Site, data: LeaveChoice = 'delete'): Promise<readonly StreamKey[]> {
  const begun = await begin(site, data);
  for (const stream of begun.streams) await stop(site, stream);
  await forget(site);
  return begun.streams;
}

/** Deletes types as a pass of the workflow does. Returns how many the hub keeps. */
async function drain(site: Site, types: readonly string[]): Promise<number> {
  for (let again = true; ; again = false) {
    const found = await leaving(site, types, again);
    if (found.kind === 'done') return found.held;
    await carryOut(site, found.batch);
  }
}

async function carryOut(site: Site, batch: Batch): Promise<void> {
  const asked = await site.authorize(batch.stream, batch);
  if (!asked.allowed) throw new Error(asked.reason);
  await site.commit(batch);
}

async function endAll(site: Site, of: readonly StreamKey[], data: LeaveChoice): Promise<LeaveRecord> {
  await forget(site);
  for (const stream of of) await inActivity(() => site.activities.noteLeft({ stream, data }));
  return finish(site, data);
}

const inHub = (site: Site): string[] =>
  ['Patient', 'Encounter', 'Condition'].flatMap((type) => site.hub.list(type).map(({ id }) => `${type}/${id ?? ''}`));

describe('leaving with the data deleted', () => {
  it('deletes all of this instance, and nothing of others', async () => {
    await withSite({ streams }, async (site) => {
      await filled(site);
      site.hub.put({ ...patient('of-south'), meta: origin('south') } as never);
      site.hub.put(patient('of-the-hub'));
      const of = await stopAll(site);
      expect(of.map(({ type }) => type)).toEqual(['Condition', 'Encounter', 'Patient', 'Organization']);
      for (const type of ['Condition', 'Encounter', 'Patient']) expect(await drain(site, [type])).toBe(0);
      expect(inHub(site)).toEqual(['Patient/of-south', 'Patient/of-the-hub']);
      const record = await endAll(site, of, 'delete');
      expect(record).toMatchObject({
        ...{ instance: 'north', data: 'delete', deleted: { Patient: 2, Encounter: 2, Condition: 2 } },
        keys: { staging: [1], pseudonym: [1], payload: [1] },
      });
      expect(site.cursor(up('Patient'))).toMatchObject({ kind: 'cursor', leftData: 'delete' });
      expect(site.logged.some((line) => line.includes('"event":"instance-left"'))).toBe(true);
    });
  });

  it('finds what the ledger has lost, and what the ledger has as deleted', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id));
      await driveAll(site);
      const id = site.pseudonym('Patient', 'a');
      await site.parts.db.deleteFrom('ledger').where('key', '=', `Patient/${id}`).execute();
      await stopAll(site);
      await drain(site, ['Patient']);
      site.hub.put({ ...patient(id), meta: origin('north') } as never);
      await drain(site, ['Patient']);
      expect(site.hub.list('Patient')).toEqual([]);
    });
  });

  it('deletes what was brought by a stream that the configuration has no more, and begins it anew on coming back', async () => {
    await withSite({ streams, limits: { leftoversShareMax: 1 } }, async (site) => {
      await filled(site, false);
      const before = inHub(site).sort();
      await site.restart({ streams: ['up Patient', 'down Organization'] });
      const of = await stopAll(site);
      expect(of.map(({ type }) => type)).toEqual(['Condition', 'Encounter', 'Patient', 'Organization']);
      for (const type of ['Condition', 'Encounter', 'Patient']) expect(await drain(site, [type])).toBe(0);
      expect(inHub(site)).toEqual([]);
      expect(await endAll(site, of, 'delete')).toMatchObject({ deleted: { Patient: 2, Encounter: 2, Condition: 2 } });
      expect(await inActivity(() => site.activities.rejoin())).toEqual({ streams: 2 });
      await driveAll(site);
      await site.restart({ streams });
      await driveAll(site);
      expect(inHub(site).sort()).toEqual(before);
    });
  });

  it('deletes what is more than a batch, and asks nobody for a yes: it was confirmed', async () => {
    const limits = { batchRowsMax: 3, pageRowsMax: 2, quarantineCountMin: 1, leftoversShareMax: 0 };
    await withSite({ streams: ['up Patient'], limits }, async (site) => {
      for (let n = 0; n < 10; n++) site.instance.put(patient(`p${String(n)}`));
      await driveAll(site);
      await stopAll(site);
      expect(await drain(site, ['Patient'])).toBe(0);
      expect(site.hub.list('Patient')).toEqual([]);
    });
  });

  it('takes resources that refer to each other in circles out of a hub that keeps what is referred to', async () => {
    await withSite({ streams, hub: { deleteIntegrity: true } }, async (site) => {
      await filled(site);
      const of = await stopAll(site);
      expect(await drain(site, ['Condition'])).toBe(2);
      expect(await drain(site, ['Encounter'])).toBe(2);
      expect(await drain(site, ['Condition', 'Encounter', 'Patient'])).toBe(0);
      expect(inHub(site)).toEqual([]);
      const { deleted } = await endAll(site, of, 'delete');
      expect(deleted).toEqual({ Patient: 2, Encounter: 2, Condition: 2 });
    });
  });

  it('says how many the hub keeps where something of others refers to them', async () => {
    await withSite({ streams, hub: { deleteIntegrity: true } }, async (site) => {
      await filled(site, false);
      const id = site.pseudonym('Patient', 'a');
      site.hub.put({ resourceType: 'List', id: 'study', entry: [{ item: { reference: `Patient/${id}` } }] });
      await stopAll(site);
      await drain(site, ['Condition']);
      await drain(site, ['Encounter']);
      expect(await drain(site, ['Patient'])).toBe(1);
      site.hub.delete('List', 'study');
      expect(await drain(site, ['Patient'])).toBe(0);
      expect(inHub(site)).toEqual([]);
    });
  });

  it('does nothing where the hub does not allow it, and goes on when it does', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      await driveAll(site);
      await stopAll(site);
      site.register({ enabled: false });
      await expect(drain(site, ['Patient'])).rejects.toThrow('disabled');
      expect(site.hub.list('Patient')).toHaveLength(1);
      site.register();
      expect(await drain(site, ['Patient'])).toBe(0);
    });
  });

  it.each(['beginLeave', 'stopStream', 'staged', 'committed', 'cleared'])(
    'goes on after a restart behind %s',
    async (where) => {
      await withSite({ streams: ['up Patient'] }, async (site) => {
        for (const id of ['a', 'b']) site.instance.put(patient(id));
        await driveAll(site);
        const at = async (place: string): Promise<void> => (place === where ? site.restart() : undefined);
        await begin(site);
        await at('beginLeave');
        await stop(site, up('Patient'));
        await at('stopStream');
        await stop(site, up('Patient'));
        await forget(site);
        const found = await leaving(site, ['Patient']);
        await at('staged');
        if (found.kind === 'batch') await carryOut(site, found.batch);
        await at('committed');
        expect(await drain(site, ['Patient'])).toBe(0);
        await forget(site);
        await at('cleared');
        expect(await endAll(site, [up('Patient')], 'delete')).toMatchObject({ deleted: { Patient: 2 } });
        expect(site.hub.list('Patient')).toEqual([]);
      });
    },
  );

  it('notes a commit whose answer was lost once', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id));
      await driveAll(site);
      await stopAll(site);
      const match = { method: 'POST', bodyIncludes: '"method":"DELETE","url":"Patient/' };
      site.hub.faults.push({ match, times: 1, action: { kind: 'drop' } });
      const found = await leaving(site, ['Patient']);
      if (found.kind !== 'batch') throw new Error(found.kind);
      await expect(carryOut(site, found.batch)).rejects.toMatchObject({ type: 'target-unreachable' });
      expect(site.hub.list('Patient')).toEqual([]);
      expect(await drain(site, ['Patient'])).toBe(0);
      expect(await endAll(site, [up('Patient')], 'delete')).toMatchObject({ deleted: { Patient: 2 } });
    });
  });
});

describe('leaving with the data kept', () => {
  it('touches nothing in the hub but the cursors, nor what came down', async () => {
    await withSite({ streams }, async (site) => {
      site.hub.put({ resourceType: 'Organization', id: 'o' });
      await filled(site);
      const before = inHub(site);
      const versions = site.versionsInHub('Patient', 'a');
      const of = await stopAll(site, 'keep');
      expect(await leaving(site, ['Patient']).catch((error: unknown) => (error as { type?: string }).type)).toBe(
        'lost-race',
      );
      const record = await endAll(site, of, 'keep');
      expect(record).toMatchObject({ data: 'keep', deleted: {} });
      // An attempt whose answer was lost is made again.
      expect(await finish(site, 'keep')).toEqual(record);
      expect(inHub(site)).toEqual(before);
      expect(site.versionsInHub('Patient', 'a')).toBe(versions);
      expect(site.instance.read('Organization', 'o')).toBeDefined();
      expect(site.cursor(up('Patient'))).toMatchObject({ leftData: 'keep', left: '2026-01-05T08:00:11.000Z' });
      expect(site.cursor(down('Organization'))).toMatchObject({ leftData: 'keep' });
    });
  });

  it('can be done without a hub that answers', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      await driveAll(site);
      await begin(site, 'keep');
      site.hub.faults.push({ match: {}, times: 1_000, action: { kind: 'answer', status: 403, body: '{}' } });
      await expect(stop(site, up('Patient'))).rejects.toMatchObject({ type: 'target-forbidden' });
      await stop(site, up('Patient'), { offline: true });
      await forget(site);
      expect(await finish(site, 'keep')).toMatchObject({ data: 'keep' });
    });
  });

  it('and deleted later: what is there is found without any key of the ids', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      await driveAll(site);
      await endAll(site, await stopAll(site, 'keep'), 'keep');
      const of = await stopAll(site, 'delete');
      expect(await drain(site, ['Patient'])).toBe(0);
      expect(await endAll(site, of, 'delete')).toMatchObject({ data: 'delete', deleted: { Patient: 1 } });
      // What is gone cannot be kept.
      expect(await begin(site, 'keep')).toMatchObject({ data: 'delete' });
    });
  });
});

describe('a site that has left', () => {
  it('reads nothing, begins nothing and asks no server, also after a restart', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      await driveAll(site);
      await begin(site);
      site.instance.put(patient('b'));
      await site.restart();
      await expect(site.fetch(up('Patient'))).rejects.toMatchObject({ type: 'left' });
      await expect(site.resync(up('Patient'))).rejects.toMatchObject({ type: 'left' });
      expect(await inActivity(() => site.activities.describeStreams())).toMatchObject([{ left: true }]);
      expect(await site.poll()).toEqual({ asked: 0, due: 0, started: 0, troubles: { left: 1 } });
      // What was claimed can still be given back.
      expect(await site.fetch(up('Patient'), { tidyOnly: true, discard: ['none'] })).toEqual({ kind: 'later' });
    });
  });

  it('finishes the batch in hand before its stream is stopped, and not after', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      const first = await site.cleanBatch(up('Patient'));
      await begin(site);
      await site.commit(first);
      expect(site.hub.list('Patient')).toHaveLength(1);
    });
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a'));
      const late = await site.cleanBatch(up('Patient'));
      await stopAll(site);
      await expect(site.commit(late)).rejects.toMatchObject({ type: 'lost-race' });
      expect(site.hub.list('Patient')).toEqual([]);
    });
  });

  it.each(['a batch', 'a reconciliation'])('learns nothing of a patient from %s that wakes up later', async (what) => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      site.instance.put(patient('a', { name: [{ family: 'Quillfeather' }] }));
      if (what === 'a reconciliation') await site.drive(up('Patient'));
      const batch = what === 'a batch' ? await site.fetchBatch(up('Patient')) : undefined;
      const gate = gateOf();
      const pool: Parts['pool'] = {
        ...site.parts.pool,
        anonymize: async (input) => {
          const outcome = await site.parts.pool.anonymize(input);
          await gate.pass();
          return outcome;
        },
      };
      const zombie = site.process({ pool });
      const late = (
        batch === undefined
          ? inActivity<unknown>(() => zombie.reconcileStream({ stream: up('Patient'), repair: true }))
          : site.anonymize(batch, zombie)
      ).then(
        () => 'done',
        (error: unknown) => (error as { type?: string }).type,
      );
      await gate.reached;
      await endAll(site, await stopAll(site, 'keep'), 'keep');
      gate.release();
      expect(await late).toBe('lost-race');
      for (const table of ['guard_patients', 'guard_words', 'quarantine', 'survey'] as const)
        expect([table, await site.parts.db.selectFrom(table).selectAll().execute()]).toEqual([table, []]);
    });
  });

  it('learns nothing from a commit either, after whichever write it was stopped', async () => {
    let stopped = true;
    let point = 1;
    for (; stopped; point += 2) {
      await withSite({ streams: ['up Patient'] }, async (site) => {
        site.instance.put(patient('a', { name: [{ family: 'Quillfeather' }] }));
        const batch = await site.cleanBatch(up('Patient'));
        const stop = stopAt(point);
        const late = site.commit(batch, site.process(interrupted(site.parts, stop.atPoint))).then(
          () => 'done',
          () => 'lost',
        );
        stopped = await Promise.race([stop.reached.then(() => true), late.then(() => false)]);
        await endAll(site, await stopAll(site, 'keep'), 'keep');
        stop.release();
        expect([point, await site.parts.db.selectFrom('guard_patients').selectAll().execute()]).toEqual([point, []]);
        await late;
        expect([point, await site.parts.db.selectFrom('guard_patients').selectAll().execute()]).toEqual([point, []]);
      });
    }
    expect(point).toBeGreaterThan(8);
  });

  it('has nothing of patients left under its keys, in the state or in staging', async () => {
    await withSite({ streams: ['up Patient', 'up Encounter'] }, async (site) => {
      site.instance.put(patient('a'));
      await site.drive(up('Patient'));
      site.instance.put(encounter('of-nobody'));
      await site.drive(up('Encounter'));
      site.instance.put(patient('b'));
      await site.fetchBatch(up('Patient'));
      const content = Buffer.from('sealed-canary-0123456789');
      const entry = { key: 'Patient/q', reason: 'leak-guard', status: 0, form: 'clean', batch: '' } as const;
      await putInQuarantine(site.parts.db, 'up', [{ ...entry, content }], 0);
      await endAll(site, await stopAll(site, 'keep'), 'keep');
      for (const table of ['parked', 'parked_needs', 'quarantine', 'wanted', 'seen', 'guard_words'] as const)
        expect([table, await site.parts.db.selectFrom(table).selectAll().execute()]).toEqual([table, []]);
      expect(await readdir(site.stagingFolder)).toEqual([]);
      for (const file of [site.stateFile, `${site.stateFile}-wal`])
        expect((await readFile(file)).includes(content)).toBe(false);
      const { report } = (await currentDeparture(site.parts.db)) ?? {};
      expect(report?.cleared).toMatchObject({ parked: 1, quarantine: 1, staging: 1 });
    });
  });

  it('comes back with everything read anew, under the same ids', async () => {
    await withSite({ streams, limits: { leftoversShareMax: 1 } }, async (site) => {
      await filled(site, false);
      const before = inHub(site).sort();
      const of = await stopAll(site);
      for (const type of ['Condition', 'Encounter', 'Patient']) await drain(site, [type]);
      await endAll(site, of, 'delete');
      expect(await inActivity(() => site.activities.rejoin())).toEqual({ streams: 4 });
      expect(await inActivity(() => site.activities.rejoin())).toEqual({ streams: 0 });
      await driveAll(site);
      expect(inHub(site).sort()).toEqual(before);
      expect(site.cursor(up('Patient'))).not.toHaveProperty('left');
      // An attempt of the old leaving has nothing to say any more.
      await expect(leaving(site, ['Patient'])).rejects.toMatchObject({ type: 'lost-race' });
      await expect(forget(site)).rejects.toMatchObject({ type: 'lost-race' });
    });
  });

  it('removes Schedules and waits for streams that are open', async () => {
    await withSite({ streams: ['up Patient'] }, async (site) => {
      let asked = 0;
      let removed = 0;
      const ports: LeavePorts = {
        removeSchedules: async () => (removed += 1),
        isOpen: async () => (asked += 1) < 3,
      };
      const start = async (): Promise<void> => undefined;
      const activities = createActivities(site.parts, start, ports);
      await inActivity(() => activities.beginLeave({ run: 'run', data: 'keep' }));
      await inActivity(() => activities.stopStream({ stream: up('Patient') }));
      await inActivity(() => activities.finishLeave({ data: 'keep', unnoted: [] }));
      expect([asked, removed]).toEqual([3, 2]);
    });
  });
});
