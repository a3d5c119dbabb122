/** Who plans a commit: the attempt that came last, and nobody once there is a plan. */
import { describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import {
  beginPlanning,
  closeAsEmpty,
  makeItThePlan,
  type Opening,
  type Planning,
} from '../../src/activities/commit/planner.ts';
import { putInQuarantine } from '../../src/state/quarantine.ts';
import { updateStream } from '../../src/state/streams.ts';
import { interrupted, stopAt } from '../support/interrupted.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');

async function withOpening(work: (site: Site, opening: Opening) => Promise<void>): Promise<void> {
  await withSite({}, async (site) => {
    site.instance.put(patient('a'));
    const batch = await site.cleanBatch(patients);
    await work(site, { batch, round: 0, label: batch.id, sequence: 0 });
  });
}

async function begin(site: Site, opening: Opening): Promise<Planning> {
  const planning = await beginPlanning(site.parts, opening);
  if (planning === undefined) throw new Error('planned already');
  return planning;
}

const entry = { key: 'Patient/x', reason: 'no-id', status: 0, batch: '', form: 'none', content: null } as const;

/** Whatever a planner may do to the state. */
const writes = ({ parts }: Planning, opening: Opening): (() => Promise<unknown>)[] => [
  () => parts.write((tx) => putInQuarantine(tx, 'up', [entry], 0)),
  () => makeItThePlan(parts, opening),
  () => closeAsEmpty(parts, opening),
];

async function expectStopped(site: Site, planning: Planning, opening: Opening): Promise<void> {
  const before = await site.position(patients);
  for (const write of writes(planning, opening)) await expect(write()).rejects.toMatchObject({ code: 'lost-race' });
  expect(await site.position(patients)).toEqual(before);
  expect(await site.parts.db.selectFrom('quarantine').selectAll().execute()).toEqual([]);
}

describe('the planner of a commit', () => {
  it('is the attempt that came last: the one before writes nothing any more', async () => {
    await withOpening(async (site, opening) => {
      const first = await begin(site, opening);
      const second = await begin(site, opening);
      await expectStopped(site, first, opening);
      await second.parts.write((tx) => putInQuarantine(tx, 'up', [entry], 0));
      await makeItThePlan(second.parts, opening);
      expect((await site.position(patients)).openCommit).toMatchObject({
        planner: second.parts.planner,
        planned: true,
      });
    });
  });

  it('is nobody once there is a plan', async () => {
    await withOpening(async (site, opening) => {
      const first = await begin(site, opening);
      await makeItThePlan(first.parts, opening);
      await expectStopped(site, first, opening);
      expect(await beginPlanning(site.parts, opening)).toBeUndefined();
    });
  });

  it.each([
    ['given up', { openCommit: undefined }],
    ['overtaken by a resync', { epoch: 2 }],
  ])('is stopped where the commit was %s', async (_how, change) => {
    await withOpening(async (site, opening) => {
      const planning = await begin(site, opening);
      await updateStream(site.parts.db, patients, (at) => ({ ...at, ...change }));
      await expectStopped(site, planning, opening);
    });
  });

  it.each([
    ['of another epoch', { epoch: 2 }],
    ['not the next one', { delivered: 1 }],
    ['committed meanwhile', { sequence: 1 }],
    ['behind another', { openCommit: { label: 'another', bundles: 0, lanes: 0 } }],
    ['sent by an older program', { openCommit: { label: '', bundles: 2, lanes: 1 } }],
  ])('is nobody where the batch is %s', async (_what, change) => {
    await withOpening(async (site, opening) => {
      await updateStream(site.parts.db, patients, (at) => ({ ...at, ...change }));
      const label = 'openCommit' in change && change.openCommit.label === '' ? '' : opening.label;
      await expect(beginPlanning(site.parts, { ...opening, label })).rejects.toMatchObject({ code: 'lost-race' });
    });
  });

  it('has its plan followed by nobody where the commit was given up and opened anew', async () => {
    await withOpening(async (site, { batch }) => {
      const planned = await pointOnceIts(site, batch);
      const [stale, fresh] = [stopAt(planned), stopAt(planned + 1)];
      const first = site.commit(batch, site.process(interrupted(site.parts, stale.atPoint)));
      await stale.reached;
      await updateStream(site.parts.db, patients, (at) => ({ ...at, openCommit: undefined }));
      const second = site.commit(batch, site.process(interrupted(site.parts, fresh.atPoint)));
      await fresh.reached;
      stale.release();
      await expect(first).rejects.toMatchObject({ type: 'lost-race' });
      fresh.release();
      await second;
      expect(site.versionsInHub('Patient', 'a')).toBe(1);
    });
  });
});

/** The point of a commit where its plan has become the one, and is not noted beside the batch yet. */
async function pointOnceIts(site: Site, batch: Batch): Promise<number> {
  let found = -1;
  const parts = interrupted(site.parts, async (point) => {
    if (found < 0 && (await site.position(patients)).openCommit?.planned === true) {
      found = point;
      throw new Error('killed');
    }
  });
  await expect(site.commit(batch, site.process(parts))).rejects.toThrow();
  await updateStream(site.parts.db, patients, (at) => ({ ...at, openCommit: undefined }));
  return found;
}
