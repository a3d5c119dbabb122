/**
 * How a target is fenced is one thing for all processes of a site, and for all attempts of one commit: else an attempt that
 * lost would not be stopped by what stopped the other. Found out by a probe, kept in the state, found out anew now and then.
 */
import { describe, expect, it } from '@jest/globals';

import type { Batch } from '../../src/activities/contract.ts';
import type { Parts } from '../../src/activities/parts.ts';
import type { CommitTarget } from '../../src/fhir/server.ts';
import { fixedLimits } from '../../src/limits.ts';
import { holdTransaction } from '../support/held.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const ids = Array.from({ length: 12 }, (_, index) => `p${String(index)}`);
/** Four bundles on two lanes, the last with the cursor. */
const limits = { bundleEntriesMax: 3, bundlesInFlightMax: 2 };
const isData = (bundle: string): boolean => bundle.includes('"url":"Patient/');

async function batchOf(site: Site, gender: string): Promise<Batch> {
  for (const id of ids) site.instance.put(patient(id, { gender }));
  return site.cleanBatch(patients);
}

const versions = (site: Site): number[] => ids.map((id) => site.versionsInHub('Patient', id));
const kinds = (site: Site): Set<unknown> => new Set(site.hub.list('ChangesInfo').map(({ kind }) => kind));
const modeOf = async (site: Site): Promise<string | undefined> =>
  (await site.parts.db.selectFrom('fence_modes').select('mode').executeTakeFirst())?.mode;

/** Parts of a process to whose probes the hub seems to ignore `ifMatch` on entries; counts them. */
function deafToProbes(site: Site): { readonly parts: Partial<Parts>; probes: number } {
  const { hub } = site.parts.servers;
  const seen = { probes: 0 };
  const transaction: CommitTarget['transaction'] = (bundle, signal) => {
    const text = bundle.toString('utf8');
    if (!text.includes('.probe.')) return hub.transaction(bundle, signal);
    seen.probes += 1;
    return hub.transaction(Buffer.from(text.replaceAll(/,"ifMatch":"(?:[^"\\]|\\.)*"/g, '')), signal);
  };
  return Object.assign(seen, { parts: { servers: { ...site.parts.servers, hub: { ...hub, transaction } } } });
}

describe('the fence of a target', () => {
  it('is the one that the first process of the site has found, for every other process, without a probe of its own', async () => {
    await withSite({ limits }, async (site) => {
      await site.commit(await batchOf(site, 'male'));
      const other = deafToProbes(site);
      await site.commit(await batchOf(site, 'female'), site.process(other.parts));
      expect(other.probes).toBe(0);
      expect(kinds(site)).toEqual(new Set(['cursor', 'lane']));
      expect(await modeOf(site)).toBe('if-match');
    });
  });

  it('stops an attempt that lost also where two processes have found different ones', async () => {
    await withSite({ limits }, async (site) => {
      const batch = await batchOf(site, 'male');
      const held = holdTransaction(site, isData);
      const lost = site.commit(batch, held.activities).catch(() => undefined);
      await held.reached;
      // As if the other had asked before the first had noted what it found.
      await site.parts.db.deleteFrom('fence_modes').execute();
      const other = deafToProbes(site);
      await site.commit(batch, site.process(other.parts));
      expect([other.probes > 0, await modeOf(site)]).toEqual([true, 'marker']);
      held.release();
      await lost;
      expect(versions(site)).toEqual(ids.map(() => 1));
    });
  });
});

describe('a commit that is open', () => {
  it('is gone on with as it was begun, whatever has been found out since', async () => {
    await withSite({ limits }, async (site) => {
      const batch = await batchOf(site, 'male');
      const held = holdTransaction(site, isData, { skip: 2 });
      const lost = site.commit(batch, held.activities).catch(() => undefined);
      await held.reached;
      await site.parts.db.updateTable('fence_modes').set({ mode: 'marker' }).execute();
      await site.commit(batch);
      const before = versions(site);
      held.release();
      await lost;
      expect(versions(site)).toEqual(before);
      expect(before).toEqual(ids.map(() => 1));
      // The next one is of the new kind.
      await site.commit(await batchOf(site, 'female'));
      expect(kinds(site)).toContain('marker');
    });
  });

  it('is fenced off as it was begun, too', async () => {
    await withSite({ limits: { ...limits, bundlesInFlightMax: 1 } }, async (site) => {
      const batch = await batchOf(site, 'male');
      const held = holdTransaction(site, isData, { skip: 1 });
      const lost = site.commit(batch, held.activities).catch(() => 'lost');
      await held.reached;
      await site.parts.db.updateTable('fence_modes').set({ mode: 'marker' }).execute();
      await site.fetch(patients, { discard: [batch.id] });
      const before = versions(site);
      held.release();
      expect(await lost).toBe('lost');
      expect(versions(site)).toEqual(before);
    });
  });
});

describe('what was found out of a target', () => {
  it('is believed for a day, and then found out anew: the server may be another by then', async () => {
    await withSite({ hub: { entryIfMatch: 'ignored' } }, async (site) => {
      await site.commit(await batchOf(site, 'male'));
      expect(await modeOf(site)).toBe('marker');
      // As it comes out on a server that obeys.
      await site.parts.db.updateTable('fence_modes').set({ mode: 'if-match' }).execute();
      site.wait(fixedLimits.fenceModeSecondsMax - 60);
      await site.commit(await batchOf(site, 'female'));
      expect(await modeOf(site)).toBe('if-match');
      site.wait(120);
      await site.commit(await batchOf(site, 'other'));
      expect(await modeOf(site)).toBe('marker');
    });
  });
});
