/** Quarantine, tended: what is tried again goes through as it should, never over a newer state; what is discarded is gone. */
import { describe, expect, it } from '@jest/globals';

import type { TendInput, TendResult } from '../../src/activities/contract.ts';
import { openQuarantined, quarantinedJson } from '../../src/activities/quarantined.ts';
import { readQuarantined } from '../../src/state/retries.ts';
import { inActivity, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const keyOf = (site: Site, id: string, type = 'Patient'): string => `${type}/${site.pseudonym(type, id)}`;
const all = { direction: 'up', types: [], keys: [] } as const;

const tend = (site: Site, input: TendInput): Promise<TendResult> =>
  inActivity(() => site.activities.tendQuarantine(input));
const list = async (site: Site): Promise<TendResult['entries']> =>
  (await tend(site, { ...all, action: 'list', after: '' })).entries;
const retry = (site: Site): Promise<TendResult> => tend(site, { ...all, action: 'retry' });

const discard = (site: Site): Promise<TendResult> =>
  tend(site, { ...all, action: 'discard', reason: 'duplicate', ticket: 'OPS-8' });

/** The hub refuses every transaction that holds this resource. */
const refuse = (site: Site, key: string, status = 422): void => {
  const match = { bodyIncludes: `"url":"${key}"` };
  site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status, body: '{}' } });
};

/** A narrative with an unknown modifierExtension: withheld before it becomes output. */
const unsound = { modifierExtension: [{ url: 'http://example.org/not', valueBoolean: true }] };
const strict = { apiVersion: 'fhir-sluice/v1', extends: 'safe-harbor' };

describe('what the target refused', () => {
  it('is tried again as it was, when an operator says so, and leaves quarantine', async () => {
    await withSite({}, async (site) => {
      for (const id of ['a', 'b', 'c']) site.instance.put(patient(id, { gender: 'female' }));
      refuse(site, keyOf(site, 'b'));
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ key: keyOf(site, 'b'), reason: 'target-refused', attempts: 1 }]);
      site.hub.faults.clear();
      expect((await site.drive(patients)).batches).toEqual([]); // nothing happens by itself
      expect((await retry(site)).counts).toEqual({ Patient: 1 });
      expect((await list(site))[0]).toMatchObject({ ordered: true });
      const { commits } = await site.drive(patients);
      expect(commits).toMatchObject([{ counts: { changes: 0, committed: 1 }, quarantined: 0 }]);
      expect(site.inHub('Patient', 'b')).toEqual(site.expected('Patient', 'b'));
      expect(await list(site)).toEqual([]);
    });
  });

  it('counts another attempt where it is refused again, and waits for the next order', async () => {
    await withSite({ limits: { quarantineCountMin: 1, quarantineShareMax: 1 } }, async (site) => {
      site.instance.put(patient('b'));
      refuse(site, keyOf(site, 'b'));
      await site.drive(patients);
      await retry(site);
      const { commits } = await site.drive(patients);
      expect(commits).toHaveLength(1);
      expect(await list(site)).toMatchObject([{ attempts: 2, ordered: false, status: 422 }]);
      // Nor does the breaker count it: it was counted when it was refused first.
      await site.parts.db.updateTable('quarantine').set({ retry: 1 }).execute();
      await site.restart({ limits: { quarantineCountMin: 1, quarantineShareMax: 0 } });
      expect((await site.drive(patients)).commits).toMatchObject([{ quarantined: 1 }]);
    });
  });

  it('is not tried again once a newer state of it is on its way, be that committed or parked', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ streams }, async (site) => {
      const observations = up('Observation');
      const observation = (more: object): void => {
        site.instance.put({ resourceType: 'Observation', id: 'o', status: 'final', code: {}, ...more });
      };
      observation({ valueInteger: 1 });
      refuse(site, keyOf(site, 'o', 'Observation'));
      await site.drive(observations);
      await retry(site);
      site.hub.faults.clear();
      // Parked: its patient is not there yet.
      const retried = await site.fetchBatch(observations);
      expect(retried.own).toBe('retry');
      observation({ valueInteger: 2, subject: { reference: 'Patient/p' } });
      site.settle();
      await site.parts.db.updateTable('quarantine').set({ retry: 0 }).execute();
      await site.drive(observations);
      expect(await list(site)).toEqual([]);
      expect((await retry(site)).counts).toEqual({});
      site.instance.put(patient('p'));
      await site.drive(patients);
      expect(site.inHub('Observation', 'o')).toMatchObject({ valueInteger: 2 });
      expect(site.versionsInHub('Observation', 'o')).toBe(1);
    });
  });

  it('is parked, not forgotten and not asked for over and over, where its reference has gone meanwhile', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ streams }, async (site) => {
      site.instance.put(patient('p'));
      site.instance.put({ resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/p' } });
      refuse(site, keyOf(site, 'o', 'Observation'));
      await site.drive(patients);
      await site.drive(up('Observation'));
      site.instance.delete('Patient', 'p');
      await site.drive(patients);
      site.hub.faults.clear();
      await retry(site);
      const { commits } = await site.drive(up('Observation'));
      expect(commits).toMatchObject([{ parked: 1, quarantined: 0 }]);
      expect(await list(site)).toEqual([]);
    });
  });
});

