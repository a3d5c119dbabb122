/** What no feed shows: found by comparing source and target, and repaired by the stream's own batches. */
import { describe, expect, it } from '@jest/globals';

import type { ReconcileReport, StreamKey } from '../../src/activities/contract.ts';
import { readLedger } from '../../src/state/ledger.ts';
import { updateStream } from '../../src/state/streams.ts';
import { down, inActivity, patient, type Site, type SiteOptions, type Stored, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const observations = up('Observation');
const organizations = down('Organization');

type Activities = Site['activities'];

const reconcile = (site: Site, stream: StreamKey, repair = false, activities: Activities = site.activities) =>
  inActivity(() => activities.reconcileStream({ stream, repair }));

/** The kinds that differ, with their numbers. */
const driftOf = async (site: Site, stream = patients, repair = false): Promise<object> =>
  (await reconcile(site, stream, repair)).drift;

const organization = (id: string, more: object = {}): Stored => ({
  resourceType: 'Organization',
  id,
  name: `Clinic ${id}`,
  ...more,
});

const observation = (id: string, more: object = {}): Stored => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Pulse' },
  ...more,
});

/** A stream with these patients in both places, settled. */
async function loaded(site: Site, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) site.instance.put(patient(id, { gender: 'female' }));
  await site.drive(patients);
  site.settle();
  await site.drive(patients);
}

/** What a target and the state hold: to be compared with itself. */
async function everything(site: Site): Promise<string> {
  const tables = ['ledger', 'wanted', 'deletions', 'conflicts', 'parked', 'quarantine', 'survey', 'streams'] as const;
  const rows = await Promise.all(tables.map((table) => site.parts.db.selectFrom(table).selectAll().execute()));
  return JSON.stringify([rows, site.hub.list('Patient'), site.instance.list('Patient')]);
}

const few: SiteOptions = { limits: { leftoversShareMax: 1 } };

