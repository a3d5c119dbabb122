/**
 * Each effect once (I3, I4): answers that get lost, attempts that run together, and attempts that lost and wake up when
 * the stream has moved on. On servers that obey `ifMatch` on entries, and on those that ignore it.
 */
import { describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { dyingAfter, type Held, holdRead, holdTransaction } from '../support/held.ts';
import { patient, type Site, type SiteOptions, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = Array.from({ length: 12 }, (_, index) => `p${String(index)}`);
const modes = ['obeyed', 'ignored'] as const;
const isData = (bundle: string): boolean => bundle.includes('"url":"Patient/');
const carriesCursor = (bundle: string): boolean => isData(bundle) && bundle.includes('"kind":"cursor"');
const isInFront = (bundle: string): boolean => isData(bundle) && !bundle.includes('"committedAt"');

/** Four bundles on two lanes, the last with the cursor. */
const fourBundles = { bundleEntriesMax: 3, bundlesInFlightMax: 2 };
const oneBundle = { bundleEntriesMax: 500 };

type Mode = (typeof modes)[number];

const options = (entryIfMatch: Mode, limits: SiteOptions['limits'] = fourBundles): SiteOptions => ({
  hub: { entryIfMatch },
  limits,
});

const write = (site: Site, gender: string): void => {
  for (const id of ids) site.instance.put(patient(id, { gender }));
};

/** A batch of all patients, ready to be committed. */
async function firstBatch(site: Site): Promise<Batch> {
  write(site, 'unknown');
  return site.cleanBatch(patients);
}

const versions = (site: Site): number[] => ids.map((id) => site.versionsInHub('Patient', id));
const cursorMoves = (site: Site): number[] =>
  site.hub.store
    .versions('ChangesInfo', cursorId(site.name, 'up', 'Patient'))
    .map((version) => JSON.parse(version.json) as { kind: string; sequence: number })
    .filter(({ kind }) => kind === 'cursor')
    .map(({ sequence }) => sequence);

const once = ids.map(() => 1);

/** The patients and the cursor as they stand in the hub, with their versions. */
const snapshot = (site: Site): unknown => [
  site.hub.list('Patient'),
  site.cursor(patients),
  site.hub.store.rows('Patient').length,
];

/** What came of an attempt: `done`, or the trouble that it reports. */
async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    return (error as { type?: string }).type ?? 'unknown';
  }
}

