/**
 * States that are read from the source rather than taken from its rows: what is known by them must not be forgotten, or
 * an older row that comes in a later batch would follow a newer state (I4).
 */
import { describe, expect, it } from '@jest/globals';

import { patient, settleSeconds, type Site, up, withSite } from '../support/site.ts';

const patients = up('Patient');

/** Takes the stream to its end, a batch at a time. */
async function batchByBatch(site: Site, look: () => void): Promise<number> {
  for (let batches = 0; ; batches += 1) {
    const fetched = await site.fetch(patients);
    if (fetched.kind !== 'batch') return batches;
    await site.commit(await site.anonymize(fetched.batch));
    look();
  }
}

/** Versions of another type, so that what follows comes in a batch of its own. */
function spread(site: Site): void {
  for (let count = 0; count < 1_000; count += 1) site.instance.put({ resourceType: 'Basic', id: `b${String(count)}` });
}

describe('a state that was read from the source', () => {
  it('is not followed by an older row of a later batch, where it was a deletion', async () => {
    await withSite({ limits: { batchRowsMax: 4 } }, async (site) => {
      // So close together that they might have been in flight together: the first batch asks for the current state.
      site.instance.put(patient('x', { multipleBirthInteger: 1 }));
      site.instance.put(patient('x', { multipleBirthInteger: 2 }));
      spread(site);
      site.wait(10 * settleSeconds);
      site.instance.put(patient('x', { multipleBirthInteger: 3 }));
      // More than a batch holds, so that the deletion comes in a later one than the row before it.
      for (let count = 0; count < 12; count += 1) site.instance.put(patient(`y${String(count)}`));
      site.instance.delete('Patient', 'x');
      const batches = await batchByBatch(site, () => {
        expect(site.inHub('Patient', 'x')).toBeUndefined();
      });
      expect(batches).toBeGreaterThan(1);
      expect(site.inHub('Patient', 'y11')).toBeDefined();
    });
  });

  it('is all that a resync writes: the history is not played to the hub again', async () => {
    await withSite({ limits: { batchRowsMax: 2 } }, async (site) => {
      for (const count of [1, 2, 3, 4]) {
        site.instance.put(patient('x', { multipleBirthInteger: count }));
        site.instance.put(patient(`other-${String(count)}`));
        site.wait(10 * settleSeconds);
      }
      await site.drive(patients);
      const versions = site.versionsInHub('Patient', 'x');
      await site.resync(patients);
      const batches = await batchByBatch(site, () => {
        expect(site.inHub('Patient', 'x')).toMatchObject({ multipleBirthInteger: 4 });
      });
      expect(batches).toBeGreaterThan(1);
      expect(site.versionsInHub('Patient', 'x')).toBe(versions + 1);
    });
  });
});
