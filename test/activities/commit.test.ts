import { describe, expect, it } from '@jest/globals';

import { readLedger } from '../../src/state/ledger.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { down, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');

const put = (site: Site, count: number, more: object = {}): string[] => {
  const ids = Array.from({ length: count }, (_, index) => `p${String(index)}`);
  for (const id of ids) site.instance.put(patient(id, more));
  return ids;
};

describe('commit', () => {
  it('writes the de-identified states under their pseudonyms, and the cursor with them', async () => {
    await withSite({}, async (site) => {
      const ids = put(site, 3, { name: [{ family: 'Canary' }], gender: 'female' });
      const batch = await site.cleanBatch(patients);
      const result = await site.commit(batch);
      const counts = { changes: 3, committed: 3, deleted: 0, unchanged: 0, withheld: 0 };
      expect(result).toMatchObject({ counts, parked: 0, released: 0, quarantined: 0, bundles: 1 });
      for (const id of ids) expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
      expect(JSON.stringify(site.hub.list('Patient'))).not.toContain('Canary');
      expect(site.cursor(patients)).toMatchObject({
        id: 'north.up.Patient',
        kind: 'cursor',
        version: batch.range.hi,
        head: batch.head,
        epoch: 1,
        sequence: 1,
        batch: batch.id,
        policy: site.parts.policyDigest,
        counts,
      });
      expect(await site.position(patients)).toMatchObject({
        sequence: 1,
        delivered: batch.range.hi,
        openCommit: undefined,
      });
    });
  });

  it('notes in the ledger what it wrote and deleted, and deletes the staged batch', async () => {
    await withSite({}, async (site) => {
      put(site, 2);
      await site.drive(patients);
      site.instance.delete('Patient', 'p1');
      const { batches } = await site.drive(patients);
      const keys = ['p0', 'p1'].map((id) => `Patient/${site.pseudonym('Patient', id)}`);
      const ledger = await readLedger(site.parts.db, 'up', keys);
      expect(keys.map((key) => ledger.get(key)?.digest === '')).toEqual([false, true]);
      expect(await site.parts.staging.has(batches[0]?.id ?? '', 'raw-00000')).toBe(false);
    });
  });

  it('does not write again what is the same after de-identification', async () => {
    await withSite({}, async (site) => {
      put(site, 3, { telecom: [{ value: '555-0100' }] });
      await site.drive(patients);
      put(site, 2, { telecom: [{ value: '555-0199' }] });
      site.instance.put(patient('p2', { gender: 'male' }));
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)?.counts).toMatchObject({ changes: 3, committed: 1, unchanged: 2 });
      expect(['p0', 'p1', 'p2'].map((id) => site.versionsInHub('Patient', id))).toEqual([1, 1, 2]);
    });
  });

  it('sends the cursor in the last transaction, several in flight before it', async () => {
    const limits = { bundleEntriesMax: 2, bundlesInFlightMax: 3 };
    await withSite({ limits, hub: { record: 'bodies' } }, async (site) => {
      put(site, 11);
      const batch = await site.cleanBatch(patients);
      site.hub.requests.length = 0;
      const result = await site.commit(batch);
      expect(result.bundles).toBe(6);
      const sent = site.hub.requests.map(({ body }) => body ?? '').filter((body) => body.includes('"url":"Patient/'));
      expect(sent).toHaveLength(6);
      expect(sent.map((body) => body.includes('"kind":"cursor"'))).toEqual([false, false, false, false, false, true]);
      expect(site.hub.store.versions('ChangesInfo', cursorId('north', 'up', 'Patient'))).toHaveLength(1);
      expect(site.hub.list('Patient')).toHaveLength(11);
    });
  });

  it('puts what is referred to before what refers to it, over the bounds of transactions', async () => {
    const limits = { bundleEntriesMax: 2, bundlesInFlightMax: 4 };
    await withSite({ streams: ['up Encounter'], limits }, async (site) => {
      for (let index = 0; index < 9; index += 1) {
        // Each is part of the next one, which the feed brings later.
        const partOf = { reference: `Encounter/e${String(index + 1)}` };
        site.instance.put({ resourceType: 'Encounter', id: `e${String(index)}`, ...(index < 8 && { partOf }) });
      }
      await site.drive(up('Encounter'));
      expect(site.hub.list('Encounter')).toHaveLength(9);
      for (let index = 0; index < 9; index += 1) expect(site.versionsInHub('Encounter', `e${String(index)}`)).toBe(1);
    });
  });

  it('moves the cursor alone where a batch brings nothing to be written', async () => {
    await withSite({}, async (site) => {
      put(site, 2, { telecom: [{ value: '1' }] });
      await site.drive(patients);
      put(site, 2, { telecom: [{ value: '2' }] });
      await site.drive(patients);
      expect(site.cursor(patients)).toMatchObject({ sequence: 2, counts: { committed: 2, unchanged: 2 } });
    });
  });

  it('brings reference data down as it is, with the cursor in the instance', async () => {
    await withSite({ streams: ['up Patient', 'down Organization'] }, async (site) => {
      site.hub.put({ resourceType: 'Organization', id: 'ministry', name: 'Ministry of Health' });
      site.hub.put({ resourceType: 'Organization', id: 'gone', name: 'Gone' });
      await site.drive(down('Organization'));
      site.hub.delete('Organization', 'gone');
      await site.drive(down('Organization'));
      expect(site.instance.list('Organization')).toMatchObject([{ id: 'ministry', name: 'Ministry of Health' }]);
      expect(site.cursor(down('Organization'))).toMatchObject({ direction: 'down', policy: '', sequence: 2 });
      // And what goes up may name it.
      const managingOrganization = { reference: 'Organization/ministry' };
      site.instance.put(patient('a', { managingOrganization }));
      await site.drive(patients);
      expect(site.inHub('Patient', 'a')).toMatchObject({ managingOrganization });
    });
  });

  it('works on a server that numbers transactions, quotes etags and leaves unchanged resources alone', async () => {
    const hub = { txidPer: 'transaction', entryEtag: 'weak', unchangedPut: 'same-version' } as const;
    await withSite({ hub, limits: { bundleEntriesMax: 2 } }, async (site) => {
      const ids = put(site, 7);
      await site.drive(patients);
      put(site, 7, { gender: 'other' });
      await site.drive(patients);
      for (const id of ids) expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
    });
  });

  it('sweeps old markers with later commits, where ifMatch on entries is ignored', async () => {
    await withSite({ hub: { entryIfMatch: 'ignored' } }, async (site) => {
      const markers = (): number => site.hub.list('ChangesInfo').filter(({ kind }) => kind === 'marker').length;
      for (let day = 0; day < 6; day += 1) {
        put(site, 1, { birthDate: `200${String(day)}` });
        await site.drive(patients);
        site.wait(86_400);
      }
      expect(markers()).toBeLessThanOrEqual(4);
      expect(site.inHub('Patient', 'p0')).toMatchObject({ birthDate: '2005' });
    });
  });
});
