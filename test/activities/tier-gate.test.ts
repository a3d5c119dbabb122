/** A first load and the types of lower tiers that it waits for. */
import { expect, it } from '@jest/globals';

import { updateStream } from '../../src/state/streams.ts';
import { patient, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');
const encounters = up('Encounter');

/** A site whose patients are being loaded, as of when their stream last said so. */
async function withLoading(progressAfterSeconds: number, work: (site: Site) => Promise<void>): Promise<void> {
  await withSite({ streams: ['up Patient', 'up Encounter'] }, async (site) => {
    site.instance.put(patient('a'));
    site.instance.put({ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' } });
    const progressAtMs = site.clock.ms + progressAfterSeconds * 1_000;
    await updateStream(site.parts.db, patients, (at) => ({ ...at, progressAtMs }));
    await work(site);
  });
}

it('waits for a type that moves, until that has been loaded', async () => {
  await withLoading(-10, async (site) => {
    let loaded = false;
    const fetched = site.fetch(encounters).then((result) => [result.kind, loaded]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    loaded = true;
    await updateStream(site.parts.db, patients, (at) => ({ ...at, loaded }));
    expect(await fetched).toEqual(['batch', true]);
  });
});

it.each([
  ['has not moved for a while', -61],
  ['moved at a time that is far ahead, since the clock was put back', 3_600],
])('does not wait for one that %s', async (_what, seconds) => {
  await withLoading(seconds, async (site) => {
    expect((await site.fetch(encounters)).kind).toBe('batch');
  });
});
