/** What a resync has left behind: deleted from the target once everything is read and settled, and nothing else. */
import { describe, expect, it } from '@jest/globals';

import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = (site: Site): string[] => site.hub.list('Patient').map(({ id }) => id ?? '');
const pseudonyms = (site: Site, of: readonly string[]): string[] =>
  of.map((id) => site.pseudonym('Patient', id)).sort();

/** The source loses resources without a trace in its feed. */
function purge(site: Site, ...gone: readonly string[]): void {
  for (const id of gone) site.instance.purge('Patient', id);
}

async function resync(site: Site): Promise<void> {
  await site.resync(patients);
  await site.drive(patients);
  site.settle();
  await site.drive(patients);
}

const few = { leftoversShareMax: 1 };

describe('after a resync', () => {
  it('what the source no longer has is deleted from the target', async () => {
    await withSite({ limits: few }, async (site) => {
      for (const id of ['a', 'b', 'c']) site.instance.put(patient(id));
      await site.drive(patients);
      purge(site, 'b');
      await resync(site);
      expect(ids(site).sort()).toEqual(pseudonyms(site, ['a', 'c']));
      expect((await site.position(patients)).leftoversFrom).toBe(-1);
      expect(site.logged.some((line) => line.includes('resync-finished'))).toBe(true);
      expect((await site.poll()).due).toBe(0);
    });
  });

  it('nothing is deleted before everything that was there when it was read through has settled', async () => {
    await withSite({ limits: few }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id));
      await site.drive(patients);
      purge(site, 'b');
      await site.resync(patients);
      await site.drive(patients);
      expect(ids(site)).toHaveLength(2);
      expect((await site.poll()).due).toBe(0);
      site.settle();
      expect((await site.poll()).due).toBe(1);
      await site.drive(patients);
      expect(ids(site)).toEqual(pseudonyms(site, ['a']));
    });
  });

  it('what is parked, too large or refused by the target keeps its older state there', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ limits: { ...few, resourceBytesMax: 4_096 }, streams }, async (site) => {
      for (const id of ['large', 'refused', 'waits']) site.instance.put(patient(id));
      await site.drive(patients);
      site.settle();
      site.instance.put(patient('large', { text: { status: 'generated', div: 'x'.repeat(5_000) } }));
      site.instance.put(patient('refused', { gender: 'male' }));
      site.instance.put(patient('waits', { link: [{ other: { reference: 'Patient/none' }, type: 'seealso' }] }));
      const match = { bodyIncludes: `"url":"Patient/${site.pseudonym('Patient', 'refused')}"` };
      site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status: 422, body: '{}' } });
      await resync(site);
      expect(ids(site)).toHaveLength(3);
      expect((await site.position(patients)).leftoversFrom).toBe(-1);
    });
  });

  it('what the policy no longer lets pass goes', async () => {
    await withSite({ limits: few }, async (site) => {
      site.instance.put(patient('a'));
      site.instance.put(patient('b', { modifierExtension: [{ url: 'http://example.org/not', valueBoolean: true }] }));
      await site.drive(patients);
      expect(ids(site)).toHaveLength(2);
      await site.restart({ policy: { apiVersion: 'fhir-sluice/v1', extends: 'safe-harbor' } });
      site.register();
      await resync(site);
      expect(ids(site)).toEqual(pseudonyms(site, ['a']));
    });
  });

  it('deleting its old output leaves in quarantine what the policy withholds', async () => {
    const policy = { apiVersion: 'fhir-sluice/v1', default: 'keep', modifierExtensions: 'withhold' };
    await withSite({ policy, limits: few }, async (site) => {
      site.instance.put(patient('a', { gender: 'male' }));
      await site.drive(patients);
      site.settle();
      site.instance.put(patient('a', { modifierExtension: [{ url: 'urn:x', valueBoolean: true }] }));
      await site.drive(patients);
      await resync(site);
      expect(ids(site)).toEqual([]);
      const rows = await site.parts.db.selectFrom('quarantine').select('reason').execute();
      expect(rows).toEqual([{ reason: 'modifier-extension' }]);
    });
  });

  it('what the ledger has lost is found by its origin in the target, and what others wrote there is left alone', async () => {
    await withSite({ limits: few }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id));
      await site.drive(patients);
      site.hub.put(
        patient('of-another-site', { meta: { tag: [{ system: 'urn:fhir-sluice:origin', code: 'south' }] } }),
      );
      site.hub.put(patient('of-the-hub'));
      await site.parts.db.deleteFrom('ledger').execute();
      purge(site, 'b');
      await resync(site);
      expect(ids(site).sort()).toEqual([...pseudonyms(site, ['a']), 'of-another-site', 'of-the-hub'].sort());
    });
  });

  it('an emptied source does not empty the target, until somebody has said so', async () => {
    await withSite({ limits: { quarantineCountMin: 3 } }, async (site) => {
      const all = ['a', 'b', 'c', 'd', 'e'];
      for (const id of all) site.instance.put(patient(id));
      await site.drive(patients);
      purge(site, ...all);
      await site.resync(patients, { acceptFewer: true });
      await site.fetch(patients);
      site.settle();
      await expect(site.fetch(patients)).rejects.toMatchObject({ type: 'leftovers-many', nonRetryable: true });
      expect(ids(site)).toHaveLength(5);
      const fetched = await site.fetch(patients, { leftoversConfirmed: true });
      if (fetched.kind !== 'batch') throw new Error(fetched.kind);
      expect(fetched).toMatchObject({ clean: true, batch: { own: 'leftovers', deleted: 5 } });
      await site.commit(fetched.batch);
      expect(ids(site)).toEqual([]);
    });
  });

  it('more of them than a batch holds go in several', async () => {
    await withSite({ limits: { ...few, batchRowsMax: 4, pageRowsMax: 3 } }, async (site) => {
      const gone = Array.from({ length: 10 }, (_, index) => `g${String(index)}`);
      for (const id of ['a', ...gone]) site.instance.put(patient(id));
      await site.drive(patients);
      purge(site, ...gone);
      await resync(site);
      expect(ids(site)).toEqual(pseudonyms(site, ['a']));
    });
  });
});
