import { describe, expect, it } from '@jest/globals';

import { forgetSeen, lookUpSeen, recordPending, type SeenRow, settleSeen, windowRows } from '../../src/state/window.ts';
import { backends } from './backends.ts';

const states = await backends();

const patients = { direction: 'up', type: 'Patient' } as const;
const row = (id: string, version: number, atMs = 1_000): SeenRow => ({
  rowKey: `${id}@${String(version)}`,
  idKey: id,
  version,
  atMs,
});

describe.each(states)('the seen set, on $name', ({ withState, withQuickState }) => {
  it('knows committed rows, and those of the batch in flight, but of no other batch', async () => {
    await withState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 1)]);
      expect((await lookUpSeen(db, patients, [row('a', 1)], '')).seenRows.size).toBe(0);
      expect([...(await lookUpSeen(db, patients, [row('a', 1)], 'b1')).seenRows]).toEqual(['a@1']);
      await settleSeen(db, patients, 'b1', 0, 100);
      expect([...(await lookUpSeen(db, patients, [row('a', 1)], '')).seenRows]).toEqual(['a@1']);
    });
  });

  it('knows the highest version and the latest time of an id', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 3, 9_000), row('a', 5, 7_000), row('b', 4, 1_000)]);
      const { known } = await lookUpSeen(db, patients, [row('a', 6), row('c', 6)], 'b1');
      expect([...known]).toEqual([['a', { version: 5, lastUpdatedMs: 9_000 }]]);
    });
  });

  it('drops what a batch noted that was given up, when the next one is noted', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'lost', '', [row('a', 1)]);
      await recordPending(db, patients, 'b2', '', [row('b', 2)]);
      expect((await lookUpSeen(db, patients, [row('a', 1)], 'lost')).seenRows.size).toBe(0);
      await settleSeen(db, patients, 'lost', 0, 100);
      expect((await lookUpSeen(db, patients, [row('a', 1)], '')).seenRows.size).toBe(0);
    });
  });

  it('keeps the batch in flight when the next one is noted', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 1)]);
      await recordPending(db, patients, 'b2', 'b1', [row('b', 2)]);
      await settleSeen(db, patients, 'b1', 0, 100);
      expect([...(await lookUpSeen(db, patients, [row('a', 1), row('b', 2)], 'b2')).seenRows]).toEqual(['a@1', 'b@2']);
    });
  });

  it('does not make a committed row pending again', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 1)]);
      await settleSeen(db, patients, 'b1', 0, 100);
      await recordPending(db, patients, 'b2', '', [row('a', 1)]);
      expect((await lookUpSeen(db, patients, [row('a', 1)], '')).seenRows.size).toBe(1);
    });
  });

  it('is apart for each stream', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 1)]);
      const down = { direction: 'down', type: 'Patient' } as const;
      expect((await lookUpSeen(db, down, [row('a', 1)], 'b1')).seenRows.size).toBe(0);
      await recordPending(db, down, 'b2', '', []);
      await forgetSeen(db, down);
      expect(await windowRows(db, patients, 0)).toBe(1);
      await forgetSeen(db, patients);
      expect(await windowRows(db, patients, 0)).toBe(0);
    });
  });

  it('counts the rows of the unsettled window, pending ones too', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('a', 1), row('b', 2), row('c', 3), row('read', 0)]);
      expect(await windowRows(db, patients, 1)).toBe(2);
    });
  });

  it('takes more rows than a statement has variables', async () => {
    await withQuickState(async (db) => {
      const rows = Array.from({ length: 6_000 }, (_, index) => row(`id-${String(index)}`, index + 1));
      await recordPending(db, patients, 'b1', '', rows);
      expect((await lookUpSeen(db, patients, rows, 'b1')).seenRows.size).toBe(6_000);
    });
  });
});

describe.each(states)('forgetting of what is settled, on $name', ({ withQuickState }) => {
  const settleMs = 1_000;
  const kept = async (rows: readonly SeenRow[], settled: number): Promise<string[]> =>
    withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', rows);
      await settleSeen(db, patients, 'b1', settled, settleMs);
      return [...(await lookUpSeen(db, patients, rows, '')).seenRows].sort();
    });

  it('keeps what is not settled, whatever its age', async () => {
    expect(await kept([row('old', 5, 1), row('new', 4, 100_000)], 4)).toEqual(['new@4', 'old@5']);
  });

  it('keeps what is settled as long as something new may have been in flight with it', async () => {
    expect(await kept([row('old', 1, 8_000), row('new', 2, 10_000)], 2)).toEqual(['new@2', 'old@1']);
    expect(await kept([row('old', 1, 7_999), row('new', 2, 10_000)], 2)).toEqual(['new@2']);
  });

  it('does not take the time of rows beyond the settled version for now', async () => {
    expect(await kept([row('old', 1, 1), row('far-ahead', 900, 1_000_000)], 1)).toEqual(['far-ahead@900', 'old@1']);
  });

  it('does not take the time of a read for now', async () => {
    expect(await kept([row('old', 1, 1), row('read', 0, 1_000_000)], 1)).toEqual(['old@1', 'read@0']);
  });

  it('forgets rows without a time as soon as they are settled', async () => {
    expect(await kept([row('timeless', 1, 0), row('later', 3, 0)], 2)).toEqual(['later@3']);
  });

  it('leaves pending rows alone', async () => {
    await withQuickState(async (db) => {
      await recordPending(db, patients, 'b1', '', [row('new', 2, 100_000)]);
      await recordPending(db, patients, 'b2', 'b1', [row('old', 1, 1)]);
      await settleSeen(db, patients, 'b1', 2, settleMs);
      expect((await lookUpSeen(db, patients, [row('old', 1)], 'b2')).seenRows.size).toBe(1);
    });
  });
});
