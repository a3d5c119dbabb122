/** The record of leavings, and what is cleared from the state with them; on each database. */
import { describe, expect, it } from '@jest/globals';

import { beginDeparture, currentDeparture, endDepartures, updateDeparture } from '../../src/state/departures.ts';
import { forgetLive } from '../../src/state/forget-live.ts';
import { readLedger, writeLedger } from '../../src/state/ledger.ts';
import { putInQuarantine, quarantinedAmong, releaseHeld } from '../../src/state/quarantine.ts';
import { backends } from './backends.ts';

const refused = (key: string) => ({
  ...({ key, reason: 'still-referenced', status: 409, form: 'delete', batch: '' } as const),
  content: null,
});

describe.each(await backends())('on $name', ({ withState }) => {
  it('a departure holds until the instance is back, and the record stays', async () => {
    await withState(async (db) => {
      expect(await currentDeparture(db)).toBeUndefined();
      const begun = await beginDeparture(db, { run: 'r1', data: 'keep', nowMs: 5 });
      expect(await beginDeparture(db, { run: 'r1', data: 'keep', nowMs: 6 })).toEqual(begun);
      const report = { keys: { staging: [1] } };
      await db.transaction().execute((tx) => updateDeparture(tx, begun, { leftMs: 7, report }));
      expect(await currentDeparture(db)).toMatchObject({ leftMs: 7, begunMs: 5, report: { before: {}, ...report } });
      await endDepartures(db, 9);
      expect(await currentDeparture(db)).toBeUndefined();
      await beginDeparture(db, { run: 'r2', data: 'delete', nowMs: 10 });
      expect(await db.selectFrom('departures').select(['begun_ms', 'back_ms']).orderBy('begun_ms').execute()).toEqual([
        { begun_ms: 5, back_ms: 9 },
        { begun_ms: 10, back_ms: 0 },
      ]);
    });
  });

  it('what was deleted cannot be kept; what is being deleted can', async () => {
    await withState(async (db) => {
      const begun = await beginDeparture(db, { run: 'r', data: 'delete', nowMs: 1 });
      expect(await beginDeparture(db, { run: 'r', data: 'keep', nowMs: 2 })).toMatchObject({ data: 'keep' });
      await db.transaction().execute((tx) => updateDeparture(tx, begun, { leftMs: 3 }));
      expect(await beginDeparture(db, { run: 'r', data: 'keep', nowMs: 4 })).toMatchObject({ data: 'delete' });
    });
  });

  it('clears whole tables in pieces, and leaves the ledger', async () => {
    await withState(async (db) => {
      const rows = Array.from({ length: 5_001 }, (_, n) => ({
        ...({ direction: 'up', type: 'Patient', id_key: 'i', batch: '' } as const),
        ...{ row_key: `r${String(n)}`, version: n, at_ms: 0 },
      }));
      for (let start = 0; start < rows.length; start += 500)
        await db
          .insertInto('seen')
          .values(rows.slice(start, start + 500))
          .execute();
      await putInQuarantine(db, 'up', [refused('Patient/a')], 0);
      await writeLedger(db, 'up', [{ key: 'Patient/a', digest: 'd', epoch: 1 }]);
      const pieces: number[] = [];
      expect(await forgetLive(db, (count) => pieces.push(count))).toEqual({ seen: 5_001, quarantine: 1 });
      expect(pieces).toContain(5_000);
      expect(await forgetLive(db, () => undefined)).toEqual({});
      expect((await readLedger(db, 'up', ['Patient/a'])).size).toBe(1);
    });
  });

  it('what the target refused to delete is held until it is released', async () => {
    await withState(async (db) => {
      await putInQuarantine(db, 'up', [refused('Patient/a'), refused('Encounter/e')], 0);
      expect(await quarantinedAmong(db, 'up', ['Patient/a', 'Patient/b'])).toEqual(
        new Map([['Patient/a', 'still-referenced']]),
      );
      await releaseHeld(db, 'up', ['Patient']);
      expect(await quarantinedAmong(db, 'up', ['Patient/a', 'Encounter/e'])).toEqual(
        new Map([['Encounter/e', 'still-referenced']]),
      );
    });
  });
});
