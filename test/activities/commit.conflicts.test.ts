/** A copy that somebody edited in the target, and the owner's next state: that one wins, and a conflict record says so. */
import { describe, expect, it } from '@jest/globals';

import type { Conflict } from '../../src/activities/contract.ts';
import { dyingAfter } from '../support/held.ts';
import { inActivity, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = ['a', 'b', 'c', 'd', 'e', 'f'];

const write = (site: Site, gender: string): void => {
  for (const id of ids) site.instance.put(patient(id, { gender }));
};

async function committed(site: Site): Promise<void> {
  write(site, 'unknown');
  await site.drive(patients);
}

const key = (site: Site, id: string): string => `Patient/${site.pseudonym('Patient', id)}`;

const conflicts = async (site: Site): Promise<readonly Conflict[]> =>
  inActivity(() => site.activities.listConflicts({ direction: 'up', types: [] }));

/** Somebody at the hub writes into a copy. */
function edit(
  site: Site,
  id: string,
  changes: object = { gender: 'female', telecom: [{ value: 'at-the-hub' }] },
): void {
  const copy = site.hub.read('Patient', site.pseudonym('Patient', id));
  if (copy === undefined) throw new Error('no copy');
  site.hub.put({ ...copy, ...changes } as never);
}

const genders = (site: Site): unknown[] => ids.map((id) => site.inHub('Patient', id)?.gender);
const all = (gender: string): string[] => ids.map(() => gender);

describe("the owner's next state, where ifMatch on entries is obeyed", () => {
  it('takes the place of an edited copy, and the conflict is recorded without its content', async () => {
    await withSite({}, async (site) => {
      await committed(site);
      edit(site, 'b');
      write(site, 'other');
      await site.drive(patients);
      expect(genders(site)).toEqual(all('other'));
      expect(site.inHub('Patient', 'b')).not.toHaveProperty('telecom');
      expect(await conflicts(site)).toEqual([
        { direction: 'up', key: key(site, 'b'), kind: 'edited', foundMs: expect.any(Number) },
      ]);
      const rows = await site.parts.db.selectFrom('conflicts').selectAll().execute();
      expect(JSON.stringify([rows, site.logged])).not.toContain('at-the-hub');
      // Noted: the next one finds nothing.
      write(site, 'male');
      await site.drive(patients);
      expect(await conflicts(site)).toHaveLength(1);
      expect(ids.map((id) => site.versionsInHub('Patient', id))).toEqual([3, 4, 3, 3, 3, 3]);
    });
  });

  it.each([
    ['deleted', (site: Site) => site.hub.delete('Patient', site.pseudonym('Patient', 'b'))],
    ['without its origin', (site: Site) => edit(site, 'b', { meta: {} })],
  ])('takes the place of a copy that is %s', async (_how, change) => {
    await withSite({}, async (site) => {
      await committed(site);
      change(site);
      write(site, 'other');
      await site.drive(patients);
      expect(genders(site)).toEqual(all('other'));
      expect(await conflicts(site)).toMatchObject([{ key: key(site, 'b'), kind: 'gone' }]);
    });
  });

  it('is written with no further request where nobody has edited anything, nor is a conflict of transactions one of these', async () => {
    await withSite({ hub: { record: 'lines' } }, async (site) => {
      await committed(site);
      write(site, 'other');
      const batch = await site.cleanBatch(patients);
      site.hub.requests.length = 0;
      await site.commit(batch);
      const plain = site.hub.requests.length;
      write(site, 'male');
      const next = await site.cleanBatch(patients);
      site.hub.requests.length = 0;
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, times: 3, action: { kind: 'conflict' } });
      await site.commit(next);
      expect(plain).toBeLessThanOrEqual(3);
      expect(site.hub.requests.length).toBeGreaterThan(plain);
      expect([await conflicts(site), genders(site)]).toEqual([[], all('male')]);
    });
  });

  it('records a conflict once, also where the attempt that found it died', async () => {
    await withSite({}, async (site) => {
      await committed(site);
      edit(site, 'c');
      write(site, 'other');
      const batch = await site.cleanBatch(patients);
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, skip: 2, action: { kind: 'refuse' } });
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'target-unreachable' });
      expect(await conflicts(site)).toHaveLength(1);
      site.wait(5);
      await site.commit(batch);
      expect(await conflicts(site)).toMatchObject([{ key: key(site, 'c'), kind: 'edited' }]);
      expect(genders(site)).toEqual(all('other'));
    });
  });

  it('takes nothing for an edit that a commit wrote which was given up', async () => {
    await withSite({ limits: { bundleEntriesMax: 2, bundlesInFlightMax: 1 } }, async (site) => {
      await committed(site);
      write(site, 'other');
      const batch = await site.cleanBatch(patients);
      const dies = dyingAfter(site, (bundle) => bundle.includes('"url":"Patient/'));
      await expect(site.commit(batch, dies)).rejects.toThrow();
      write(site, 'male');
      const next = await site.fetch(patients, { discard: [batch.id] });
      if (next.kind !== 'batch') throw new Error(next.kind);
      await site.commit(await site.anonymize(next.batch));
      expect([await conflicts(site), genders(site)]).toEqual([[], all('male')]);
    });
  });

  it('wins also where the target does not let us look who it was', async () => {
    await withSite({}, async (site) => {
      await committed(site);
      edit(site, 'b');
      write(site, 'other');
      const forbidden = { kind: 'answer', status: 403, body: '{}' } as const;
      site.hub.faults.push({ match: { pathRegex: /_tag=/ }, times: 99, action: forbidden });
      await site.drive(patients);
      expect([await conflicts(site), genders(site)]).toEqual([[], all('other')]);
    });
  });

  it('of a resync finds edits as well, but none in a target that was restored', async () => {
    await withSite({}, async (site) => {
      await committed(site);
      edit(site, 'b');
      await site.resync(patients);
      await site.drive(patients);
      expect(await conflicts(site)).toMatchObject([{ key: key(site, 'b') }]);
      // As it was before: older copies, and no cursor.
      for (const id of ids) edit(site, id, { gender: 'male' });
      site.hub.delete('ChangesInfo', 'north.up.Patient');
      await expect(site.fetch(patients)).rejects.toMatchObject({ type: 'target-restored' });
      await site.resync(patients);
      await site.drive(patients);
      expect(await conflicts(site)).toHaveLength(1);
      expect(genders(site)).toEqual(all('unknown'));
    });
  });
});

describe("the owner's next state, where ifMatch on entries is ignored", () => {
  it('wins, and only a reconciliation could have seen the edit', async () => {
    await withSite({ hub: { entryIfMatch: 'ignored' } }, async (site) => {
      await committed(site);
      edit(site, 'b');
      write(site, 'other');
      await site.drive(patients);
      expect([await conflicts(site), genders(site)]).toEqual([[], all('other')]);
    });
  });
});
