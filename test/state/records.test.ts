import { describe, expect, it } from '@jest/globals';

import { fixedLimits } from '../../src/limits.ts';
import { forgetInLedger, readLedger, typeOfKey, writeLedger } from '../../src/state/ledger.ts';
import { noteMarkers, oldMarkers } from '../../src/state/markers.ts';
import { countQuarantined, putInQuarantine, quarantinedBy, releaseFromQuarantine } from '../../src/state/quarantine.ts';
import { addCounts, listStreams, noCounts, readStream, updateStream, writeStream } from '../../src/state/streams.ts';
import { backends } from './backends.ts';

const states = await backends();

const patients = { direction: 'up', type: 'Patient' } as const;

describe.each(states)("a stream's position, on $name", ({ withState }) => {
  it('stands at the beginning where it was never touched', async () => {
    await withState(async (db) => {
      expect(await readStream(db, patients)).toEqual({
        ...patients,
        epoch: 1,
        sequence: 0,
        settled: 0,
        delivered: 0,
        policy: '',
        loaded: false,
        progressAtMs: 0,
        currentAtMs: 0,
        denied: '',
        counts: noCounts,
        leftoversFrom: -1,
        openCommit: undefined,
      });
      expect(await listStreams(db, 'up')).toEqual([]);
    });
  });

  it('comes back as it was written, versions beyond 32 bits too', async () => {
    await withState(async (db) => {
      const position = {
        ...patients,
        epoch: 3,
        sequence: 7,
        settled: 2 ** 40,
        delivered: Number.MAX_SAFE_INTEGER,
        policy: 'sha256:abc',
        loaded: true,
        progressAtMs: 1_800_000_000_000,
        currentAtMs: 1_800_000_000_001,
        denied: 'disabled',
        counts: { changes: 5, committed: 4, deleted: 3, unchanged: 2, withheld: 1 },
        leftoversFrom: 2 ** 40,
        openCommit: { label: 'b1', bundles: 3, lanes: 4 },
      };
      await writeStream(db, position);
      expect(await readStream(db, patients)).toEqual(position);
      await writeStream(db, { ...position, openCommit: undefined });
      expect(await listStreams(db, 'up')).toEqual([{ ...position, openCommit: undefined }]);
      expect(await listStreams(db, 'down')).toEqual([]);
    });
  });

  it('loses no change of several at once', async () => {
    await withState(async (db) => {
      const once = (): Promise<unknown> =>
        updateStream(db, patients, (at) => ({ ...at, counts: addCounts(at.counts, { ...noCounts, changes: 1 }) }));
      await Promise.all(Array.from({ length: 20 }, once));
      expect((await readStream(db, patients)).counts.changes).toBe(20);
    });
  });
});

describe.each(states)('the ledger, on $name', ({ withState, withQuickState }) => {
  it('knows what was written last, for each direction', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [
        { key: 'Patient/a', digest: 'one', epoch: 1 },
        { key: 'Patient/b', digest: 'two', epoch: 1 },
      ]);
      await writeLedger(db, 'up', [{ key: 'Patient/a', digest: '', epoch: 2 }]);
      await writeLedger(db, 'down', [{ key: 'Patient/b', digest: 'other', epoch: 1 }]);
      const entries = await readLedger(db, 'up', ['Patient/a', 'Patient/a', 'Patient/b', 'Patient/c']);
      expect(Object.fromEntries(entries)).toEqual({
        'Patient/a': { digest: '', epoch: 2, version: '' },
        'Patient/b': { digest: 'two', epoch: 1, version: '' },
      });
      await forgetInLedger(db, 'up', ['Patient/b']);
      expect((await readLedger(db, 'up', ['Patient/b'])).size).toBe(0);
      expect((await readLedger(db, 'down', ['Patient/b'])).size).toBe(1);
    });
  });

  it('takes thousands of keys', async () => {
    await withQuickState(async (db) => {
      const writes = Array.from({ length: 5_000 }, (_, index) => ({
        key: `Patient/${String(index)}`,
        digest: 'd',
        epoch: 1,
      }));
      await writeLedger(db, 'up', writes);
      const keys = writes.map((write) => write.key);
      expect((await readLedger(db, 'up', keys)).size).toBe(5_000);
      await forgetInLedger(db, 'up', keys);
      expect((await readLedger(db, 'up', keys)).size).toBe(0);
    });
  });

  it('takes the type off a key', () => {
    expect(typeOfKey('Patient/a')).toBe('Patient');
    expect(typeOfKey('Patient/~hash')).toBe('Patient');
  });
});

