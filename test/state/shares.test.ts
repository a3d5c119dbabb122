import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';

import { fixedLimits } from '../../src/limits.ts';
import type { Database } from '../../src/state/database.ts';
import { joinWorkers } from '../../src/state/shares.ts';
import { backends } from './backends.ts';
import { withMemoryState } from './state-file.ts';

const states = await backends();

const startMs = Date.UTC(2026, 0, 5, 8);

/** A clock of the test's own, shared by the workers. */
const clockAt = (ms = startMs) => {
  const clock = { ms, now: () => clock.ms };
  return clock;
};

const changes = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ count: number }>`SELECT total_changes() AS count`.execute(db);
  return rows[0]!.count;
};

const ids = async (db: Database): Promise<number> => (await db.selectFrom('workers').select('id').execute()).length;

describe.each(states)('the workers of a site, on $name', ({ withState, withQuickState }) => {
  it('count each other from the first look on, and not themselves twice', async () => {
    await withQuickState(async (db) => {
      const { now } = clockAt();
      const workers = [joinWorkers(db, now), joinWorkers(db, now), joinWorkers(db, now)];
      const counts: number[] = [];
      for (const worker of workers) counts.push((await worker.look('hub')).workers);
      expect(counts).toEqual([1, 2, 3]);
      expect((await workers[0]!.look('instance')).workers).toBe(3);
    });
  });

  it('are on one state file, whichever process opened it', async () => {
    await withState(async (db) => {
      const { now } = clockAt();
      await joinWorkers(db, now).look('hub');
      expect((await joinWorkers(db, now).look('hub')).workers).toBe(2);
    });
  });

  it('leave at once when they are closed, and say nothing any more', async () => {
    await withQuickState(async (db) => {
      const { now } = clockAt();
      const [one, other] = [joinWorkers(db, now), joinWorkers(db, now)];
      await one.look('hub');
      await other.look('hub');
      await other.close();
      expect((await one.look('hub')).workers).toBe(1);
      await expect(other.look('hub')).rejects.toThrow(/^state-unavailable$/);
      expect(await ids(db)).toBe(1);
    });
  });

  it('are forgotten when they were killed, and come back when they were only idle', async () => {
    await withQuickState(async (db) => {
      const clock = clockAt();
      const [one, other] = [joinWorkers(db, clock.now), joinWorkers(db, clock.now)];
      await one.look('hub');
      await other.look('hub');
      clock.ms += fixedLimits.workerForgottenSeconds * 1_000;
      expect((await one.look('hub')).workers).toBe(2);
      clock.ms += 1;
      expect((await one.look('hub')).workers).toBe(1);
      clock.ms += fixedLimits.workerSeenSeconds * 1_000;
      await one.look('hub');
      expect(await ids(db)).toBe(1);
      expect((await other.look('hub')).workers).toBe(2);
      expect((await one.look('hub')).workers).toBe(2);
    });
  });

  it('are forgotten too where their clock was far ahead', async () => {
    await withQuickState(async (db) => {
      const clock = clockAt();
      const worker = joinWorkers(db, clock.now);
      await worker.look('hub');
      await joinWorkers(db, clockAt(startMs + 86_400_000).now).look('hub');
      expect((await worker.look('hub')).workers).toBe(1);
      // That one forgot this one, too, which says again that it is there.
      clock.ms += fixedLimits.workerSeenSeconds * 1_000;
      await worker.look('hub');
      expect(await ids(db)).toBe(1);
    });
  });
});

describe('the workers of a site, in a file', () => {
  it('end in peace where the state is gone', async () => {
    await withMemoryState(async (db) => {
      const worker = joinWorkers(db);
      await worker.look('hub');
      await db.schema.dropTable('workers').execute();
      await expect(worker.look('hub')).rejects.toThrow();
      await worker.close();
    });
  });

  it('write once in ten seconds while they have something to send, and nothing in between or when idle', async () => {
    await withMemoryState(async (db) => {
      const clock = clockAt();
      const worker = joinWorkers(db, clock.now);
      const before = await changes(db);
      const written: number[] = [];
      for (let second = 0; second < 25; second++) {
        await Promise.all([worker.look('hub'), worker.look('instance')]);
        clock.ms += 1_000;
        written.push((await changes(db)) - before);
      }
      expect(written).toEqual([...Array(10).fill(1), ...Array(10).fill(2), ...Array(5).fill(3)]);
    });
  });

  it('hear the others where they cannot write themselves', async () => {
    await withMemoryState(async (db) => {
      const { now } = clockAt();
      await joinWorkers(db, now).look('hub');
      await sql`CREATE TRIGGER full BEFORE INSERT ON workers BEGIN SELECT RAISE(ABORT, 'full'); END`.execute(db);
      expect((await joinWorkers(db, now).look('hub')).workers).toBe(2);
    });
  });
});

describe.each(states)('a pause, on $name', ({ withQuickState }) => {
  it('is heard by all workers, for that server alone', async () => {
    await withQuickState(async (db) => {
      const { now } = clockAt();
      const [one, other] = [joinWorkers(db, now), joinWorkers(db, now)];
      expect((await other.look('hub')).pausedUntilMs).toBe(0);
      await one.pause('hub', startMs + 60_000);
      expect((await other.look('hub')).pausedUntilMs).toBe(startMs + 60_000);
      expect((await other.look('instance')).pausedUntilMs).toBe(0);
    });
  });

  it('becomes longer and never shorter, but for one that no clock can have meant', async () => {
    await withQuickState(async (db) => {
      const worker = joinWorkers(db, clockAt().now);
      const heard: number[] = [];
      for (const seconds of [60, 30, 90, 86_400, 70]) {
        await worker.pause('hub', startMs + seconds * 1_000);
        heard.push(((await worker.look('hub')).pausedUntilMs - startMs) / 1_000);
      }
      expect(heard).toEqual([60, 60, 90, 86_400, 70]);
    });
  });
});