describe('what no feed shows', () => {
  it.each<[string, (site: Site) => void, object]>([
    [
      'a purge',
      (site) => {
        site.instance.purge('Patient', 'b');
      },
      { purged: 1 },
    ],
    [
      'a bulk load',
      (site) => {
        for (const id of ['new', 'newer']) {
          site.instance.put(patient(id, { gender: 'male' }));
          site.instance.hide('Patient', id);
        }
      },
      { missing: 2 },
    ],
    [
      'a change by raw SQL',
      (site) => {
        site.instance.alter(patient('b', { gender: 'other' }));
      },
      { changed: 1 },
    ],
    [
      'a copy that somebody edited in the target',
      (site) => {
        const id = site.pseudonym('Patient', 'b');
        site.hub.put({ ...(site.hub.read('Patient', id) as Stored), gender: 'unknown' });
      },
      { 'edited-in-target': 1 },
    ],
    [
      'a copy that somebody deleted in the target',
      (site) => {
        site.hub.delete('Patient', site.pseudonym('Patient', 'b'));
      },
      { 'missing-in-target': 1 },
    ],
    [
      'a copy that somebody took the origin from',
      (site) => {
        site.hub.put(patient(site.pseudonym('Patient', 'b'), { gender: 'unknown' }));
      },
      { 'missing-in-target': 1 },
    ],
    [
      'a copy that nobody knows of',
      (site) => {
        const origin = { system: 'urn:fhir-sluice:origin', code: 'north' };
        site.hub.put(patient('p1-nobodys', { meta: { tag: [origin] } }));
      },
      { 'unknown-in-target': 1 },
    ],
  ])('%s is reported, repaired on request, and gone', async (_what, change, expected) => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      expect(await driftOf(site)).toEqual({});
      change(site);
      const before = await everything(site);
      expect(await driftOf(site)).toEqual(expected);
      expect(await everything(site)).toBe(before);
      expect((await site.poll()).due).toBe(0);
      expect(await driftOf(site, patients, true)).toEqual(expected);
      expect((await site.poll()).due).toBe(1);
      await site.drive(patients);
      expect((await site.poll()).due).toBe(0);
      expect(await driftOf(site)).toEqual({});
      const ids = site.instance.list('Patient').map(({ id }) => id ?? '');
      for (const id of ids) expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
      expect(
        site.hub
          .list('Patient')
          .map(({ id }) => id)
          .sort(),
      ).toEqual(ids.map((id) => site.pseudonym('Patient', id)).sort());
    });
  });

  it('is counted by kind and by range, logged by numbers alone, and told with the stream', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.put(patient('a-telling-id', { name: [{ family: 'Zebulon' }] }));
      site.instance.hide('Patient', 'a-telling-id');
      const report = await reconcile(site, patients);
      expect(report).toMatchObject({ outcome: 'compared', written: 3, target: 3, source: 4, undecided: 0 });
      const range = site.pseudonym('Patient', 'a-telling-id').charAt(3);
      expect(report.ranges[range]).toMatchObject({ missing: 1 });
      const sum = (what: 'source' | 'target'): number =>
        Object.values(report.ranges).reduce((all, counts) => all + (counts[what] ?? 0), 0);
      expect([sum('source'), sum('target')]).toEqual([4, 3]);
      const line = site.logged.find((one) => one.includes('stream-reconciled'))!;
      expect(JSON.parse(line)).toMatchObject({ level: 'warn', differing: 1, missing: 1, source: 4 });
      const [described] = await inActivity(() => site.activities.describeStreams());
      expect(described?.reconciled).toEqual({ atMs: site.clock.ms, differing: 1, repair: false });
      await reconcile(site, patients, true);
      const state = JSON.stringify(await site.parts.db.selectFrom('reconciliations').selectAll().execute());
      for (const told of [site.logged.join(''), state, JSON.stringify(report)]) {
        expect(told).not.toMatch(/a-telling-id|Zebulon/);
      }
      const wanted = await site.parts.db.selectFrom('wanted').selectAll().execute();
      expect(wanted.map(({ source_id }) => Buffer.from(source_id).toString('latin1')).join()).not.toContain('telling');
    });
  });

  it('wakes the stream where a repair was ordered, and nobody else', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      await reconcile(site, patients, true);
      expect(site.started).toEqual([]);
      site.instance.purge('Patient', 'b');
      await reconcile(site, patients);
      expect(site.started).toEqual([]);
      await reconcile(site, patients, true);
      expect(site.started).toEqual([{ stream: patients, askFirst: false }]);
    });
  });

  it('is also a word that was removed elsewhere after an output was committed: a repair masks it', async () => {
    const policy = {
      apiVersion: 'fhir-sluice/v1',
      extends: 'aidbox-default',
      rules: [
        { path: 'Patient.name', method: 'redact' },
        { path: 'Observation.note', method: 'keep' },
      ],
    };
    await withSite({ streams: ['up Patient', 'up Observation'], policy }, async (site) => {
      await loaded(site, 'a');
      const note = [{ text: 'seen together with Zebulon' }];
      site.instance.put(observation('o', { subject: { reference: 'Patient/a' }, note }));
      await site.drive(observations);
      site.instance.put(patient('a', { name: [{ family: 'Zebulon' }] }));
      for (let round = 0; round < 2; round++) {
        for (const stream of [patients, observations]) await site.drive(stream);
        site.settle();
      }
      expect(JSON.stringify(site.inHub('Observation', 'o'))).toContain('Zebulon');
      expect(await driftOf(site, observations, true)).toEqual({ changed: 1 });
      await site.drive(observations);
      expect(JSON.stringify(site.inHub('Observation', 'o'))).not.toContain('Zebulon');
      expect(await driftOf(site, observations)).toEqual({});
    });
  });

  it('is asked for with authorization and fences like everything else', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.alter(patient('b', { gender: 'other' }));
      await reconcile(site, patients, true);
      site.register({ enabled: false });
      expect((await site.drive(patients)).denied).toBe('disabled');
      expect(site.inHub('Patient', 'b')).toMatchObject({ gender: 'female' });
      expect(await reconcile(site, patients)).toMatchObject({ outcome: 'skipped', reason: 'denied' });
      site.register();
      const { batches } = await site.drive(patients);
      expect(batches).toMatchObject([{ own: 'wanted', changes: 1 }]);
      expect(site.cursor(patients)?.batch).toBe(batches[0]?.id);
      expect(site.inHub('Patient', 'b')).toMatchObject({ gender: 'other' });
    });
  });
});

