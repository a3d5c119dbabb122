/** What a resync looks at before it begins: a refusal says why, no epoch has begun, and the stream goes on as before. */
import { describe, expect, it } from '@jest/globals';

import type { ResyncResult } from '../../src/activities/contract.ts';
import type { Parts } from '../../src/activities/parts.ts';
import { StagingProblem } from '../../src/staging/staging.ts';
import { down, inActivity, patient, type Site, type SiteOptions, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const forbidden = { kind: 'answer', status: 403, body: '{}' } as const;

async function withPatients(options: SiteOptions, work: (site: Site) => Promise<void>): Promise<void> {
  await withSite(options, async (site) => {
    for (const id of ['a', 'b', 'c']) site.instance.put(patient(id));
    await site.drive(patients);
    await work(site);
  });
}

const refusedOf = (result: ResyncResult): readonly string[] => ('refused' in result ? result.refused : []);

const withParts = (site: Site, changes: Partial<Parts>, more: object = {}): Promise<ResyncResult> =>
  inActivity(() => site.process(changes).beginResync({ stream: patients, ...more }));

describe('a resync is refused, and nothing has changed', () => {
  const cases: readonly (readonly [string, string, (site: Site) => Promise<Partial<Parts>> | Partial<Parts>])[] = [
    [
      'the source does not let us read the type',
      'source-forbidden',
      (site) => {
        site.instance.faults.push({ match: { pathRegex: /^\/Patient\/\$changes\?/ }, action: forbidden });
        return {};
      },
    ],
    [
      'the source does not let us read a resource by its id',
      'source-forbidden',
      (site) => {
        site.instance.faults.push({ match: { method: 'POST' }, action: forbidden });
        return {};
      },
    ],
    [
      'the hub knows no such instance',
      'not-registered',
      (site) => {
        site.hub.delete('AidboxInstance', site.name);
        return {};
      },
    ],
    [
      'the hub has not approved the policy',
      'policy-not-approved',
      (site) => {
        site.register({ policies: [] });
        return {};
      },
    ],
    [
      'the target does not let us list what is ours',
      'listing-forbidden',
      (site) => {
        site.hub.faults.push({ match: { pathRegex: /_tag=/ }, times: 2, action: forbidden });
        return {};
      },
    ],
    [
      'the target does not let us read the cursor',
      'target-forbidden',
      (site) => {
        const match = { bodyIncludes: '"method":"GET","url":"ChangesInfo/' };
        site.hub.faults.push({ match, action: forbidden });
        return {};
      },
    ],
    [
      'the target does not let us write a fence',
      'target-forbidden',
      (site) => {
        site.hub.faults.push({ match: { bodyIncludes: '"kind":"probe"' }, action: forbidden });
        return {};
      },
    ],
    [
      'staging is full',
      'staging-full',
      (site) => {
        const write = (): Promise<never> => Promise.reject(new StagingProblem('staging-full'));
        return { staging: { ...site.parts.staging, write } };
      },
    ],
  ];
  it.each(cases)('where %s: %s', async (_what, code, prepare) => {
    await withPatients({}, async (site) => {
      const before = await site.position(patients);
      const parts = await prepare(site);
      expect(refusedOf(await withParts(site, parts))).toEqual([code]);
      expect(await site.position(patients)).toEqual(before);
      site.register();
      expect(await site.fetch(patients)).toMatchObject({ kind: 'caught-up' });
      const [stream] = await inActivity(() => site.activities.describeStreams());
      expect(stream?.resync).toMatchObject({ refused: [code], atMs: site.clock.ms });
    });
  });

  it('and all of what stands in its way is said at once', async () => {
    await withPatients({}, async (site) => {
      site.register({ enabled: false });
      site.hub.faults.push({ match: { pathRegex: /_tag=/ }, times: 2, action: forbidden });
      site.instance.faults.push({ match: { pathRegex: /changes/ }, action: forbidden });
      expect(refusedOf(await withParts(site, {}))).toEqual(['source-forbidden', 'disabled', 'listing-forbidden']);
    });
  });

  it('where the source has far less than the target holds of ours, until somebody says that this is right', async () => {
    await withPatients({ limits: { quarantineCountMin: 2 } }, async (site) => {
      for (const id of ['a', 'b']) site.instance.purge('Patient', id);
      const result = await withParts(site, {});
      expect(result).toMatchObject({ refused: ['fewer-at-source'], found: { source: 1, target: 3 } });
      expect((await site.position(patients)).epoch).toBe(1);
      expect(await withParts(site, {}, { acceptFewer: true })).toMatchObject({ epoch: 2 });
      const [stream] = await inActivity(() => site.activities.describeStreams());
      expect(stream?.resync).toMatchObject({ refused: [], epoch: 2 });
    });
  });
});

describe('a resync that begins', () => {
  it('says how many resources the target holds of ours and how many the source has, and changes nothing there', async () => {
    await withPatients({ streams: ['up Patient', 'down Organization'] }, async (site) => {
      site.hub.put(patient('of-the-hub'));
      site.instance.put(patient('d'));
      const [before, cursor] = [site.hub.list('Patient'), site.cursor(patients)];
      expect(await site.resync(patients)).toMatchObject({
        epoch: 2,
        found: { source: 4, target: 3, fence: 'if-match' },
      });
      expect([site.hub.list('Patient'), site.cursor(patients)]).toEqual([before, cursor]);
      expect(site.hub.list('ChangesInfo').filter(({ kind }) => kind === 'probe')).toEqual([]);
      // On the way down the hub is the source, and the tag is its own.
      site.hub.put({ resourceType: 'Organization', id: 'o' });
      await site.drive(down('Organization'));
      expect(await site.resync(down('Organization'))).toMatchObject({ found: { source: 1, target: 1 } });
    });
  });

  it.each([
    ['does not let us', forbidden],
    ['takes too long to', { kind: 'hang' } as const],
  ])('does so also where the source %s count', async (_how, action) => {
    await withPatients({ limits: { quarantineCountMin: 1, requestTimeoutSeconds: 1 } }, async (site) => {
      for (const id of ['a', 'b', 'c']) site.instance.purge('Patient', id);
      site.instance.faults.push({ match: { pathRegex: /_total=accurate/ }, action });
      const result = await site.resync(patients);
      expect(result).toMatchObject({ epoch: 2, found: { target: 3 } });
      expect(result).not.toHaveProperty('found.source');
    });
  });

  it('finds out anew how the target is fenced', async () => {
    await withPatients({ hub: { entryIfMatch: 'ignored' } }, async (site) => {
      const { db } = site.parts;
      await db.updateTable('fence_modes').set({ mode: 'if-match' }).execute();
      await site.resync(patients);
      expect(await db.selectFrom('fence_modes').select('mode').execute()).toEqual([{ mode: 'marker' }]);
    });
  });

  it('is left to Temporal to try again where a server is in trouble for now', async () => {
    await withPatients({}, async (site) => {
      site.instance.faults.push({ action: { kind: 'answer', status: 503, body: '{}' } });
      await expect(site.resync(patients)).rejects.toMatchObject({ type: 'source-busy', nonRetryable: false });
      expect((await site.position(patients)).epoch).toBe(1);
      expect(await site.resync(patients)).toMatchObject({ epoch: 2 });
    });
  });

  it('has begun also for the attempt after the one that died, whatever is found by then', async () => {
    await withPatients({}, async (site) => {
      await site.resync(patients);
      site.register({ enabled: false });
      expect(await site.resync(patients)).toMatchObject({ epoch: 2, found: { target: 3 } });
      expect((await site.position(patients)).epoch).toBe(2);
    });
  });
});
