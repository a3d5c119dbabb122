/** References (I6): what waits for a target is parked, durably, and goes when the target has come; cycles go together. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

import type { CommitTarget } from '../../src/fhir/server.ts';
import { countParked } from '../../src/state/parked.ts';
import { patient, type Site, type Stored, up, withSite } from '../support/site.ts';

const encounters = up('Encounter');
const conditions = up('Condition');
const observations = up('Observation');
const streams = ['up Condition', 'up Encounter', 'up Observation'];

const encounter = (id: string, condition?: string, more: object = {}): Stored => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  ...(condition !== undefined && { diagnosis: [{ condition: { reference: `Condition/${condition}` } }] }),
  ...more,
});

const condition = (id: string, encounterId?: string): Stored => ({
  resourceType: 'Condition',
  id,
  ...(encounterId !== undefined && { encounter: { reference: `Encounter/${encounterId}` } }),
});

const observation = (id: string, encounterId: string, status = 'final'): Stored => ({
  resourceType: 'Observation',
  id,
  status,
  encounter: { reference: `Encounter/${encounterId}` },
});

const parked = (site: Site): Promise<number> => countParked(site.parts.db, 'up');

const claims = async (site: Site): Promise<string[]> => {
  const rows = await site.parts.db.selectFrom('parked').select('claim').where('claim', '!=', '').execute();
  return rows.map((row) => row.claim);
};

describe('commit', () => {
  it('parks what the target misses, sealed, and goes on; the target brings it along when it arrives', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(observation('o', 'e'));
      site.instance.put(encounter('e', undefined, { serviceType: { text: 'canary-service' } }));
      const first = await site.drive(observations);
      expect(first.commits.at(-1)).toMatchObject({ parked: 1, counts: { committed: 0 } });
      expect(site.inHub('Observation', 'o')).toBeUndefined();
      expect((await site.position(observations)).delivered).toBeGreaterThan(0);
      const content = await site.parts.db.selectFrom('parked').select('content').executeTakeFirstOrThrow();
      expect(Buffer.from(content.content).includes('Observation')).toBe(false);

      const second = await site.drive(encounters);
      expect(second.commits.at(-1)).toMatchObject({ released: 1, parked: 0 });
      expect(site.inHub('Observation', 'o')).toEqual(site.expected('Observation', 'o'));
      expect(site.versionsInHub('Observation', 'o')).toBe(1);
      expect(await parked(site)).toBe(0);
      // Counted for the stream that it is of.
      expect((await site.position(observations)).counts.committed).toBe(1);
      expect((await readFile(site.stateFile)).includes('canary-service')).toBe(false);
    });
  });

  it('releases chains step by step', async () => {
    await withSite({ streams, limits: { bundleEntriesMax: 2 } }, async (site) => {
      for (let index = 0; index < 7; index += 1) {
        const above = index === 6 ? {} : { partOf: { reference: `Encounter/e${String(index + 1)}` } };
        site.instance.put(observation(`o${String(index)}`, `e${String(index)}`));
        site.instance.put(encounter(`e${String(index)}`, index === 3 ? 'c' : undefined, above));
      }
      site.instance.put(condition('c'));
      await site.drive(observations);
      await site.drive(encounters);
      expect(site.hub.list('Observation')).toHaveLength(3);
      await site.drive(conditions);
      expect(await parked(site)).toBe(0);
      expect(site.hub.list('Encounter')).toHaveLength(7);
      expect(site.hub.list('Observation')).toHaveLength(7);
      expect(await claims(site)).toEqual([]);
    });
  });

  it.each([true, false])(
    'commits a cycle across two types as one transaction (forward references: %s)',
    async (forwardReferences) => {
      await withSite({ streams, hub: { forwardReferences, record: 'bodies' } }, async (site) => {
        for (const index of [1, 2, 3].map(String)) {
          site.instance.put(condition(`c${index}`, `e${index}`));
          site.instance.put(encounter(`e${index}`, `c${index}`));
        }
        await site.drive(conditions);
        expect(await parked(site)).toBe(3);
        await site.drive(encounters);
        expect(await parked(site)).toBe(0);
        for (const index of [1, 2, 3].map(String)) {
          expect(site.inHub('Condition', `c${index}`)).toEqual(site.expected('Condition', `c${index}`));
          expect(site.inHub('Encounter', `e${index}`)).toEqual(site.expected('Encounter', `e${index}`));
        }
        const together = site.hub.requests.filter(
          ({ body }) => body?.includes('"url":"Condition/') === true && body.includes('"url":"Encounter/'),
        );
        expect(together).toHaveLength(1);
      });
    },
  );

  it('lets a newer state take the place of a parked one', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(observation('o', 'e', 'preliminary'));
      await site.drive(observations);
      site.instance.put(observation('o', 'e', 'final'));
      await site.drive(observations);
      expect(await parked(site)).toBe(1);
      site.instance.put(encounter('e'));
      await site.drive(encounters);
      expect(site.inHub('Observation', 'o')).toMatchObject({ status: 'final' });
      expect(site.versionsInHub('Observation', 'o')).toBe(1);
    });
  });

  it('drops a parked resource that is deleted at the source', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(observation('o', 'e'));
      await site.drive(observations);
      site.instance.delete('Observation', 'o');
      await site.drive(observations);
      expect(await parked(site)).toBe(0);
      site.instance.put(encounter('e'));
      await site.drive(encounters);
      expect(site.inHub('Observation', 'o')).toBeUndefined();
    });
  });

  it('does not release an older parked state once a newer one is quarantined', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(observation('o', 'e', 'preliminary'));
      await site.drive(observations);
      let deep: object = {};
      for (let level = 0; level < 150; level += 1) deep = { extension: [deep] };
      site.instance.put({ ...observation('o', 'e'), ...deep });
      await site.drive(observations);
      const quarantined = (): Promise<object[]> =>
        site.parts.db.selectFrom('quarantine').select(['key', 'reason']).execute();
      const expected = [{ key: `Observation/${site.pseudonym('Observation', 'o')}`, reason: 'too-deep' }];
      expect(await quarantined()).toEqual(expected);
      site.instance.put(encounter('e'));
      await site.drive(encounters);
      // The hub gets no state that the source has left behind, and the newer one stays where an operator sees it.
      expect(site.inHub('Observation', 'o')).toBeUndefined();
      expect(await quarantined()).toEqual(expected);
    });
  });

  it('parks what refers to something that vanished from the target, and writes both again', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(encounter('e'));
      await site.drive(encounters);
      // Somebody deletes it in the hub: the ledger is wrong about it.
      site.hub.delete('Encounter', site.pseudonym('Encounter', 'e'));
      site.instance.put(observation('o', 'e'));
      await site.drive(observations);
      expect(await parked(site)).toBe(1);
      site.instance.put(encounter('e', undefined, { priority: { text: 'again' } }));
      await site.drive(encounters);
      expect(site.inHub('Encounter', 'e')).toEqual(site.expected('Encounter', 'e'));
      expect(site.inHub('Observation', 'o')).toEqual(site.expected('Observation', 'o'));
    });
  });

  it('stops before the cursor passes where more would be parked than may be', async () => {
    await withSite({ streams, limits: { parkedCountMax: 2 } }, async (site) => {
      for (const id of ['1', '2', '3']) site.instance.put(observation(id, `e${id}`));
      await expect(site.drive(observations)).rejects.toMatchObject({ type: 'parked-full', nonRetryable: true });
      expect(await parked(site)).toBe(0);
      expect((await site.position(observations)).delivered).toBe(0);
      for (const id of ['1', '2', '3']) site.instance.put(encounter(`e${id}`));
      await site.drive(encounters);
      await site.drive(observations);
      expect(site.hub.list('Observation')).toHaveLength(3);
    });
  });

  it('gives back what it had claimed where its batch is given up before anything was sent', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(observation('o', 'e', 'preliminary'));
      await site.drive(observations);
      site.instance.put(encounter('e'));
      const batch = await site.cleanBatch(encounters);
      // The plan is made and claims the observation; then the hub is not to be reached.
      const read: CommitTarget['read'] = async (type, id, signal) => {
        if (id.endsWith('.Encounter')) site.hub.faults.push({ action: { kind: 'refuse' } });
        return site.parts.servers.hub.read(type, id, signal);
      };
      const { servers } = site.parts;
      const cutOff = site.process({ servers: { ...servers, hub: { ...servers.hub, read } } });
      await expect(site.commit(batch, cutOff)).rejects.toMatchObject({ type: 'target-unreachable' });
      expect(await claims(site)).toHaveLength(1);
      site.hub.faults.clear();
      await site.fetch(encounters, { discard: [batch.id] });
      expect(await claims(site)).toEqual([]);
      site.instance.put(observation('o', 'e', 'final'));
      await site.drive(observations);
      await site.drive(encounters);
      expect(site.inHub('Observation', 'o')).toMatchObject({ status: 'final' });
    });
  });

  it('quarantines a set that fits into no transaction once, and comes to an end', async () => {
    await withSite({ streams, limits: { bundleBytesMax: 4_096 } }, async (site) => {
      const text = { status: 'generated', div: 'x'.repeat(3_000) };
      site.instance.put({ ...condition('c', 'e'), text });
      site.instance.put(encounter('e', 'c', { text }));
      site.instance.put(condition('fits'));
      await site.drive(conditions);
      await site.drive(encounters);
      const rows = await site.parts.db.selectFrom('quarantine').select(['key', 'reason']).orderBy('key').execute();
      const keys = [`Condition/${site.pseudonym('Condition', 'c')}`, `Encounter/${site.pseudonym('Encounter', 'e')}`];
      expect(rows).toEqual(keys.map((key) => ({ key, reason: 'set-too-large' })));
      expect(await parked(site)).toBe(0);
      expect(site.inHub('Condition', 'fits')).toBeDefined();
    });
  });
});

describe('a circle whose other target has gone from the hub', () => {
  it('is parked for what is missing, and the commit ends', async () => {
    await withSite({ streams: ['up Patient', 'up Encounter', 'up Condition'] }, async (site) => {
      site.instance.put(patient('p1'));
      await site.drive(up('Patient'));
      site.instance.put({
        resourceType: 'Encounter',
        id: 'e1',
        subject: { reference: 'Patient/p1' },
        diagnosis: [{ condition: { reference: 'Condition/c1' } }],
      });
      await site.drive(up('Encounter'));
      site.instance.delete('Patient', 'p1');
      await site.drive(up('Patient'));
      site.instance.put({ resourceType: 'Condition', id: 'c1', encounter: { reference: 'Encounter/e1' } });
      const { commits } = await site.drive(up('Condition'));
      expect(commits).toMatchObject([{ parked: 1, counts: { committed: 0 } }]);
      site.instance.put(patient('p1'));
      await site.drive(up('Patient'));
      expect(site.inHub('Condition', 'c1')).toEqual(site.expected('Condition', 'c1'));
      expect(site.inHub('Encounter', 'e1')).toEqual(site.expected('Encounter', 'e1'));
    });
  });
});
