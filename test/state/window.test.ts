import { describe, expect, it } from '@jest/globals';

import {
  forgetHeads,
  forgetSeen,
  lookUpSeen,
  observeHead,
  readHeads,
  recordPending,
  type SeenRow,
  settleSeen,
  windowRows,
} from '../../src/state/window.ts';
import { advance, maturedHead, nextRead } from '../../src/sync/window.ts';
import { backends } from './backends.ts';

const states = await backends();

const patients = { direction: 'up', type: 'Patient' } as const;
const row = (id: string, version: number, atMs = 1_000): SeenRow => ({
  rowKey: `${id}@${String(version)}`,
  idKey: id,
  version,
  atMs,
});

describe.each(states)('observed heads, on $name', ({ withState, withQuickState }) => {
  it('are kept for each server', async () => {
    await withState(async (db) => {
      await observeHead(db, 'instance', 7, 1_000);
      await observeHead(db, 'hub', 9, 1_000);
      expect(await readHeads(db, 'instance', 1_000, 100)).toEqual([{ version: 7, atMs: 1_000 }]);
      await forgetHeads(db, 'instance');
      expect(await readHeads(db, 'instance', 1_000, 100)).toEqual([]);
      expect(await readHeads(db, 'hub', 1_000, 100)).toEqual([{ version: 9, atMs: 1_000 }]);
    });
  });

  it('are not noted again while they stay as they were, so that an idle server adds nothing', async () => {
    await withQuickState(async (db) => {
      for (let tick = 0; tick < 200; tick++) await observeHead(db, 'instance', tick < 100 ? 5 : 4, tick * 15_000);
      expect(await readHeads(db, 'instance', 0, 1_000)).toEqual([{ version: 5, atMs: 0 }]);
    });
  });

  it('are thinned to one a second while they grow', async () => {
    await withQuickState(async (db) => {
      for (let ms = 0; ms < 3_000; ms += 100) await observeHead(db, 'instance', 1 + ms, ms);
      const heads = await readHeads(db, 'instance', 3_000, 60_000);
      expect(heads.map((head) => head.atMs)).toEqual([0, 1_000, 2_000]);
    });
  });

  it('are noted also where the clock was set back', async () => {
    await withQuickState(async (db) => {
      await observeHead(db, 'instance', 1, 100_000);
      await observeHead(db, 'instance', 2, 50_000);
      expect(await readHeads(db, 'instance', 50_000, 1_000)).toHaveLength(2);
    });
  });

  it('lose the matured ones that the newest matured one replaces', async () => {
    await withQuickState(async (db) => {
      for (let second = 0; second < 100; second++) await observeHead(db, 'instance', 1 + second, second * 1_000);
      await readHeads(db, 'instance', 99_000, 10_000);
      const heads = await readHeads(db, 'instance', 99_000, 10_000);
      expect(heads).toHaveLength(11);
      expect(maturedHead(heads, 99_000, 10_000)).toBe(90);
    });
  });

  it('let a stream that is written to all the time read on between its sweeps', async () => {
    await withQuickState(async (db) => {
      const settleMs = 20_000;
      let position = { settled: 0, delivered: 0 };
      let longestWaitMs = 0;
      let readMs = 0;
      for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
        const head = 1 + nowMs;
        await observeHead(db, 'instance', head, nowMs);
        const matured = maturedHead(await readHeads(db, 'instance', nowMs, settleMs), nowMs, settleMs);
        const next = nextRead({ ...position, windowRows: 1_000_000 }, head, matured, 0);
        if (next.kind !== 'read' && next.kind !== 'sweep') continue;
        if (next.kind === 'read') {
          longestWaitMs = Math.max(longestWaitMs, nowMs - readMs);
          readMs = nowMs;
        }
        position = advance(position, next.range, matured);
      }
      expect(longestWaitMs).toBeLessThan(1_000);
    });
  });
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