describe('on a healthy site nothing differs', () => {
  it('with masked, withheld, refused and parked resources', async () => {
    const streams = ['up Patient', 'up Observation'];
    const policy = {
      apiVersion: 'fhir-sluice/v1',
      extends: 'aidbox-default',
      modifierExtensions: 'withhold',
      rules: [
        { path: 'Patient.name', method: 'redact' },
        { path: 'Observation.note', method: 'keep' },
      ],
    };
    await withSite({ streams, policy }, async (site) => {
      site.instance.put(patient('a', { name: [{ family: 'Zebulon' }] }));
      site.instance.put(patient('odd', { modifierExtension: [{ url: 'http://example.org/x', valueBoolean: true }] }));
      await site.drive(patients);
      const subject = { reference: 'Patient/a' };
      site.instance.put(observation('named', { subject, note: [{ text: 'Mr Zebulon is well' }] }));
      site.instance.put(observation('waits', { subject: { reference: 'Patient/nowhere' } }));
      await site.drive(observations);
      for (let round = 0; round < 2; round++) {
        site.settle();
        for (const stream of [patients, observations]) await site.drive(stream);
      }
      expect(JSON.stringify(site.inHub('Observation', 'named'))).not.toContain('Zebulon');
      expect(await site.parts.db.selectFrom('parked').selectAll().execute()).toHaveLength(1);
      expect(await site.parts.db.selectFrom('quarantine').selectAll().execute()).toHaveLength(1);
      for (const stream of [patients, observations]) {
        expect(await reconcile(site, stream)).toMatchObject({ outcome: 'compared', drift: {}, undecided: 0 });
      }
    });
  });

  it('with types that the policy drops, and extra steps', async () => {
    const policy = {
      apiVersion: 'fhir-sluice/v1',
      extends: 'aidbox-default',
      rules: [{ path: 'Observation', method: 'dropResource' }],
    };
    const steps = [new URL('steps/changing.ts?do=marks', import.meta.url).href];
    await withSite({ streams: ['up Patient', 'up Observation'], policy, steps }, async (site) => {
      await loaded(site, 'a', 'b', 'drop');
      site.instance.put(observation('o'));
      await site.drive(observations);
      for (const stream of [patients, observations]) expect(await driftOf(site, stream)).toEqual({});
    });
  });

  it('on the way down', async () => {
    await withSite({ streams: ['down Organization'] }, async (site) => {
      for (const id of ['o1', 'o2', 'o3']) site.hub.put(organization(id));
      site.hub.delete('Organization', 'o2');
      await site.drive(organizations);
      expect(await reconcile(site, organizations)).toMatchObject({ written: 2, target: 2, source: 2, drift: {} });
      site.settle();
      await site.drive(organizations);
      site.hub.alter(organization('o1', { name: 'Renamed' }));
      expect(await driftOf(site, organizations, true)).toEqual({ changed: 1 });
      await site.drive(organizations);
      expect(site.instance.read('Organization', 'o1')).toMatchObject({ name: 'Renamed' });
      expect(await driftOf(site, organizations)).toEqual({});
    });
  });

  it('with a resource that is too large, and stands in quarantine with its older state in the target', async () => {
    await withSite({ limits: { resourceBytesMax: 4_096 } }, async (site) => {
      await loaded(site, 'a', 'large');
      site.instance.put(patient('large', { text: { status: 'generated', div: 'x'.repeat(9_000) } }));
      await site.drive(patients);
      site.settle();
      await site.drive(patients);
      expect(await reconcile(site, patients)).toMatchObject({ drift: {}, source: 2, target: 2 });
    });
  });

  it('of a state from before versions were noted: what the target has is taken for what was written', async () => {
    await withSite({}, async (site) => {
      await loaded(site, 'a', 'b');
      const keys = ['a', 'b'].map((id) => `Patient/${site.pseudonym('Patient', id)}`);
      const versions = async (): Promise<string[]> =>
        [...(await readLedger(site.parts.db, 'up', keys)).values()].map(({ version }) => version);
      const noted = await versions();
      expect(noted).toEqual([expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)]);
      await site.parts.db.updateTable('ledger').set({ version: '' }).execute();
      expect(await driftOf(site)).toEqual({});
      expect(await versions()).toEqual(noted);
    });
  });
});