describe.each(modes)('commit, where ifMatch on entries is %s', (mode) => {
  it.each([0, 1, 2, 3])('writes nothing twice when the answer to transaction %i is lost', async (skip) => {
    await withSite(options(mode), async (site) => {
      const batch = await firstBatch(site);
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, skip, action: { kind: 'drop' } });
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'target-unreachable', nonRetryable: false });
      const result = await site.commit(batch);
      expect(result.totals.counts.committed).toBe(12);
      expect(versions(site)).toEqual(once);
      expect(cursorMoves(site)).toEqual([1]);
    });
  });

  it('writes nothing twice when it is run again after it was done', async () => {
    await withSite(options(mode), async (site) => {
      const batch = await firstBatch(site);
      await site.commit(batch);
      const before = snapshot(site);
      expect(await outcome(site.commit(batch))).toBe('lost-race');
      expect(snapshot(site)).toEqual(before);
    });
  });

  it.each([
    ['at once', 0],
    ['some of them late and in conflict', 0.5],
  ])('has one effect when two attempts run together, commits %s', async (_how, share) => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const hub = { entryIfMatch: mode, seed, ...(share > 0 && { lateCommits: { share, maxDelayMs: 30 } }) };
      await withSite({ hub, limits: fourBundles }, async (site) => {
        const batch = await firstBatch(site);
        const attempts = [site.commit(batch), site.commit(batch, site.process())];
        const outcomes = await Promise.all(attempts.map(outcome));
        expect(outcomes).toContain('done');
        expect(versions(site)).toEqual(once);
        expect(cursorMoves(site)).toEqual([1]);
        expect((await site.position(patients)).counts).toMatchObject({ changes: 12, committed: 12 });
      });
    }
  });

  it('notes with the next fetch what a process committed that died before it could', async () => {
    await withSite(options(mode), async (site) => {
      const batch = await firstBatch(site);
      expect(await outcome(site.commit(batch, dyingAfter(site, carriesCursor)))).toBe('unexpected');
      expect((await site.position(patients)).sequence).toBe(0);
      // The workflow has given the batch up meanwhile.
      expect((await site.fetch(patients, { discard: [batch.id] })).kind).toBe('caught-up');
      expect(await site.position(patients)).toMatchObject({ sequence: 1, counts: { committed: 12 } });
      // Also that the next state is compared with what was written.
      write(site, 'unknown');
      await site.drive(patients);
      expect(versions(site)).toEqual(once);
    });
  });

  describe.each([
    ['bundle', fourBundles],
    ['piece', oneBundle],
  ] as const)('that dies after a %s', (_what, limits) => {
    /** Refused wherever it is among others, so that its bundle goes out in pieces. */
    const poison = (site: Site): void => {
      if (limits !== oneBundle) return;
      const match = { bodyIncludes: `"url":"Patient/${site.pseudonym('Patient', 'p9')}"` };
      site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status: 422, body: '{}' } });
    };
    const written = ids.map((id) => (limits === oneBundle && id === 'p9' ? 0 : 1));
    const committed = written.filter((count) => count === 1).length;

    it('goes on from there, however often', async () => {
      await withSite(options(mode, limits), async (site) => {
        const batch = await firstBatch(site);
        poison(site);
        for (let turn = 0; turn < 3; turn += 1) {
          const died = await outcome(site.commit(batch, dyingAfter(site, isInFront)));
          if (died === 'done') break;
          expect(died).toBe('unexpected');
        }
        await site.commit(batch).catch(() => undefined);
        expect(versions(site)).toEqual(written);
        expect(await site.position(patients)).toMatchObject({ sequence: 1, counts: { committed } });
      });
    });

    it('and is given up then, is found there by the next batch', async () => {
      await withSite(options(mode, limits), async (site) => {
        const batch = await firstBatch(site);
        poison(site);
        expect(await outcome(site.commit(batch, dyingAfter(site, isInFront)))).toBe('unexpected');
        await site.fetch(patients, { discard: [batch.id], tidyOnly: true });
        const atFirst = versions(site);
        expect(atFirst).toContain(1);
        // One is deleted at the source before anybody looks again.
        site.instance.delete('Patient', ids[atFirst.indexOf(1)]!);
        await site.drive(patients);
        expect(versions(site)).toEqual(written.map((count, at) => (at === atFirst.indexOf(1) ? 2 : count)));
        expect(site.hub.list('Patient')).toHaveLength(committed - 1);
        expect((await site.position(patients)).counts).toMatchObject({ committed, deleted: 1 });
      });
    });
  });

  describe('an attempt that lost', () => {
    const holds: readonly (readonly [string, SiteOptions['limits'], (site: Site) => Held])[] = [
      ['its first transaction', fourBundles, (site) => holdTransaction(site, isData)],
      ['its third transaction', fourBundles, (site) => holdTransaction(site, isData, { skip: 2 })],
      ['the transaction with the cursor', fourBundles, (site) => holdTransaction(site, carriesCursor)],
      ['its only transaction', oneBundle, (site) => holdTransaction(site, isData)],
      [
        'the answer to its first transaction',
        fourBundles,
        (site) => holdTransaction(site, isInFront, { answer: true }),
      ],
      [
        'its look at the fences',
        fourBundles,
        (site) => holdRead(site, (read) => read.length > 1 || read.some((id) => id.startsWith('m-'))),
      ],
    ];

    it.each(holds)(
      'changes nothing when it held %s while another committed the batch and the next',
      async (_what, limits, hold) => {
        await withSite(options(mode, limits), async (site) => {
          const batch = await firstBatch(site);
          const held = hold(site);
          const lost = outcome(site.commit(batch, held.activities));
          await held.reached;
          await site.commit(batch);
          write(site, 'other');
          await site.drive(patients);
          const before = snapshot(site);
          const position = await site.position(patients);
          held.release();
          expect(await lost).not.toBe('done');
          expect(snapshot(site)).toEqual(before);
          expect(await site.position(patients)).toEqual(position);
        });
      },
    );

    it.each(holds)('changes nothing when it held %s while its batch was given up', async (_what, limits, hold) => {
      await withSite(options(mode, limits), async (site) => {
        const batch = await firstBatch(site);
        const held = hold(site);
        const lost = outcome(site.commit(batch, held.activities));
        await held.reached;
        write(site, 'other');
        const next = await site.fetch(patients, { discard: [batch.id] });
        if (next.kind !== 'batch') throw new Error(next.kind);
        const before = snapshot(site);
        const position = await site.position(patients);
        held.release();
        expect(await lost).not.toBe('done');
        expect(snapshot(site)).toEqual(before);
        expect(await site.position(patients)).toEqual(position);
        await site.commit(await site.anonymize(next.batch));
        for (const id of ids) expect(site.inHub('Patient', id)).toMatchObject({ gender: 'other' });
      });
    });

    it.each([
      ['the only bundle', oneBundle],
      ['a bundle in front', fourBundles],
    ])(
      'changes nothing when it held a piece of %s, which was refused to it and not to the next',
      async (_what, limits) => {
        await withSite(options(mode, limits), async (site) => {
          const batch = await firstBatch(site);
          // The first whole bundle is refused, and with it begins the search for the culprit.
          site.hub.faults.push({
            match: { bodyIncludes: '"url":"Patient/' },
            action: { kind: 'answer', status: 422, body: { resourceType: 'OperationOutcome' } },
          });
          let sizes: number[] = [];
          const held = holdTransaction(site, (bundle) => {
            const size = bundle.split('"url":"Patient/').length - 1;
            if (size > 0) sizes.push(size);
            return size > 0 && sizes.some((other) => other > size);
          });
          const lost = outcome(site.commit(batch, held.activities));
          await held.reached;
          sizes = [];
          await site.commit(batch);
          write(site, 'other');
          await site.drive(patients);
          const before = snapshot(site);
          held.release();
          expect(await lost).not.toBe('done');
          expect(snapshot(site)).toEqual(before);
        });
      },
    );
  });

  it('sends again what met a serialization conflict', async () => {
    await withSite(options(mode), async (site) => {
      const batch = await firstBatch(site);
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, times: 5, action: { kind: 'conflict' } });
      await site.commit(batch);
      expect(site.hub.faults.pendingCount).toBe(0);
      expect(versions(site)).toEqual(once);
    });
  });

  it('says target-conflict, for Temporal to try again, where conflicts do not end', async () => {
    await withSite(options(mode, oneBundle), async (site) => {
      const batch = await firstBatch(site);
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, times: 99, action: { kind: 'conflict' } });
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'target-conflict', nonRetryable: false });
      expect(site.hub.list('Patient')).toEqual([]);
      site.hub.faults.clear();
      await site.commit(batch);
      expect(versions(site)).toEqual(once);
    });
  });
});

