/**
 * Two processes that share a site's state and staging commit one batch, one of them stopped at each of its writes while the
 * other goes all the way, or gives the batch up: one plan is followed, and what the state has claimed and parked fits it.
 */
import { afterAll, describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import type { Parts } from '../../src/activities/parts.ts';
import { encryptedStaging } from '../../src/staging/encrypted-staging.ts';
import { openFolderStore } from '../../src/staging/folder-store.ts';
import { localKeyWrapper } from '../../src/crypto/local-key-wrapper.ts';
import { LocalKeyring } from '../../src/crypto/local-keyring.ts';
import { openDatabase } from '../../src/state/database.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { type AtPoint, interrupted, stopAt } from '../support/interrupted.ts';
import { startPostgres } from '../support/postgres.ts';
import { patient, Site, type SiteOptions, up } from '../support/site.ts';

const server = await startPostgres();
afterAll(() => server?.stop());

const patients = up('Patient');
const encounters = up('Encounter');
const place = server === undefined ? 'one SQLite file' : 'one PostgreSQL';

/** More points than a commit has. */
const pointsMax = 80;

/** A site whose batch of patients sets one parked resource free; another one goes on waiting. */
interface Ready {
  readonly site: Site;
  readonly batch: Batch;
  /** Another process of the site, with connections of its own. */
  process(atPoint?: AtPoint): Site['activities'];
}

async function withBatch(work: (ready: Ready) => Promise<void>): Promise<void> {
  const place = server?.place();
  const options: SiteOptions = {
    streams: ['up Patient', 'up Encounter'],
    limits: { bundleEntriesMax: 2, bundlesInFlightMax: 2 },
    ...(place && { stateDatabase: place }),
  };
  const site = await Site.open(options);
  const other = place === undefined ? site.parts.db : await openDatabase(place);
  try {
    const encounter = (id: string, of: string): void => {
      site.instance.put({
        resourceType: 'Encounter',
        id,
        status: 'finished',
        class: { code: 'AMB' },
        subject: { reference: `Patient/${of}` },
      });
    };
    encounter('freed', 'p1');
    encounter('waiting', 'never');
    await site.drive(encounters);
    for (const id of ['p1', 'p2', 'p3']) site.instance.put(patient(id, { gender: 'unknown' }));
    const batch = await site.cleanBatch(patients);
    const store = await openFolderStore({ folder: site.stagingFolder, bytesMax: 1e9 });
    const wrapper = localKeyWrapper(new LocalKeyring('staging', new Map([[1, new Uint8Array(32).fill(1)]])));
    const parts: Parts = { ...site.parts, db: other, staging: encryptedStaging(store, wrapper) };
    const process: Ready['process'] = (atPoint) =>
      site.process(atPoint === undefined ? parts : interrupted(parts, atPoint));
    await work({ site, batch, process });
  } finally {
    if (other !== site.parts.db) await other.destroy();
    await site.close();
  }
}

/** What came of an attempt: `done`, or the trouble that it reports. */
async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'done';
  } catch (error) {
    return (error as { type?: string }).type ?? 'unknown';
  }
}

/** Everything once: in the hub, in the ledger, in the cursor's history; one resource waits, and nobody holds a claim. */
async function expectOneCommit(site: Site): Promise<void> {
  await site.drive(patients);
  await site.drive(encounters);
  const written = ['Patient/p1', 'Patient/p2', 'Patient/p3', 'Encounter/freed'].map(
    (key) => key.split('/') as [string, string],
  );
  for (const [type, id] of written) expect([type, id, site.versionsInHub(type, id)]).toEqual([type, id, 1]);
  const { db } = site.parts;
  const ledger = await db.selectFrom('ledger').select('key').where('digest', '!=', '').execute();
  expect(ledger.map(({ key }) => key).sort()).toEqual(
    written.map(([type, id]) => `${type}/${site.pseudonym(type, id)}`).sort(),
  );
  const parked = await db.selectFrom('parked').select(['key', 'claim']).execute();
  expect(parked).toEqual([{ key: `Encounter/${site.pseudonym('Encounter', 'waiting')}`, claim: '' }]);
  expect(await db.selectFrom('quarantine').select('key').execute()).toEqual([]);
  const position = await site.position(patients);
  expect(position.openCommit).toBeUndefined();
  expect(position.counts).toMatchObject({ changes: 3, committed: 3 });
  const sequences = site.hub.store
    .versions('ChangesInfo', cursorId(site.name, 'up', 'Patient'))
    .map((version) => JSON.parse(version.json) as { kind: string; sequence: number; closed?: string })
    .filter(({ kind, closed }) => kind === 'cursor' && closed === undefined)
    .map(({ sequence }) => sequence);
  expect(sequences).toEqual([...new Set(sequences)]);
}

/** Runs a test for each point of a commit until one is past its end. Returns how many there were. */
async function atEachPoint(run: (point: number) => Promise<boolean>): Promise<number> {
  for (let point = 0; point < pointsMax; point++) if (!(await run(point))) return point;
  throw new Error('a commit with no end');
}

/** The same for those after a write alone. */
async function afterEachWrite(run: (point: number) => Promise<boolean>): Promise<void> {
  for (let point = 1; point < pointsMax; point += 2) if (!(await run(point))) return;
  throw new Error('a commit with no end');
}

describe(`a commit by two processes on ${place}`, () => {
  it('has one effect whichever write the first is stopped at, while the second goes all the way', async () => {
    const points = await atEachPoint(async (point) => {
      let stopped = false;
      await withBatch(async ({ site, batch, process }) => {
        const stop = stopAt(point);
        const first = outcome(site.commit(batch, process(stop.atPoint)));
        stopped = await Promise.race([stop.reached.then(() => true), first.then(() => false)]);
        const second = stopped ? await outcome(site.commit(batch)) : '';
        stop.release();
        expect([await first, second]).toContain('done');
        await expectOneCommit(site);
      });
      return stopped;
    });
    expect(points).toBeGreaterThan(10);
  }, 120_000);

  it('has one effect where the second is stopped as well, and the first goes on', async () => {
    await afterEachWrite(async (point) => {
      let stopped = false;
      await withBatch(async ({ site, batch, process }) => {
        const stops = [stopAt(point), stopAt((point * 7 + 3) % 14)] as const;
        const first = outcome(site.commit(batch, process(stops[0].atPoint)));
        stopped = await Promise.race([stops[0].reached.then(() => true), first.then(() => false)]);
        const second = outcome(site.commit(batch, process(stops[1].atPoint)));
        await Promise.race([stops[1].reached, second]);
        stops[0].release();
        await first;
        stops[1].release();
        expect(await second).toMatch(/^(done|lost-race|staging-missing)$/);
        await expectOneCommit(site);
      });
      return stopped;
    });
  }, 120_000);

  it('changes nothing any more once its batch was given up and read again', async () => {
    await afterEachWrite(async (point) => {
      let stopped = false;
      await withBatch(async ({ site, batch, process }) => {
        const stop = stopAt(point);
        const first = outcome(site.commit(batch, process(stop.atPoint)));
        stopped = await Promise.race([stop.reached.then(() => true), first.then(() => false)]);
        const next = await site.fetch(patients, { discard: [batch.id] });
        if (next.kind === 'batch') await site.commit(await site.anonymize(next.batch));
        stop.release();
        await first;
        await expectOneCommit(site);
      });
      return stopped;
    });
  }, 120_000);
});