describe('what moves meanwhile', () => {
  /** Calls `act` once in the middle of the pass: when the source is asked for everything. */
  function during(site: Site, act: () => Promise<void>): Activities {
    let isDone = false;
    const source = site.parts.servers.instance;
    const dump: typeof source.dump = async (type, request, each, signal) => {
      await source.dump(
        type,
        request,
        async (one) => {
          if (!isDone) {
            isDone = true;
            await act();
          }
          await each(one);
        },
        signal,
      );
    };
    return site.process({ servers: { ...site.parts.servers, instance: { ...source, dump } } });
  }

  it('is left to the feed: creates, updates and deletes, whether it has brought them or not', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c', 'd', 'e');
      site.instance.put(patient('before', { gender: 'male' }));
      site.instance.put(patient('a', { gender: 'male' }));
      site.instance.delete('Patient', 'b');
      const activities = during(site, async () => {
        await site.drive(patients);
        site.instance.put(patient('c', { gender: 'male' }));
        site.instance.put(patient('after', { gender: 'male' }));
        site.instance.delete('Patient', 'd');
        await site.drive(patients);
        site.instance.put(patient('e', { gender: 'male' }));
      });
      expect(await reconcile(site, patients, true, activities)).toMatchObject({ outcome: 'compared', drift: {} });
      await site.drive(patients);
      site.settle();
      expect((await site.drive(patients)).batches).toEqual([]);
      expect(await reconcile(site, patients)).toMatchObject({ drift: {}, undecided: 0 });
    });
  });

  it('is no drift either where the feed has not brought it yet', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.put(patient('new'));
      site.instance.put(patient('a', { gender: 'male' }));
      site.instance.delete('Patient', 'b');
      expect(await reconcile(site, patients, true)).toMatchObject({ drift: {}, undecided: 3 });
      expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
    });
  });

  it('is told from what was written past the feed at the same time', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.put(patient('fed'));
      site.instance.put(patient('bulk'));
      site.instance.hide('Patient', 'bulk');
      expect(await driftOf(site)).toEqual({ missing: 1 });
    });
  });

  it('in the target is not taken for what others did, while a commit that wrote it is not noted', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b');
      site.instance.put(patient('a', { gender: 'male' }));
      site.instance.put(patient('new'));
      const batch = await site.cleanBatch(patients);
      const { hub } = site.parts.servers;
      let heard: (() => void) | undefined;
      const written = Promise.withResolvers<undefined>();
      const slow = site.process({
        servers: {
          ...site.parts.servers,
          hub: {
            ...hub,
            transaction: async (bundle, signal) => {
              const answer = await hub.transaction(bundle, signal);
              if (!bundle.includes('"gender":"male"')) return answer;
              written.resolve(undefined);
              await new Promise<void>((resolve) => {
                heard = resolve;
              });
              return answer;
            },
          },
        },
      });
      const commit = site.commit(batch, slow);
      await written.promise;
      const activities = during(site, () => {
        setTimeout(() => heard?.(), 200);
        return Promise.resolve();
      });
      expect(await reconcile(site, patients, true, activities)).toMatchObject({ drift: {} });
      await commit;
      expect(await site.parts.db.selectFrom('conflicts').selectAll().execute()).toEqual([]);
      expect(await driftOf(site)).toEqual({});
    });
  });

  it('ends quietly where a resync begins', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.purge('Patient', 'b');
      const activities = during(site, async () => {
        await site.resync(patients);
      });
      expect(await reconcile(site, patients, true, activities)).toMatchObject({
        outcome: 'skipped',
        reason: 'resynced',
      });
      expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
    });
  });

  it('may be a newer reconciliation: it wins, and the older one changes nothing', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.purge('Patient', 'b');
      let newer: ReconcileReport | undefined;
      const activities = during(site, async () => {
        newer = await reconcile(site, patients);
      });
      await expect(reconcile(site, patients, true, activities)).rejects.toMatchObject({ type: 'lost-race' });
      expect(newer?.drift).toEqual({ purged: 1 });
      expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
      expect(await driftOf(site)).toEqual({ purged: 1 });
      expect(await site.parts.db.selectFrom('survey').selectAll().execute()).toEqual([]);
    });
  });
});