describe('a fetch that was given up and goes on', () => {
  it('cannot have an older state follow a newer one: what it has overtaken is read anew', async () => {
    await withSite({ limits: { batchRowsMax: 4, overlapRowsMax: 0 } }, async (site) => {
      let filler = 0;
      const fill = (): void => void site.instance.put(patient(`f${String((filler += 1))}`));
      for (const count of [1, 2]) site.instance.put(patient('p1', { multipleBirthInteger: count }));
      fill();
      fill();
      site.settle();
      site.instance.put(patient('p1', { multipleBirthInteger: 3 }));
      for (let count = 0; count < 3; count += 1) fill();
      site.instance.put(patient('p1', { multipleBirthInteger: 4 }));
      const live = await site.fetchBatch(patients);
      // The attempt before it was given up, and notes after it what it has read, too.
      await site.fetch(patients);
      await expect(site.anonymize(live).then((batch) => site.commit(batch))).rejects.toMatchObject({
        type: 'lost-race',
      });
      const seen: unknown[] = [];
      for (let next = await site.fetch(patients); next.kind === 'batch'; next = await site.fetch(patients)) {
        await site.commit(await site.anonymize(next.batch));
        seen.push(site.inHub('Patient', 'p1')?.multipleBirthInteger);
      }
      expect(seen).toEqual(seen.map(() => 4));
    });
  });
});

describe('the probe of the fences', () => {
  it.each([
    [409, true],
    [412, false],
  ])('takes %i for what it is: a request that came twice, or a conflict that passes', async (status, applied) => {
    await withSite({}, async (site) => {
      site.instance.put(patient('p1'));
      const batch = await site.cleanBatch(patients);
      const action = { kind: 'answer', status, applied, body: '{}' } as const;
      site.hub.faults.push({ match: { bodyIncludes: '"kind":"probe"' }, action });
      if (!applied)
        await expect(site.commit(batch)).rejects.toMatchObject({ type: 'target-conflict', nonRetryable: false });
      await site.commit(batch);
      expect(site.inHub('Patient', 'p1')).toBeDefined();
    });
  });
});
