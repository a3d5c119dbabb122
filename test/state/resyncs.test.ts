import { describe, expect, it } from '@jest/globals';

import { lastResync, noteResync } from '../../src/state/resyncs.ts';
import { backends } from './backends.ts';

const patients = { direction: 'up', type: 'Patient' } as const;

describe.each(await backends())('the answer to an order to resync, on $name', ({ withState }) => {
  it('is the last one of its stream', async () => {
    await withState(async (db) => {
      expect(await lastResync(db, patients)).toBeUndefined();
      const refused = {
        atMs: 1_800_000_000_000,
        refused: ['listing-forbidden'],
        epoch: 1,
        found: { policy: '' },
      } as const;
      await noteResync(db, patients, refused);
      expect(await lastResync(db, patients)).toEqual(refused);
      const begun = { atMs: 1_800_000_000_001, refused: [], epoch: 2, found: { policy: 'p', source: 3, target: 4 } };
      await noteResync(db, patients, begun);
      expect(await lastResync(db, patients)).toEqual(begun);
      expect(await lastResync(db, { direction: 'down', type: 'Patient' })).toBeUndefined();
    });
  });
});
