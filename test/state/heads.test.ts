import { describe, expect, it } from '@jest/globals';

import type { Database } from '../../src/state/database.ts';
import { forgetHeads, KnownHeads, observeHead, readHeads } from '../../src/state/heads.ts';
import { advance, type HeadSeen, maturedHead, nextRead } from '../../src/sync/window.ts';
import { backends } from './backends.ts';

const states = await backends();

/** A worker of a site: its clock that jumps, and the one that nobody sets. */
class Worker {
  readonly #db: Database;
  readonly #known = new KnownHeads(() => this.steadyMs);
  steadyMs = 0;
  skewMs = 0;

  constructor(db: Database, steadyMs = 0) {
    this.#db = db;
    this.steadyMs = steadyMs;
  }

  async observe(version: number, server: 'instance' | 'hub' = 'instance'): Promise<void> {
    await observeHead(this.#db, server, version, this.steadyMs + this.skewMs);
    await this.heads(3_600_000, server);
  }

  heads(settleMs: number, server: 'instance' | 'hub' = 'instance'): Promise<HeadSeen[]> {
    return readHeads(this.#db, this.#known, server, settleMs);
  }

  async matured(settleMs: number): Promise<number> {
    return maturedHead(await this.heads(settleMs), this.steadyMs, settleMs);
  }
}

describe.each(states)('observed heads, on $name', ({ withState, withQuickState }) => {
  it('are kept for each server', async () => {
    await withState(async (db) => {
      const worker = new Worker(db, 1_000);
      await worker.observe(7);
      await worker.observe(9, 'hub');
      expect(await worker.heads(100)).toEqual([{ version: 7, atMs: 1_000 }]);
      await forgetHeads(db, 'instance');
      expect(await worker.heads(100)).toEqual([]);
      expect(await worker.heads(100, 'hub')).toEqual([{ version: 9, atMs: 1_000 }]);
    });
  });

  it('are not noted again while they stay as they were, so that an idle server adds nothing', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      for (let tick = 0; tick < 200; tick++) {
        worker.steadyMs = tick * 15_000;
        await worker.observe(tick < 100 ? 5 : 4);
      }
      expect(await worker.heads(1_000)).toEqual([{ version: 5, atMs: 0 }]);
    });
  });

  it('are thinned to one a second while they grow', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      for (; worker.steadyMs < 3_000; worker.steadyMs += 100) await worker.observe(1 + worker.steadyMs);
      const heads = await worker.heads(60_000);
      expect(heads.map((head) => head.atMs)).toEqual([0, 1_000, 2_000]);
    });
  });

  it('mature by the time that has passed, however the clock jumps', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      await worker.observe(1);
      worker.skewMs = 9 * 3_600_000;
      worker.steadyMs = 500;
      await worker.observe(2);
      expect(await worker.matured(1_000)).toBe(0);
      worker.steadyMs = 1_000;
      worker.skewMs = -9 * 3_600_000;
      await worker.observe(3);
      expect(await worker.matured(1_000)).toBe(1);
      worker.steadyMs = 2_000;
      expect(await worker.matured(1_000)).toBe(3);
    });
  });

  it('mature for another worker from when it has heard of them, whatever its clock and theirs say', async () => {
    await withQuickState(async (db) => {
      await new Worker(db).observe(1);
      const other = new Worker(db, 7_000_000);
      expect(await other.matured(1_000)).toBe(0);
      other.steadyMs += 1_000;
      expect(await other.matured(1_000)).toBe(1);
    });
  });

  it('that were forgotten and come again are new', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      await worker.observe(1);
      worker.steadyMs = 5_000;
      await forgetHeads(db, 'instance');
      await worker.observe(1);
      expect(await worker.matured(1_000)).toBe(0);
    });
  });

  it('lose the matured ones that the newest matured one replaces', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      for (let second = 0; second < 100; second++) {
        worker.steadyMs = second * 1_000;
        await worker.observe(1 + second);
      }
      await worker.heads(10_000);
      expect(await worker.heads(10_000)).toHaveLength(11);
      expect(await worker.matured(10_000)).toBe(90);
    });
  });

  it('let a stream that is written to all the time read on between its sweeps', async () => {
    await withQuickState(async (db) => {
      const worker = new Worker(db);
      let position = { settled: 0, delivered: 0 };
      let longestWaitMs = 0;
      let readMs = 0;
      for (; worker.steadyMs < 60_000; worker.steadyMs += 100) {
        const head = 1 + worker.steadyMs;
        await worker.observe(head);
        const matured = await worker.matured(20_000);
        const next = nextRead({ ...position, windowRows: 1_000_000 }, head, matured, 0);
        if (next.kind !== 'read' && next.kind !== 'sweep') continue;
        if (next.kind === 'read') {
          longestWaitMs = Math.max(longestWaitMs, worker.steadyMs - readMs);
          readMs = worker.steadyMs;
        }
        position = advance(position, next.range, matured);
      }
      expect(longestWaitMs).toBeLessThan(1_000);
    });
  });
});