describe('a comparison that cannot be made', () => {
  it.each<[string, (site: Site) => Promise<unknown>, string]>([
    ['before the first load is through', async (site) => site.instance.put(patient('a')), 'not-loaded'],
    [
      'while a resync has not looked for its leftovers',
      async (site) => {
        await loaded(site, 'a');
        await site.resync(patients);
        await site.drive(patients);
      },
      'resync-unfinished',
    ],
    [
      'after another policy',
      async (site) => {
        await loaded(site, 'a');
        await updateStream(site.parts.db, patients, (at) => ({ ...at, policy: 'another' }));
      },
      'policy-changed',
    ],
    [
      'where the target was restored',
      async (site) => {
        await loaded(site, 'a');
        site.hub.purge('ChangesInfo', 'north.up.Patient');
      },
      'target-restored',
    ],
    [
      'where the source was restored',
      async (site) => {
        await loaded(site, 'a');
        await updateStream(site.parts.db, patients, (at) => ({ ...at, delivered: at.delivered + 1_000 }));
      },
      'source-restored',
    ],
  ])('%s says so, and reads nothing', async (_when, prepare, reason) => {
    await withSite({}, async (site) => {
      await prepare(site);
      expect(await reconcile(site, patients, true)).toMatchObject({ outcome: 'skipped', reason, drift: {} });
      expect(site.instance.counters.total).toBeLessThan(1_000);
    });
  });

  it('where the dump is cut is tried again, and judges nothing of what it had', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      const match = { pathRegex: /\$dump/ };
      for (const action of [{ kind: 'cut' }, { kind: 'truncate' }, { kind: 'drop' }] as const) {
        site.instance.faults.push({ match, action });
        await expect(reconcile(site, patients, true)).rejects.toMatchObject({ nonRetryable: false });
        expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
      }
      expect(await driftOf(site)).toEqual({});
    });
  });
});

describe('a type of any size', () => {
  it('is read in lots of bounded size, one at a time', async () => {
    await withSite({}, async (site) => {
      const large = { text: { status: 'generated', div: 'x'.repeat(60_000) } };
      for (let n = 0; n < 250; n++) site.instance.put(patient(`p${n}`, large));
      await site.drive(patients);
      let inHand = 0;
      const lots: number[] = [];
      const { pool } = site.parts;
      const activities = site.process({
        pool: {
          ...pool,
          anonymize: async (task) => {
            lots.push(task.lines.length);
            expect((inHand += 1)).toBe(1);
            return pool.anonymize(task).finally(() => (inHand -= 1));
          },
        },
      });
      site.settle();
      await site.drive(patients);
      expect(await reconcile(site, patients, false, activities)).toMatchObject({ source: 250, drift: {} });
      expect(lots.length).toBeGreaterThan(3);
      expect(Math.max(...lots)).toBeLessThan(4 * 2 ** 20 + 70_000);
    });
  });

  it('is judged, and deleted, page by page', async () => {
    const ids = Array.from({ length: 620 }, (_, n) => `p${n}`);
    await withSite({ limits: { leftoversShareMax: 1, batchRowsMax: 500, pageRowsMax: 100 } }, async (site) => {
      await loaded(site, ...ids, 'last');
      for (const id of ids) site.instance.purge('Patient', id);
      expect(await driftOf(site, patients, true)).toEqual({ purged: 620 });
      expect((await site.drive(patients)).batches).toMatchObject([{ deleted: 500 }, { deleted: 120 }]);
      expect(site.hub.list('Patient')).toHaveLength(1);
    });
  });
});

describe('deletes of a repair', () => {
  it('that would empty the target stop the stream until somebody has said so, or a newer comparison sees them back', async () => {
    await withSite({ limits: { quarantineCountMin: 3 } }, async (site) => {
      const all = ['a', 'b', 'c', 'd'];
      await loaded(site, ...all, 'last');
      const states = all.map((id) => site.instance.read('Patient', id) as Stored);
      for (const id of all) site.instance.purge('Patient', id);
      await reconcile(site, patients, true);
      await expect(site.fetch(patients)).rejects.toMatchObject({ type: 'leftovers-many' });
      for (const { meta: _meta, ...state } of states) {
        site.instance.put(state);
        site.instance.hide('Patient', state.id);
      }
      expect(await driftOf(site, patients, true)).toEqual({});
      expect(await site.fetch(patients)).toMatchObject({ kind: 'caught-up' });
      for (const id of all) site.instance.purge('Patient', id);
      await reconcile(site, patients, true);
      const fetched = await site.fetch(patients, { leftoversConfirmed: true });
      expect(fetched).toMatchObject({ clean: true, batch: { own: 'leftovers', deleted: 4 } });
    });
  });

  it('leave alone what has come back since', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.purge('Patient', 'b');
      await reconcile(site, patients, true);
      const key = `Patient/${site.pseudonym('Patient', 'b')}`;
      await site.parts.db.updateTable('ledger').set({ digest: 'newer' }).where('key', '=', key).execute();
      expect((await site.drive(patients)).batches).toEqual([]);
      expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
    });
  });

  it('that the target refuses stand in quarantine, and are not reported again', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ streams, ...few, hub: { deleteIntegrity: true } }, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.put(observation('o', { subject: { reference: 'Patient/b' } }));
      await site.drive(observations);
      site.instance.purge('Patient', 'b');
      expect(await driftOf(site, patients, true)).toEqual({ purged: 1 });
      await site.drive(patients);
      expect(await site.parts.db.selectFrom('quarantine').selectAll().execute()).toMatchObject([
        { reason: 'still-referenced' },
      ]);
      expect(await driftOf(site)).toEqual({});
      expect((await site.poll()).due).toBe(0);
      site.instance.delete('Observation', 'o');
      await site.drive(observations);
      await site.drive(patients);
      expect(site.hub.list('Patient')).toHaveLength(2);
    });
  });

  it('are forgotten by a resync', async () => {
    await withSite(few, async (site) => {
      await loaded(site, 'a', 'b', 'c');
      site.instance.purge('Patient', 'b');
      await reconcile(site, patients, true);
      await site.resync(patients);
      expect(await site.parts.db.selectFrom('deletions').selectAll().execute()).toEqual([]);
    });
  });
});

