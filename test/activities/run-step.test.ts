import { describe, expect, it } from '@jest/globals';

import { type Driven, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const stepUrl = (what: string): string => new URL(`./steps/changing.ts?do=${what}`, import.meta.url).href;

const put = (site: Site, count: number): void => {
  for (let index = 0; index < count; index += 1) {
    site.instance.put(patient(`p${String(index)}`, { name: [{ family: 'Canary' }] }));
  }
};

async function driveWith(what: string, check: (site: Site, driven: Driven) => Promise<void> | void): Promise<void> {
  await withSite({ steps: [stepUrl(what)], limits: { quarantineCountMin: 100 } }, async (site) => {
    put(site, 3);
    await check(site, await site.drive(patients));
  });
}

describe('an extra step', () => {
  it('may change what goes to the hub', async () => {
    await driveWith('marks', (site) => {
      expect(site.hub.list('Patient')).toMatchObject([{ active: true }, { active: true }, { active: true }]);
    });
  });

  it('may leave resources out: they are withheld, and deleted where they were before', async () => {
    await withSite({}, async (site) => {
      put(site, 3);
      await site.drive(patients);
      await site.restart({ steps: [stepUrl('drops')] });
      for (const id of ['p0', 'p1', 'p2']) site.instance.put(patient(id, { gender: 'male' }));
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)?.counts).toMatchObject({ committed: 2, deleted: 1, withheld: 1 });
      expect(site.hub.list('Patient')).toHaveLength(2);
    });
  });

  it('is one of several, each over what the one before it made', async () => {
    await withSite({ steps: [stepUrl('marks'), stepUrl('drops')] }, async (site) => {
      put(site, 3);
      await site.drive(patients);
      expect(site.hub.list('Patient')).toMatchObject([{ active: true }, { active: true }]);
    });
  });

  it.each(['renames', 'retypes', 'adds', 'doubles', 'throws', 'returnsNothing', 'returnsNull', 'returnsCircles'])(
    'that %s stops the stream, without a word of what it threw or held',
    async (what) => {
      await withSite({ steps: [stepUrl(what)] }, async (site) => {
        put(site, 2);
        const batch = await site.cleanBatch(patients);
        const failure: unknown = await site.runStep(batch, 'extra0').catch((error: unknown) => error);
        expect(failure).toMatchObject({ type: 'extra-step-failed', nonRetryable: true });
        expect(`${String(failure)}${(failure as Error).stack ?? ''}${JSON.stringify(failure)}`).not.toMatch(
          /canary|p0/i,
        );
        expect(site.hub.list('Patient')).toEqual([]);
      });
    },
  );

  it.each(['names', 'untags'])('that %s what de-identification took is caught by the output check', async (what) => {
    await driveWith(what, async (site, { commits }) => {
      expect(commits.at(-1)).toMatchObject({ quarantined: 3, counts: { committed: 0 } });
      expect(site.hub.list('Patient')).toEqual([]);
      const rows = await site.parts.db.selectFrom('quarantine').select('reason').execute();
      expect(rows.map(({ reason }) => reason)).toEqual(['output-check', 'output-check', 'output-check']);
    });
  });

  it('opens the breaker where the output check refuses too much', async () => {
    await withSite({ steps: [stepUrl('names')], limits: { quarantineCountMin: 2 } }, async (site) => {
      put(site, 3);
      await expect(site.drive(patients)).rejects.toMatchObject({ type: 'breaker-open', nonRetryable: true });
      expect((await site.position(patients)).delivered).toBe(0);
    });
  });
});
