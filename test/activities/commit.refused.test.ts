/** What the target refuses: bisected to the culprit, quarantined with the reason; the rest goes on, up to a point. */
import { describe, expect, it } from '@jest/globals';

import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const keyOf = (site: Site, id: string): string => `Patient/${site.pseudonym('Patient', id)}`;

interface Row {
  readonly key: string;
  readonly reason: string;
  readonly status: number;
  readonly sealed: boolean;
}

async function quarantine(site: Site): Promise<Row[]> {
  const rows = await site.parts.db.selectFrom('quarantine').selectAll().orderBy('key').execute();
  return rows.map(({ key, reason, status, content }) => ({ key, reason, status, sealed: content !== null }));
}

const put = (site: Site, count: number, more: object = {}): string[] => {
  const ids = Array.from({ length: count }, (_, index) => `p${String(index)}`);
  for (const id of ids) site.instance.put(patient(id, more));
  return ids;
};

/** The hub refuses every transaction that holds this patient. */
const refuse = (site: Site, id: string, status: number): void => {
  const body = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'invalid', diagnostics: 'no' }] };
  const match = { bodyIncludes: `"url":"${keyOf(site, id)}"` };
  site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status, body } });
};

describe.each(['obeyed', 'ignored'] as const)('what the target refuses (ifMatch on entries %s)', (entryIfMatch) => {
  it.each([400, 409, 413, 422])('is quarantined with its status %i, and the rest is committed', async (status) => {
    await withSite({ hub: { entryIfMatch }, limits: { bundleEntriesMax: 4 } }, async (site) => {
      const ids = put(site, 9);
      refuse(site, 'p5', status);
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)).toMatchObject({ quarantined: 1, counts: { committed: 8 } });
      expect(await quarantine(site)).toEqual([
        { key: keyOf(site, 'p5'), reason: 'target-refused', status, sealed: true },
      ]);
      expect(ids.map((id) => site.versionsInHub('Patient', id))).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1]);
      expect(site.cursor(patients)).toMatchObject({ sequence: 1 });
    });
  });

  it('leaves quarantine when a newer state is accepted', async () => {
    await withSite({ hub: { entryIfMatch } }, async (site) => {
      put(site, 3);
      refuse(site, 'p1', 422);
      await site.drive(patients);
      site.hub.faults.clear();
      site.instance.put(patient('p1', { gender: 'male' }));
      await site.drive(patients);
      expect(await quarantine(site)).toEqual([]);
      expect(site.inHub('Patient', 'p1')).toEqual(site.expected('Patient', 'p1'));
    });
  });

  it('takes nothing along that refers to it: that waits', async () => {
    const streams = ['up Patient', 'up Encounter'];
    await withSite({ streams, hub: { entryIfMatch } }, async (site) => {
      for (const id of ['whole', 'part', 'other']) {
        const partOf = id === 'part' && { partOf: { reference: 'Encounter/whole' } };
        site.instance.put({ resourceType: 'Encounter', id, ...partOf });
      }
      const match = { bodyIncludes: `"url":"Encounter/${site.pseudonym('Encounter', 'whole')}"` };
      site.hub.faults.push({ match, times: 100, action: { kind: 'answer', status: 422, body: '{}' } });
      const { commits } = await site.drive(up('Encounter'));
      expect(commits.at(-1)).toMatchObject({ quarantined: 1, parked: 1, counts: { committed: 1 } });
      site.hub.faults.clear();
      site.instance.put({ resourceType: 'Encounter', id: 'whole', status: 'finished' });
      await site.drive(up('Encounter'));
      expect(site.hub.list('Encounter')).toHaveLength(3);
      expect(await quarantine(site)).toEqual([]);
    });
  });

  it('opens the breaker where it is too much of a batch, and goes on once the cause is gone', async () => {
    const limits = { quarantineCountMin: 3, quarantineShareMax: 0.2, bundleEntriesMax: 4 };
    await withSite({ hub: { entryIfMatch }, limits }, async (site) => {
      const ids = put(site, 12);
      for (const id of ['p1', 'p4', 'p7', 'p8', 'p10']) refuse(site, id, 422);
      const batch = await site.cleanBatch(patients);
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'breaker-open', nonRetryable: true });
      expect((await quarantine(site)).length).toBeLessThan(3);
      expect((await site.position(patients)).delivered).toBe(0);
      site.hub.faults.clear();
      await site.commit(batch);
      const quarantined = (await quarantine(site)).map(({ key }) => key);
      for (const id of ids) {
        const expected = quarantined.includes(keyOf(site, id)) ? undefined : site.expected('Patient', id);
        expect([id, site.inHub('Patient', id)]).toEqual([id, expected]);
      }
    });
  });

  it('is the request itself where not even the cursor is accepted', async () => {
    await withSite({ hub: { entryIfMatch } }, async (site) => {
      put(site, 3);
      const batch = await site.cleanBatch(patients);
      await site.commit(batch);
      put(site, 3, { gender: 'male' });
      const next = await site.cleanBatch(patients);
      const match = { bodyIncludes: '"type":"transaction"' };
      site.hub.faults.push({ match, times: 100, action: { kind: 'answer', status: 422, body: '{}' } });
      await expect(site.commit(next)).rejects.toMatchObject({ nonRetryable: true });
      expect((await site.position(patients)).sequence).toBe(1);
    });
  });
});

describe('what the site itself refuses', () => {
  it('is a resource above resourceBytesMax, without its content', async () => {
    await withSite({ limits: { resourceBytesMax: 4_096 } }, async (site) => {
      put(site, 2);
      site.instance.put(patient('large', { text: { status: 'generated', div: 'x'.repeat(5_000) } }));
      const { commits } = await site.drive(patients);
      expect(commits[0]).toMatchObject({ counts: { changes: 3, committed: 2 }, quarantined: 1 });
      expect(await quarantine(site)).toMatchObject([{ reason: 'resource-too-large', status: 0, sealed: false }]);
      expect(site.hub.list('Patient')).toHaveLength(2);
    });
  });

  it('is a delete too large to be sent along, by its id: that arrives all the same', async () => {
    await withSite({ limits: { resourceBytesMax: 4_096, pageBytesMax: 65_536 } }, async (site) => {
      put(site, 2);
      await site.drive(patients);
      site.instance.put(patient('p1', { text: { status: 'generated', div: 'x'.repeat(100_000) } }));
      await site.drive(patients);
      site.settle();
      site.instance.delete('Patient', 'p1');
      await site.drive(patients);
      expect(site.inHub('Patient', 'p1')).toBeUndefined();
    });
  });
});