describe('repairs that have no effect', () => {
  it('are not ordered again and again: what is refused, and given up by an operator', async () => {
    await withSite({ policy: { apiVersion: 'fhir-sluice/v1', extends: 'safe-harbor' } }, async (site) => {
      await loaded(site, 'a', 'b');
      site.instance.put(patient('odd', { modifierExtension: [{ url: 'http://example.org/x', valueBoolean: true }] }));
      site.instance.hide('Patient', 'odd');
      expect(await driftOf(site, patients, true)).toEqual({ missing: 1 });
      // Ordered, and on its way.
      expect(await driftOf(site)).toEqual({});
      await site.drive(patients);
      expect(await driftOf(site)).toEqual({});
      await inActivity(() =>
        site.activities.tendQuarantine({
          ...{ action: 'discard', reason: 'not-wanted', ticket: '' },
          ...{ direction: 'up', types: [], keys: [] },
        }),
      );
      expect(await driftOf(site)).toEqual({});
    });
  });

  it('are not ordered against an operator who has given up what the target refused, until it changes', async () => {
    await withSite({}, async (site) => {
      await loaded(site, 'a');
      const match = { bodyIncludes: `"url":"Patient/${site.pseudonym('Patient', 'b')}"` };
      site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status: 422, body: '{}' } });
      await loaded(site, 'b');
      const order = {
        direction: 'up',
        types: [],
        keys: [],
        action: 'discard',
        reason: 'not-wanted',
        ticket: '',
      } as const;
      expect((await inActivity(() => site.activities.tendQuarantine(order))).counts).toEqual({ Patient: 1 });
      site.hub.faults.clear();
      expect(await driftOf(site, patients, true)).toEqual({});
      expect((await site.drive(patients)).batches).toEqual([]);
      expect(site.inHub('Patient', 'b')).toBeUndefined();
      await loaded(site, 'b');
      expect(site.inHub('Patient', 'b')).toBeDefined();
    });
  });

  it('but a target that was asked for in vain before is written once it has come past the feed', async () => {
    await withSite({ streams: ['up Patient', 'up Observation'] }, async (site) => {
      await loaded(site, 'a');
      await site.drive(observations);
      site.instance.put(observation('o', { subject: { reference: 'Patient/later' } }));
      await site.drive(observations);
      await site.drive(patients);
      site.instance.put(patient('later'));
      site.instance.hide('Patient', 'later');
      expect(await driftOf(site, patients, true)).toEqual({ missing: 1 });
      await site.drive(patients);
      expect(site.inHub('Observation', 'o')).toBeDefined();
    });
  });
});