describe('what the site refused', () => {
  it('is tried again in the source’s state of now, and an older row that comes later does not follow it', async () => {
    await withSite({ policy: strict }, async (site) => {
      site.instance.put(patient('a', unsound));
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ reason: 'modifier-extension', form: 'raw', status: 0 }]);
      await retry(site);
      site.instance.put(patient('a', { gender: 'male' }));
      const { batches } = await site.drive(patients);
      expect(batches[0]).toMatchObject({ own: 'retry' });
      expect(await list(site)).toEqual([]);
      expect(site.inHub('Patient', 'a')).toMatchObject({ gender: 'male' });
      expect(site.versionsInHub('Patient', 'a')).toBe(1);
    });
  });

  it('stays, with another attempt, while the cause is there; and goes where the source has deleted it', async () => {
    await withSite({ policy: strict }, async (site) => {
      site.instance.put(patient('a', unsound));
      await site.drive(patients);
      await retry(site);
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ attempts: 2, ordered: false }]);
      site.settle();
      site.instance.delete('Patient', 'a');
      await retry(site);
      await site.drive(patients);
      expect(await list(site)).toEqual([]);
    });
  });

  it('for its size, leaves quarantine when a smaller state follows', async () => {
    await withSite({ limits: { resourceBytesMax: 4_096 } }, async (site) => {
      site.instance.put(patient('a', { text: { status: 'generated', div: 'x'.repeat(5_000) } }));
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ key: keyOf(site, 'a'), form: 'none' }]);
      expect((await retry(site)).counts).toEqual({});
      site.settle();
      site.instance.put(patient('a'));
      await site.drive(patients);
      expect(await list(site)).toEqual([]);
    });
  });
});

describe('a delete of what others refer to', () => {
  it('waits in quarantine where the target refuses it, and is done when the last referrer has gone', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ streams, hub: { deleteIntegrity: true } }, async (site) => {
      site.instance.put(patient('p'));
      for (const id of ['o1', 'o2'])
        site.instance.put({ resourceType: 'Observation', id, subject: { reference: 'Patient/p' } });
      await site.drive(patients);
      await site.drive(up('Observation'));
      site.settle();
      site.instance.delete('Patient', 'p');
      site.instance.delete('Observation', 'o1');
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ reason: 'still-referenced', status: 409, form: 'delete' }]);
      await site.drive(up('Observation'));
      expect((await list(site))[0]).toMatchObject({ ordered: true });
      expect((await site.poll()).due).toBe(1);
      await site.drive(patients);
      expect(await list(site)).toMatchObject([{ attempts: 2, ordered: false }]);
      site.instance.delete('Observation', 'o2');
      await site.drive(up('Observation'));
      await site.drive(patients);
      expect(site.hub.list('Patient')).toEqual([]);
      expect(await list(site)).toEqual([]);
    });
  });
});

