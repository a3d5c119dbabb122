/** ARCHITECTURE.md's table of the target's cursor against the site's state, as outcomes of fetch-changes. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

import { startEmulator } from '../../src/emulator/emulator.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { holdTransaction } from '../support/held.ts';
import { inActivity, patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = ['a', 'b', 'c'];

const put = (site: Site, gender: string): void => {
  for (const id of ids) site.instance.put(patient(id, { gender }));
};

/** What a resync has to bring about, whatever came before: everything written anew, in a new epoch. */
async function expectResyncToHelp(site: Site, trouble: string): Promise<void> {
  await expect(site.fetch(patients)).rejects.toMatchObject({ type: trouble, nonRetryable: true });
  const { epoch } = await site.position(patients);
  const written = ids.map((id) => site.versionsInHub('Patient', id));
  const begun = await site.resync(patients);
  expect(begun.epoch).toBeGreaterThan(epoch);
  // A second attempt of the activity does not begin another one.
  expect((await site.resync(patients)).epoch).toBe(begun.epoch);
  await site.drive(patients);
  for (const id of ids) expect(site.inHub('Patient', id)).toEqual(site.expected('Patient', id));
  expect(ids.map((id) => site.versionsInHub('Patient', id))).toEqual(written.map((count) => count + 1));
  expect(site.cursor(patients)).toMatchObject({ epoch: begun.epoch, sequence: 1, policy: site.parts.policyDigest });
  expect((await site.fetch(patients)).kind).toBe('caught-up');
}

const setCursor = (site: Site, changes: object): void => {
  const cursor = site.cursor(patients);
  if (cursor === undefined) throw new Error('no cursor');
  site.hub.put({ ...cursor, id: cursorId(site.name, 'up', 'Patient'), ...changes });
};

describe('the cursor in the target against the state of the site', () => {
  it('agree: the stream goes on', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      put(site, 'female');
      expect((await site.drive(patients)).commits).toHaveLength(1);
    });
  });

  it('target-restored: the cursor is behind', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      const before = site.cursor(patients);
      put(site, 'female');
      await site.drive(patients);
      setCursor(site, { ...before });
      await expectResyncToHelp(site, 'target-restored');
    });
  });

  it('target-restored: the cursor is gone', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      site.hub.delete('ChangesInfo', cursorId(site.name, 'up', 'Patient'));
      await expectResyncToHelp(site, 'target-restored');
    });
  });

  it('state-lost: the cursor is ahead by more than one commit', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      setCursor(site, { sequence: 3, batch: 'somebody.else' });
      await expectResyncToHelp(site, 'state-lost');
    });
  });

  it('state-lost: the cursor is ahead by one commit that this site knows nothing of', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      setCursor(site, { sequence: 2, batch: 'north.up.Patient.e1.0000000000000000' });
      await expectResyncToHelp(site, 'state-lost');
    });
  });

  it('state-lost: the cursor is of a later epoch', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      setCursor(site, { epoch: 7 });
      await expectResyncToHelp(site, 'state-lost');
      expect((await site.position(patients)).epoch).toBe(8);
    });
  });

  it('state-lost: the state is empty', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      for (const table of ['streams', 'ledger', 'seen', 'heads'] as const) {
        await site.parts.db.deleteFrom(table).execute();
      }
      await expectResyncToHelp(site, 'state-lost');
    });
  });

  it('state-lost: the state is a copy of an older one', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      const copy = join(site.folder, 'copy.db');
      const { sql } = await import('kysely');
      await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(site.parts.db);
      await copyFile(site.stateFile, copy);
      for (const gender of ['female', 'other']) {
        put(site, gender);
        await site.drive(patients);
      }
      await site.parts.db.destroy();
      await Promise.all(['-wal', '-shm'].map((end) => rm(`${site.stateFile}${end}`, { force: true })));
      await copyFile(copy, site.stateFile);
      await site.restart();
      await expectResyncToHelp(site, 'state-lost');
    });
  });

  it('policy-changed: what stands in the target follows another policy', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      const rules = [{ path: 'Patient.gender', method: 'redact' }];
      await site.restart({ policy: { apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default', rules } });
      site.register();
      await expectResyncToHelp(site, 'policy-changed');
      expect(JSON.stringify(site.hub.list('Patient'))).not.toContain('gender');
    });
  });

  it('source-restored: the newest version of the source is below what was read', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      // The same server from an older backup: its sequence begins before.
      const restored = await startEmulator({ port: 0, insecure: true, createdAtUrl: '' });
      try {
        restored.put(patient('a', { gender: 'unknown' }));
        site.instance.faults.push({
          match: { pathRegex: /^\/Patient\/\$changes$/ },
          action: { kind: 'answer', status: 200, body: { version: restored.store.head('Patient') ?? 0 } },
        });
        await expectResyncToHelp(site, 'source-restored');
      } finally {
        await restored.close();
      }
    });
  });

  const withPurgedNewest = (then: (site: Site) => Promise<void>): Promise<void> =>
    withSite({ limits: { leftoversShareMax: 1 } }, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      site.settle();
      await site.drive(patients);
      site.instance.purge('Patient', 'c');
      await expect(site.fetch(patients)).rejects.toMatchObject({ type: 'source-restored' });
      await then(site);
    });

  it('source-restored: the newest resource of the type was purged, which ends by a resync', async () => {
    await withPurgedNewest(async (site) => {
      await site.resync(patients);
      await site.drive(patients);
      site.settle();
      await site.drive(patients);
      expect(['a', 'b', 'c'].map((id) => site.inHub('Patient', id) !== undefined)).toEqual([true, true, false]);
    });
  });

  it('source-restored: or by itself, where the type is written to after a purge; a reconciliation deletes the copy', async () => {
    await withPurgedNewest(async (site) => {
      site.instance.put(patient('d'));
      await site.drive(patients);
      expect(site.inHub('Patient', 'd')).toBeDefined();
      site.settle();
      await site.drive(patients);
      const report = await inActivity(() => site.activities.reconcileStream({ stream: patients, repair: true }));
      expect(report.drift).toEqual({ purged: 1 });
      await site.drive(patients);
      expect(site.inHub('Patient', 'c')).toBeUndefined();
    });
  });
});

