import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import { readPart } from '../../src/activities/staged.ts';
import { type Line, lineRanges, parseLine } from '../../src/threads/lines.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';
import { filesBelow } from '../staging/folder.ts';

const patients = up('Patient');

/** The staged lines of a batch: `put id` or `delete id`. */
async function staged(site: Site, batch: Batch): Promise<string[]> {
  const lines: string[] = [];
  for (let part = 0; part < batch.parts; part += 1) {
    const bytes = await readPart(site.parts.staging, batch.id, batch.form, part);
    for (const { start, end } of lineRanges(bytes)) lines.push(textOf(parseLine(bytes, start, end)));
  }
  return lines.sort();
}

const textOf = (line: Line): string => (line.kind === 'put' ? `put ${line.resource.id ?? ''}` : `delete ${line.id}`);

/** Puts patients `p0`, `p1`, … and returns their ids. */
function putPatients(site: Site, count: number): string[] {
  const ids = Array.from({ length: count }, (_, index) => `p${String(index)}`);
  for (const id of ids) site.instance.put(patient(id));
  return ids;
}

const puts = (ids: readonly string[]): string[] => ids.map((id) => `put ${id}`).sort();

const lines = { instance: { record: 'lines' } } as const;
const changesRequests = (site: Site): string[] =>
  site.instance.requests.map(({ path }) => path).filter((path) => path.includes('version='));

