/** Fetch on demand: a target that no feed has shown is asked for by its id, by its own stream. */
import { describe, expect, it } from '@jest/globals';

import { inActivity, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const observations = up('Observation');
const streams = ['up Patient', 'up Observation'];

/** Written past the feed, as by a bulk load without `update`. */
function hide(site: Site, id: string): void {
  site.instance.put(patient(id, { gender: 'female' }));
  site.instance.hide('Patient', id);
}

const observe = (site: Site, id: string, subject: string): void => {
  site.instance.put({ resourceType: 'Observation', id, status: 'final', code: {}, subject: { reference: subject } });
};

/** Both streams have read everything there is to read. */
async function loaded(site: Site): Promise<void> {
  site.instance.put(patient('first'));
  await site.drive(patients);
  await site.drive(observations);
}

describe('a resource that waits for a target which no feed has shown', () => {
  it('is released once the stream of that target has asked the source for it', async () => {
    await withSite({ streams }, async (site) => {
      await loaded(site);
      hide(site, 'bulk');
      observe(site, 'o', 'Patient/bulk');
      const { commits } = await site.drive(observations);
      expect(commits).toMatchObject([{ parked: 1 }]);
      expect((await site.poll()).due).toBe(1);
      const { batches } = await site.drive(patients);
      expect(batches).toMatchObject([{ own: 'wanted', changes: 1 }]);
      expect(site.inHub('Patient', 'bulk')).toEqual(site.expected('Patient', 'bulk'));
      expect(site.inHub('Observation', 'o')).toEqual(site.expected('Observation', 'o'));
      expect((await site.poll()).due).toBe(0);
      expect(await site.parts.db.selectFrom('wanted').selectAll().execute()).toEqual([]);
    });
  });

  it('stays parked where the source has none either, and is not asked for again and again', async () => {
    await withSite({ streams }, async (site) => {
      await loaded(site);
      for (const id of ['o1', 'o2']) observe(site, id, 'Patient/nowhere');
      await site.drive(observations);
      expect((await site.drive(patients)).batches).toMatchObject([{ own: 'wanted', deleted: 1 }]);
      observe(site, 'o3', 'Patient/nowhere');
      await site.drive(observations);
      expect((await site.drive(patients)).batches).toEqual([]);
      expect((await site.poll()).due).toBe(0);
    });
  });

  it('is asked for again where the batch that asked was given up', async () => {
    await withSite({ streams }, async (site) => {
      await loaded(site);
      hide(site, 'bulk');
      observe(site, 'o', 'Patient/bulk');
      await site.drive(observations);
      const batch = await site.fetchBatch(patients);
      expect(batch.own).toBe('wanted');
      await site.fetch(patients, { discard: [batch.id], tidyOnly: true });
      await site.drive(patients);
      expect(site.inHub('Observation', 'o')).toBeDefined();
    });
  });

  it('is released, too, where somebody had deleted the target in the hub, past everything that the site knows', async () => {
    await withSite({ streams }, async (site) => {
      await loaded(site);
      site.instance.put(patient('lost'));
      site.settle();
      await site.drive(patients);
      site.hub.delete('Patient', site.pseudonym('Patient', 'lost'));
      for (const [id, subject] of [
        ['o1', 'Patient/lost'],
        ['o2', 'Patient/first'],
      ] as const)
        observe(site, id, subject);
      const { commits } = await site.drive(observations);
      expect(commits).toMatchObject([{ parked: 1, counts: { committed: 1 } }]);
      expect((await site.poll()).due).toBe(1);
      await site.drive(patients);
      expect(site.inHub('Patient', 'lost')).toEqual(site.expected('Patient', 'lost'));
      expect(site.inHub('Observation', 'o1')).toEqual(site.expected('Observation', 'o1'));
      expect(site.logged.join('')).not.toContain('lost');
    });
  });

  it('leaves no id of the source in the state or a log', async () => {
    await withSite({ streams }, async (site) => {
      await loaded(site);
      observe(site, 'o', 'Patient/a-telling-id');
      await site.drive(observations);
      const rows = await site.parts.db.selectFrom('wanted').selectAll().execute();
      expect(rows).toMatchObject([{ key: `Patient/${site.pseudonym('Patient', 'a-telling-id')}`, asked: '' }]);
      expect(Buffer.from(rows[0]!.source_id).toString('latin1')).not.toContain('a-telling-id');
      expect(site.logged.join('')).not.toContain('a-telling-id');
    });
  });

  it('whose type no stream brings, or whose first load is not through, is not asked for', async () => {
    await withSite({ streams }, async (site) => {
      observe(site, 'o', 'Patient/p');
      await site.drive(observations);
      expect(await site.parts.db.selectFrom('wanted').selectAll().execute()).toEqual([]);
      site.instance.put(patient('p'));
      await site.drive(patients);
      expect(site.inHub('Observation', 'o')).toBeDefined();
    });
  });
});

describe('a resource that waits too long', () => {
  it('is counted as aged in the numbers of its stream, and logged without saying which it is', async () => {
    await withSite({ streams, limits: { parkedAgeSecondsMax: 3_600 } }, async (site) => {
      observe(site, 'o1', 'Patient/nowhere');
      await site.drive(observations);
      site.wait(3_000);
      observe(site, 'o2', 'Patient/nowhere');
      expect((await site.drive(observations)).commits).toMatchObject([{ totals: { parked: 2 } }]);
      site.wait(1_000);
      const described = await inActivity(() => site.activities.describeStreams());
      expect(described.find(({ type }) => type === 'Observation')?.totals).toMatchObject({ parked: 2, parkedAged: 1 });
      await site.poll();
      await site.poll();
      const alarms = site.logged.filter((line) => line.includes('parked-aged'));
      expect(alarms.map((line) => JSON.parse(line) as object)).toMatchObject([
        { level: 'warn', direction: 'up', type: 'Observation', resources: 1, oldestSeconds: 4_000 },
      ]);
    });
  });
});