describe('loops between the directions', () => {
  const streams = ['up Patient', 'down Organization'];
  const both = async (site: Site): Promise<number> => {
    let batches = 0;
    for (const stream of [patients, organizations]) batches += (await site.drive(stream)).batches.length;
    return batches;
  };

  it('die out: what came down does not go up again, nor the other way round', async () => {
    await withSite({ streams }, async (site) => {
      site.hub.put(organization('o'));
      site.instance.put(patient('a', { managingOrganization: { reference: 'Organization/o' } }));
      expect(await both(site)).toBe(2);
      const versions = [site.hub.store.versionCount, site.instance.store.versionCount];
      for (let round = 0; round < 3; round++) {
        site.settle();
        expect(await both(site)).toBe(0);
        for (const stream of [patients, organizations]) expect(await driftOf(site, stream, true)).toEqual({});
      }
      expect([site.hub.store.versionCount, site.instance.store.versionCount]).toEqual(versions);
    });
  });

  it.each<[string, StreamKey, (site: Site) => string]>([
    [
      'at the instance, of what came down',
      organizations,
      (site) => {
        site.instance.put({ ...(site.instance.read('Organization', 'o') as Stored), name: 'Edited here' });
        return 'Organization/o';
      },
    ],
    [
      'at the hub, of what went up',
      patients,
      (site) => {
        const id = site.pseudonym('Patient', 'a');
        site.hub.put({ ...(site.hub.read('Patient', id) as Stored), gender: 'unknown' });
        return `Patient/${id}`;
      },
    ],
  ])(
    'die out also when a user edits a copy %s: the owner wins, and a conflict says so',
    async (_where, stream, edit) => {
      await withSite({ streams }, async (site) => {
        site.hub.put(organization('o'));
        site.instance.put(patient('a', { gender: 'female' }));
        await both(site);
        site.settle();
        await both(site);
        const key = edit(site);
        expect(await both(site)).toBe(0);
        expect(await driftOf(site, stream, true)).toEqual({ 'edited-in-target': 1 });
        expect(await both(site)).toBe(1);
        site.settle();
        expect(await both(site)).toBe(0);
        expect(site.inHub('Patient', 'a')).toMatchObject({ gender: 'female' });
        expect(site.instance.read('Organization', 'o')).toMatchObject({ name: 'Clinic o' });
        const { direction } = stream;
        const listed = await inActivity(() => site.activities.listConflicts({ direction, types: [stream.type] }));
        expect(listed).toEqual([{ direction, key, kind: 'edited', foundMs: expect.any(Number) }]);
        for (const one of [patients, organizations]) expect(await driftOf(site, one, true)).toEqual({});
        expect(await both(site)).toBe(0);
      });
    },
  );
});

describe('versions of what was written', () => {
  it('are noted of bundles with fences of either kind, in sets, pieces and release rounds', async () => {
    const streams = ['up Patient', 'up Observation'];
    for (const entryIfMatch of ['obeyed', 'ignored'] as const) {
      const limits = { bundleEntriesMax: 2 };
      await withSite({ streams, limits, hub: { entryIfMatch } }, async (site) => {
        site.instance.put(observation('waits', { subject: { reference: 'Patient/a' } }));
        await site.drive(observations);
        const link = (id: string): object => ({ link: [{ other: { reference: `Patient/${id}` }, type: 'seealso' }] });
        for (const id of ['a', 'b', 'c', 'bad', 'd']) site.instance.put(patient(id));
        site.instance.put(patient('e', link('f')));
        site.instance.put(patient('f', link('e')));
        const match = { bodyIncludes: `"url":"Patient/${site.pseudonym('Patient', 'bad')}"` };
        site.hub.faults.push({ match, times: 1_000, action: { kind: 'answer', status: 422, body: '{}' } });
        await site.drive(patients);
        const rows = await site.parts.db.selectFrom('ledger').selectAll().execute();
        expect(rows).toHaveLength(7);
        for (const { key, version } of rows) {
          const [type = '', id = ''] = key.split('/');
          expect([key, version]).toEqual([key, String(site.hub.store.read(type, id)?.txid)]);
        }
      });
    }
  });

  it('are unknown where the answer was lost, and then taken from the target', async () => {
    await withSite({}, async (site) => {
      site.instance.put(patient('a'));
      const batch = await site.cleanBatch(patients);
      site.hub.faults.push({ match: { bodyIncludes: '"url":"Patient/' }, action: { kind: 'drop' } });
      await expect(site.commit(batch)).rejects.toThrow();
      await site.commit(batch);
      const version = async (): Promise<string | undefined> =>
        (await site.parts.db.selectFrom('ledger').select('version').executeTakeFirst())?.version;
      expect(await version()).toBe('');
      site.settle();
      await site.drive(patients);
      expect(await driftOf(site)).toEqual({});
      expect(await version()).toMatch(/^\d+$/);
    });
  });
});