describe('an operator', () => {
  it('sees names, reasons and times page by page, and the content at the site alone', async () => {
    await withSite({ policy: strict, streams: ['up Patient', 'up Observation'] }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id, { ...unsound, name: [{ family: 'Quarantined' }] }));
      await site.drive(patients);
      const entries = await list(site);
      expect(entries).toHaveLength(2);
      expect(JSON.stringify(entries)).not.toContain('Quarantined');
      const [first] = entries;
      const rest = await tend(site, { ...all, action: 'list', after: first?.key ?? '' });
      expect(rest.entries).toEqual(entries.slice(1));
      const none = await tend(site, { ...all, types: ['Observation'], action: 'list', after: '' });
      expect(none.entries).toEqual([]);
      const found = await readQuarantined(site.parts.db, 'up', first?.key ?? '');
      const sealed = { key: first?.key ?? '', content: found?.content ?? Buffer.of() };
      const json = quarantinedJson(found?.form ?? 'none', openQuarantined(site.parts.sealer, 'up', sealed));
      expect(JSON.parse(Buffer.from(json).toString())).toMatchObject({ name: [{ family: 'Quarantined' }] });
    });
  });

  it('gives up what he names, and that is logged with the reason', async () => {
    await withSite({ policy: strict }, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id, unsound));
      await site.drive(patients);
      const given = await tend(site, {
        direction: 'up',
        types: [],
        keys: [keyOf(site, 'a')],
        action: 'discard',
        reason: 'test-data',
        ticket: 'OPS-7',
      });
      expect(given.counts).toEqual({ Patient: 1 });
      expect(await list(site)).toMatchObject([{ key: keyOf(site, 'b') }]);
      const event = site.logged.find((line) => line.includes('quarantine-discarded')) ?? '';
      expect(JSON.parse(event)).toMatchObject({ key: keyOf(site, 'a'), reason: 'test-data', ticket: 'OPS-7' });
    });
  });

  it('finds what was given up in a list of its own, without content, until something newer of it comes', async () => {
    await withSite({ policy: strict }, async (site) => {
      site.instance.put(patient('a', unsound));
      await site.drive(patients);
      await discard(site);
      const { entries } = await tend(site, { ...all, action: 'list', after: '', discarded: true });
      expect(entries).toMatchObject([
        { key: keyOf(site, 'a'), reason: 'modifier-extension', discarded: { reason: 'duplicate', ticket: 'OPS-8' } },
      ]);
      expect(await list(site)).toEqual([]);
      expect((await retry(site)).counts).toEqual({});
      expect(await readQuarantined(site.parts.db, 'up', keyOf(site, 'a'))).toMatchObject({ content: null });
      expect((await inActivity(() => site.activities.describeStreams()))[0]?.totals.quarantined).toBe(0);
      site.settle();
      site.instance.put(patient('a', { gender: 'male' }));
      await site.drive(patients);
      expect((await tend(site, { ...all, action: 'list', after: '', discarded: true })).entries).toEqual([]);
    });
  });

  it('may give up what a commit that is not through yet has refused: it does not count as written', async () => {
    await withSite({}, async (site) => {
      for (const id of ['a', 'b']) site.instance.put(patient(id, { gender: 'female' }));
      refuse(site, keyOf(site, 'b'));
      const batch = await site.cleanBatch(patients);
      await site.authorize(patients, batch);
      // The commit goes through, and whoever sent it does not hear so.
      site.hub.faults.push({ match: { bodyIncludes: '"kind":"cursor"' }, action: { kind: 'drop' } });
      await expect(site.commit(batch)).rejects.toThrow();
      expect(await list(site)).toHaveLength(1);
      await discard(site);
      await site.commit(batch);
      site.hub.faults.clear();
      // Its state of now is written, since it never was.
      site.settle();
      site.instance.put(patient('b', { gender: 'female' }));
      await site.drive(patients);
      expect(site.inHub('Patient', 'b')).toEqual(site.expected('Patient', 'b'));
    });
  });
});

describe('a state that is too large', () => {
  const large = { language: 'x'.repeat(3_000) };
  const limits = { resourceBytesMax: 2_048 };
  const reasons = async (site: Site): Promise<string[]> => (await list(site)).map(({ reason }) => reason);

  it('stands in quarantine where an older state of it comes in the same batch', async () => {
    await withSite({ limits }, async (site) => {
      site.instance.put(patient('p1', { gender: 'male' }));
      site.instance.put(patient('p1', large));
      await site.drive(patients);
      expect(await reasons(site)).toEqual(['resource-too-large']);
    });
  });

  it('stands in quarantine where an older state of it is being committed while it is fetched', async () => {
    await withSite({ limits: { ...limits, batchRowsMax: 1 } }, async (site) => {
      site.instance.put(patient('p1', { gender: 'male' }));
      const first = await site.cleanBatch(patients);
      site.instance.put(patient('p1', large));
      const inFlight = { batch: first.id, epoch: 1, settled: 0, delivered: first.range.hi };
      const ahead = await site.fetch(patients, { inFlight });
      await site.commit(first);
      if (ahead.kind !== 'batch') throw new Error(ahead.kind);
      await site.commit(await site.anonymize(ahead.batch));
      expect(await reasons(site)).toEqual(['resource-too-large']);
    });
  });

  it('takes the place of an older state that is parked', async () => {
    await withSite({ streams: ['up Patient', 'up Observation'], limits }, async (site) => {
      const observation = (more: object): void => {
        site.instance.put({ resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/p1' }, ...more });
      };
      observation({});
      await site.drive(up('Observation'));
      site.settle();
      observation(large);
      await site.drive(up('Observation'));
      site.instance.put(patient('p1'));
      await site.drive(patients);
      expect(await reasons(site)).toEqual(['resource-too-large']);
      expect(site.inHub('Observation', 'o')).toBeUndefined();
    });
  });

  it('of a fetch that was given up leaves nothing behind where a good one is committed', async () => {
    await withSite({ limits }, async (site) => {
      site.instance.put(patient('p1', large));
      const batch = await site.fetchBatch(patients);
      site.instance.put(patient('p1', { gender: 'male' }));
      await site.fetch(patients, { discard: [batch.id], tidyOnly: true });
      await site.drive(patients);
      expect(await reasons(site)).toEqual([]);
      expect(site.inHub('Patient', 'p1')).toMatchObject({ gender: 'male' });
    });
  });
});