describe('a commit that was given up', () => {
  const cursorText = '"kind":"cursor"';

  it('is closed by whoever fences it off first: the next one that is open by then stays so', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      const given = await site.cleanBatch(patients);
      const busy = { kind: 'answer', status: 503 } as const;
      site.hub.faults.push({ match: { method: 'POST', bodyIncludes: cursorText }, times: 1, action: busy });
      await expect(site.commit(given)).rejects.toMatchObject({ type: 'target-busy' });
      expect((await site.position(patients)).openCommit?.bundles).toBeGreaterThan(0);
      // The first that comes has fenced it off, and does not hear of it.
      const first = holdTransaction(site, (bundle) => bundle.includes('"closed":'), { answer: true });
      const fetching = site.fetch(patients, {}, first.activities);
      await first.reached;
      const batch = await site.cleanBatch(patients);
      const second = holdTransaction(site, (bundle) => bundle.includes(cursorText));
      const committing = site.commit(batch, second.activities);
      await Promise.race([second.reached, committing]);
      const open = (await site.position(patients)).openCommit;
      expect(open?.label).toContain(batch.id);
      first.release();
      await fetching.catch(() => undefined);
      expect((await site.position(patients)).openCommit).toEqual(open);
      second.release();
      await committing;
      for (const id of ids) expect(site.versionsInHub('Patient', id)).toBe(1);
      expect((await site.position(patients)).openCommit).toBeUndefined();
    });
  });
});

describe('begin-resync', () => {
  it('writes again what the ledger knows to be the same, and deletes again what was deleted', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      site.instance.delete('Patient', 'c');
      await site.drive(patients);
      // Somebody has put it back in the hub.
      site.hub.put({ resourceType: 'Patient', id: site.pseudonym('Patient', 'c') });
      await site.resync(patients);
      await site.drive(patients);
      expect(site.inHub('Patient', 'c')).toBeUndefined();
      expect(site.versionsInHub('Patient', 'a')).toBe(2);
    });
  });

  it('leaves a batch of the epoch before without effect', async () => {
    await withSite({}, async (site) => {
      put(site, 'male');
      await site.drive(patients);
      put(site, 'female');
      const batch = await site.cleanBatch(patients);
      await site.resync(patients);
      await expect(site.commit(batch)).rejects.toMatchObject({ type: 'lost-race' });
      await site.drive(patients);
      for (const id of ids) expect(site.inHub('Patient', id)).toMatchObject({ gender: 'female' });
    });
  });
});