describe.each(states)('quarantine, on $name', ({ withState }) => {
  const entry = {
    key: 'Patient/a',
    reason: 'no-id',
    status: 0,
    batch: 'b1',
    form: 'clean',
    content: Buffer.from('sealed'),
  } as const;

  it('counts attempts up and keeps when it began', async () => {
    await withState(async (db) => {
      await putInQuarantine(db, 'up', [entry], 1_000);
      await putInQuarantine(db, 'up', [{ ...entry, reason: 'target-refused', status: 422, batch: 'b2' }], 2_000);
      const rows = await db.selectFrom('quarantine').selectAll().execute();
      expect(rows).toMatchObject([
        {
          type: 'Patient',
          reason: 'target-refused',
          status: 422,
          attempts: 2,
          batch: 'b2',
          first_ms: 1_000,
          last_ms: 2_000,
        },
      ]);
      expect(Buffer.from(rows[0]!.content!).toString()).toBe('sealed');
      expect(await quarantinedBy(db, 'up', 'b1')).toEqual([]);
      expect(await quarantinedBy(db, 'up', 'b2')).toEqual(['Patient/a']);
    });
  });

  it('counts for each stream, and lets go', async () => {
    await withState(async (db) => {
      await putInQuarantine(db, 'up', [entry, { ...entry, key: 'Patient/b', content: null }], 1_000);
      await putInQuarantine(db, 'up', [{ ...entry, key: 'Encounter/a' }], 1_000);
      await putInQuarantine(db, 'down', [entry], 1_000);
      expect(await countQuarantined(db, 'up', 'Patient')).toBe(2);
      await releaseFromQuarantine(db, 'up', ['Patient/a', 'Patient/never']);
      expect(await countQuarantined(db, 'up', 'Patient')).toBe(1);
      expect(await countQuarantined(db, 'up', 'Encounter')).toBe(1);
      expect(await countQuarantined(db, 'down', 'Patient')).toBe(1);
    });
  });
});

describe.each(states)('markers, on $name', ({ withState, withQuickState }) => {
  it('are old once their time has passed, and gone once swept', async () => {
    await withState(async (db) => {
      await noteMarkers(db, 'cursor-1', ['m1', 'm2'], [], 1_000);
      await noteMarkers(db, 'cursor-1', ['m2', 'm3'], [], 2_000);
      await noteMarkers(db, 'cursor-2', ['m4'], [], 1_000);
      expect(await oldMarkers(db, 'cursor-1', 1_000)).toEqual([]);
      expect(await oldMarkers(db, 'cursor-1', 1_001)).toEqual(['m1', 'm2']);
      await noteMarkers(db, 'cursor-1', [], ['m1', 'm2'], 3_000);
      expect(await oldMarkers(db, 'cursor-1', 9_000)).toEqual(['m3']);
      expect(await oldMarkers(db, 'cursor-2', 9_000)).toEqual(['m4']);
    });
  });

  it('are swept a bounded number at a time', async () => {
    await withQuickState(async (db) => {
      const ids = Array.from({ length: fixedLimits.markerSweepMax + 5 }, (_, index) => `m${String(index)}`);
      await noteMarkers(db, 'cursor-1', ids, [], 1_000);
      expect(await oldMarkers(db, 'cursor-1', 2_000)).toHaveLength(fixedLimits.markerSweepMax);
    });
  });
});
