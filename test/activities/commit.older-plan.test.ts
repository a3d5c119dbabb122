/** Commits that a program of before planners has left open: its open commit names no planner, its plan stands under the round's name. */
import { describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import type { CommitPlan } from '../../src/activities/commit/planned.ts';
import { readPlan } from '../../src/activities/staged.ts';
import { updateStream } from '../../src/state/streams.ts';
import { interrupted } from '../support/interrupted.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = ['a', 'b'];

/** A commit that was stopped once it was planned, as the older program would have left it. */
async function leftOpen(site: Site, { staged, sent }: { staged: boolean; sent: boolean }): Promise<Batch> {
  for (const id of ids) site.instance.put(patient(id));
  const batch = await site.cleanBatch(patients);
  const { transaction } = site.parts.servers.hub;
  const hub = {
    ...site.parts.servers.hub,
    transaction: async (...args: Parameters<typeof transaction>) => {
      if (args[0].includes('"kind":"probe"') || args[0].includes('.probe.')) return transaction(...args);
      if (sent) await transaction(...args);
      throw new Error('killed');
    },
  };
  const parts = interrupted({ ...site.parts, servers: { ...site.parts.servers, hub } }, () => undefined);
  await expect(site.commit(batch, site.process(parts))).rejects.toThrow();
  const { openCommit } = await site.position(patients);
  if (openCommit?.planned !== true) throw new Error('not planned');
  const { planner, ...plan } = await readPlan<CommitPlan>(site.parts.staging, batch.id, 0, openCommit.planner ?? '');
  expect(planner).toBe(openCommit.planner);
  await site.parts.staging.discard(batch.id);
  if (staged) await site.parts.staging.write(batch.id, 'plan-0', [Buffer.from(JSON.stringify(plan))]);
  const { label, lanes, bundles } = openCommit;
  await updateStream(site.parts.db, patients, (at) => ({
    ...at,
    openCommit: { label, lanes, bundles: staged ? bundles : 0 },
  }));
  return batch;
}

const expectOnce = (site: Site): void => {
  expect(ids.map((id) => site.versionsInHub('Patient', id))).toEqual([1, 1]);
};

describe('a commit that an older program left open', () => {
  it('is noted by its plan where it had gone through', async () => {
    await withSite({}, async (site) => {
      const batch = await leftOpen(site, { staged: true, sent: true });
      expect((await site.fetch(patients, { discard: [batch.id] })).kind).toBe('caught-up');
      expect(await site.position(patients)).toMatchObject({
        sequence: 1,
        counts: { committed: 2 },
        openCommit: undefined,
      });
      expectOnce(site);
    });
  });

  it('is noted by the next attempt of it, too', async () => {
    await withSite({}, async (site) => {
      const batch = await leftOpen(site, { staged: true, sent: true });
      await site.commit(batch);
      expect(await site.position(patients)).toMatchObject({ sequence: 1, counts: { committed: 2 } });
      expectOnce(site);
    });
  });

  it('is given up and fenced off where it had not gone through', async () => {
    await withSite({}, async (site) => {
      const batch = await leftOpen(site, { staged: true, sent: false });
      const next = await site.fetch(patients, { discard: [batch.id] });
      expect((await site.position(patients)).openCommit).toBeUndefined();
      if (next.kind !== 'batch') throw new Error(next.kind);
      await site.commit(await site.anonymize(next.batch));
      expectOnce(site);
    });
  });

  it('is given up where it was not planned', async () => {
    await withSite({}, async (site) => {
      const batch = await leftOpen(site, { staged: false, sent: false });
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'staging-missing' });
      await site.drive(patients);
      expectOnce(site);
    });
  });
});