describe('fetch-changes', () => {
  it('stages all of the range up to the head it saw, and says what it read', async () => {
    await withSite(lines, async (site) => {
      const ids = putPatients(site, 3);
      const head = site.instance.store.head('Patient') ?? 0;
      const batch = await site.fetchBatch(patients);
      expect(batch).toMatchObject({ range: { lo: 0, hi: head }, head, changes: 3, deleted: 0, form: 'raw', epoch: 1 });
      expect(await staged(site, batch)).toEqual(puts(ids));
      expect(changesRequests(site).every((path) => path.includes(`version=0,${String(head)}&fhir=true`))).toBe(true);
    });
  });

  it('reads page after page of one pinned range, whatever is written meanwhile', async () => {
    await withSite({ ...lines, limits: { pageRowsMax: 2 } }, async (site) => {
      const ids = putPatients(site, 5);
      site.instance.faults.push({ match: { pathRegex: /_page=2/ }, action: { kind: 'delay', delayMs: 300 } });
      const fetching = site.fetchBatch(patients);
      // The range is pinned once the first page is asked for, and the second does not come before this is written.
      while (!changesRequests(site).some((path) => path.includes('_page=1'))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      site.instance.put(patient('meanwhile'));
      const batch = await fetching;
      expect(await staged(site, batch)).toEqual(puts(ids));
      expect(changesRequests(site).map((path) => /_page=\d/.exec(path)?.[0])).toEqual([
        '_page=1',
        '_page=2',
        '_page=3',
      ]);
    });
  });

  it('cuts a range that is too long by version, and goes on from there with the next batch', async () => {
    await withSite({ limits: { batchRowsMax: 10, pageRowsMax: 4 } }, async (site) => {
      const ids = putPatients(site, 57);
      const { batches } = await site.drive(patients);
      expect(batches.length).toBeGreaterThan(4);
      expect(batches.every((batch) => batch.changes <= 10)).toBe(true);
      let at = 0;
      for (const { range } of batches) {
        // The window is read along while it is unsettled, so a range begins at or below where the one before ended.
        expect(range.lo).toBeLessThanOrEqual(at);
        expect(range.hi).toBeGreaterThan(at);
        at = range.hi;
      }
      expect(batches.reduce((sum, batch) => sum + batch.changes, 0)).toBe(57);
      for (const id of ids) expect(site.versionsInHub('Patient', id)).toBe(1);
    });
  });

  it('bounds a batch by the bytes that were read, also where many ranges make it up', async () => {
    await withSite({ limits: { batchBytesMax: 65_536, pageRowsMax: 2, batchRowsMax: 100 } }, async (site) => {
      for (let index = 0; index < 40; index += 1) {
        site.instance.put(patient(`p${String(index)}`, { text: { status: 'generated', div: 'x'.repeat(10_000) } }));
      }
      const { batches } = await site.drive(patients);
      expect(batches.every((batch) => batch.changes <= 12)).toBe(true);
      expect(batches.reduce((sum, batch) => sum + batch.changes, 0)).toBe(40);
    });
  });

  it.each([
    ['lists rows from the newest to the oldest', { changesOrder: 'descending' } as const, 2],
    ['lists rows in no order', { changesOrder: 'shuffled' } as const, 2],
    ['leaves meta out of its rows', { metaInChanges: false }, 2],
    ['leaves meta out and lists rows in no order', { metaInChanges: false, changesOrder: 'shuffled' } as const, 3],
    ['says 304 of an empty range', { emptyRange: 'not-modified' } as const, 2],
    ['gives the rows of a transaction one version', { txidPer: 'transaction' } as const, 2],
  ])('reads everything from a server that %s', async (_what, options, pageRowsMax) => {
    await withSite({ instance: options, limits: { pageRowsMax } }, async (site) => {
      const ids = putPatients(site, 7);
      site.instance.put(patient('p3', { gender: 'female' }));
      site.instance.delete('Patient', 'p5');
      await site.drive(patients);
      for (const id of ids) expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
      expect(site.expected('Patient', 'p5')).toBeUndefined();
    });
  });

  it('reads everything from a server that caps its pages below what is asked for', async () => {
    await withSite({ limits: { pageRowsMax: 100 } }, async (site) => {
      const ids = putPatients(site, 9);
      capPages(site, 4);
      const batch = await site.fetchBatch(patients);
      expect(await staged(site, batch)).toEqual(puts(ids));
    });
  });

  it('keeps of several versions the newest alone', async () => {
    await withSite({}, async (site) => {
      for (const gender of ['male', 'female', 'other']) site.instance.put(patient('a', { gender }));
      const batch = await site.fetchBatch(patients);
      expect(batch.changes).toBe(3);
      expect(await staged(site, batch)).toEqual(['put a']);
      await site.commit(await site.anonymize(batch));
      expect(site.inHub('Patient', 'a')).toMatchObject({ gender: 'other' });
      expect(site.versionsInHub('Patient', 'a')).toBe(1);
    });
  });

  it.each(['whole', 'id-only'] as const)(
    'stages a delete by its id alone (rows of deletes: %s)',
    async (deletedRow) => {
      await withSite({ instance: { deletedRow } }, async (site) => {
        putPatients(site, 2);
        await site.drive(patients);
        site.instance.delete('Patient', 'p1');
        const batch = await site.fetchBatch(patients);
        expect(batch).toMatchObject({ changes: 1, deleted: 1 });
        expect(await staged(site, batch)).toEqual(['delete p1']);
        await site.commit(await site.anonymize(batch));
        expect(site.inHub('Patient', 'p1')).toBeUndefined();
        expect(site.inHub('Patient', 'p0')).toBeDefined();
      });
    },
  );

  it.each(['created', 'updated'] as const)(
    'delivers an id that came back after its delete (%s)',
    async (recreatedEvent) => {
      await withSite({ instance: { recreatedEvent } }, async (site) => {
        putPatients(site, 1);
        await site.drive(patients);
        site.instance.delete('Patient', 'p0');
        await site.drive(patients);
        expect(site.inHub('Patient', 'p0')).toBeUndefined();
        site.instance.put(patient('p0', { gender: 'other' }));
        await site.drive(patients);
        expect(site.inHub('Patient', 'p0')).toEqual(site.expected('Patient', 'p0'));
        expect(site.expected('Patient', 'p0')).toMatchObject({ gender: 'other' });
      });
    },
  );

  it('asks for the head and no more where nothing is new, and says so', async () => {
    await withSite(lines, async (site) => {
      putPatients(site, 2);
      await site.drive(patients);
      site.settle();
      await site.drive(patients);
      site.instance.requests.length = 0;
      const fetched = await site.fetch(patients);
      expect(fetched).toMatchObject({ kind: 'caught-up', totals: { counts: { committed: 2 } } });
      expect(site.instance.requests.map(({ path }) => path)).toEqual(['/Patient/$changes']);
    });
  });

  it('says that a type which never had a row is caught up', async () => {
    await withSite({}, async (site) => {
      expect(await site.fetch(patients)).toMatchObject({ kind: 'caught-up', head: 0 });
    });
  });

  it('fetches the next batch while one is committed, without what that one brings', async () => {
    await withSite({ limits: { batchRowsMax: 10 } }, async (site) => {
      putPatients(site, 30);
      const first = await site.fetchBatch(patients);
      const { settled, delivered } = { settled: 0, delivered: first.range.hi };
      const inFlight = { batch: first.id, epoch: 1, settled, delivered };
      const second = await site.fetch(patients, { inFlight });
      if (second.kind !== 'batch') throw new Error(second.kind);
      const both = [...(await staged(site, first)), ...(await staged(site, second.batch))];
      expect(new Set(both).size).toBe(both.length);
      await site.commit(await site.anonymize(first));
      await site.commit(await site.anonymize(second.batch));
      expect((await site.position(patients)).delivered).toBe(second.batch.range.hi);
    });
  });

  it('refuses a stream that the configuration does not name', async () => {
    await withSite({}, async (site) => {
      await expect(site.fetch(up('Observation'))).rejects.toMatchObject({ type: 'stream-unknown', nonRetryable: true });
    });
  });

  it('deletes what lies in staging of batches that were given up', async () => {
    await withSite({}, async (site) => {
      putPatients(site, 2);
      const given = await site.fetchBatch(patients);
      const again = await site.fetch(patients, { discard: [given.id] });
      const files = await filesBelow(site.stagingFolder);
      expect(again.kind).toBe('batch');
      expect(files.length).toBeGreaterThan(0);
      expect(files.filter((file) => file.startsWith(given.id))).toEqual([]);
    });
  });

  it('writes raw data nowhere but into encrypted staging', async () => {
    await withSite({}, async (site) => {
      const canaries = ['Quenthrix', 'MRN-55501', '555-0142', 'canary-id-77'];
      const [family, value, phone, id = ''] = canaries;
      site.instance.put(patient(id, { name: [{ family }], identifier: [{ value }], telecom: [{ value: phone }] }));
      site.instance.put(patient('other-canary-id', { modifierExtension: [{ url: 'x', valueString: family }] }));
      const batch = await site.fetchBatch(patients);
      await site.anonymize(batch);
      const state = ['state.db', 'state.db-wal'].map((name) => join(site.folder, name));
      const stagingFiles = (await filesBelow(site.stagingFolder)).map((name) => join(site.stagingFolder, name));
      expect(stagingFiles.length).toBeGreaterThanOrEqual(3);
      for (const file of [...state, ...stagingFiles]) {
        const bytes = await readFile(file).catch(() => Buffer.alloc(0));
        for (const canary of [...canaries, 'other-canary-id'])
          expect([file, bytes.includes(canary)]).toEqual([file, false]);
      }
      expect(JSON.stringify([batch, site.logged])).not.toMatch(/Quenthrix|MRN-55501|555-0142|canary-id/);
      // The search does see what is there: the same bytes, opened.
      const raw = await readPart(site.parts.staging, batch.id, 'raw', 0);
      expect(raw.includes('Quenthrix')).toBe(true);
    });
  });
});

/** Makes the instance send at most `most` rows a page, whatever `_count` says, by answering in its place. */
function capPages(site: Site, most: number): void {
  const rows = site.instance.store.rows('Patient');
  for (let page = 1; page <= Math.ceil(rows.length / most) + 1; page += 1) {
    const shown = rows.slice((page - 1) * most, page * most);
    const changes = shown.map((row) => `{"event":"${row.event}","resource":${row.json}}`).join(',');
    const body = `{"version":${String(rows.at(-1)?.txid ?? 0)},"changes":[${changes}]}`;
    const match = { pathRegex: new RegExp(`version=.*_page=${String(page)}$`) };
    site.instance.faults.push({ match, action: { kind: 'answer', status: 200, body } });
  }
}
