/** Two streams' commits side by side, one of them stopped at each write: what one drops as unchanged, the other must not have changed. */
import { expect, it } from '@jest/globals';

import { interrupted, stopAt } from '../support/interrupted.ts';
import { type Site, type Stored, up, withSite } from '../support/site.ts';

const encounters = up('Encounter');
const observations = up('Observation');

const observation = (status: string, encounterId?: string): Stored => ({
  resourceType: 'Observation',
  id: 'o',
  status,
  ...(encounterId !== undefined && { encounter: { reference: `Encounter/${encounterId}` } }),
});

/** A stream's commit that is stopped at a write while another stream goes all the way; false where there is no such write. */
async function besides(site: Site, point: number): Promise<boolean> {
  const batch = await site.cleanBatch(observations);
  const stop = stopAt(point);
  const committing = site.commit(batch, site.process(interrupted(site.parts, stop.atPoint)));
  const ended = committing.then(
    () => false,
    () => false,
  );
  const stopped = await Promise.race([stop.reached.then(() => true), ended]);
  if (stopped) await site.drive(encounters).catch(() => undefined);
  stop.release();
  await ended;
  await site.drive(encounters);
  await site.drive(observations);
  return stopped;
}

async function atEachWrite(run: (site: Site, point: number) => Promise<boolean>): Promise<void> {
  let stopped = true;
  for (let point = 0; stopped; point += 1) {
    await withSite({ streams: ['up Encounter', 'up Observation'] }, async (site) => {
      stopped = await run(site, point);
    });
  }
}

it('brings the newest state where that equals what was written last, and another stream releases the one between', async () => {
  await atEachWrite(async (site, point) => {
    site.instance.put(observation('final'));
    await site.drive(observations);
    site.instance.put(observation('amended', 'e'));
    await site.drive(observations);
    site.instance.put(observation('final'));
    site.instance.put({ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' } });
    const stopped = await besides(site, point);
    expect([point, site.inHub('Observation', 'o')]).toEqual([point, site.expected('Observation', 'o')]);
    return stopped;
  });
}, 60_000);

it('writes once what it had parked before it was given up, where another stream releases that meanwhile', async () => {
  await atEachWrite(async (site, point) => {
    site.instance.put(observation('final', 'e'));
    const given = await site.cleanBatch(observations);
    const action = { kind: 'answer', status: 503 } as const;
    site.hub.faults.push({ match: { method: 'POST', bodyIncludes: '"kind":"cursor"' }, times: 1, action });
    await expect(site.commit(given)).rejects.toMatchObject({ type: 'target-busy' });
    site.instance.put({ resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' } });
    const stopped = await besides(site, point);
    expect([point, site.inHub('Observation', 'o')]).toEqual([point, site.expected('Observation', 'o')]);
    expect([point, site.versionsInHub('Observation', 'o')]).toEqual([point, 1]);
    return stopped;
  });
}, 60_000);
