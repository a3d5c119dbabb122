/** The workers of one site over one state, each with a limiter of its own for the same server. */
import { describe, expect, it } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAidbox } from '../../src/fhir/aidbox.ts';
import { createLimiter, type Limiter } from '../../src/fhir/limiter.ts';
import { fixedLimits, type Limits } from '../../src/limits.ts';
import type { Database } from '../../src/state/database.ts';
import { joinWorkers } from '../../src/state/shares.ts';
import { withMemoryState } from '../state/state-file.ts';
import { FakeClock, settled } from './fake-clock.ts';
import { type Aidbox, problemOf, transportTo, withServer } from './servers.ts';

const second = 1_000;

type Bounds = Pick<Limits, 'requestsInFlightMax' | 'requestsPerSecondMax' | 'requestWaitSecondsMax'>;
const many: Bounds = { requestsInFlightMax: 1_000, requestsPerSecondMax: 10_000, requestWaitSecondsMax: 120 };

const workerOf = (db: Database, clock: FakeClock, limits: Partial<Bounds> = {}, server = 'instance'): Limiter =>
  createLimiter({ server, limits: { ...many, ...limits }, shares: joinWorkers(db, () => clock.ms), clock });

const done = (limiter: Limiter): Promise<number> => limiter.run(undefined, () => Promise.resolve(1));

/** Workers that have heard of each other. */
async function acquainted(clock: FakeClock, workers: readonly Limiter[]): Promise<void> {
  for (const worker of workers) await done(worker);
  await clock.advance(fixedLimits.siteLookSecondsMin * second);
}

const aidboxAt = (url: string, limiter: Limiter): Aidbox => createAidbox(transportTo(url, { limiter }));

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await sleep(1);
};

const pauseNoted = (db: Database) => async (): Promise<boolean> =>
  (await db.selectFrom('server_pauses').selectAll().execute()).length > 0;

describe('two workers of a site', () => {
  it('have no more in flight together than one may alone, and all is answered', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const workers = [0, 1].map(() => workerOf(db, clock, { requestsInFlightMax: 6 }));
      await acquainted(clock, workers);
      let [open, most] = [0, 0];
      const answer = (response: ServerResponse): void => {
        open -= 1;
        response.end('{"version":7}');
      };
      // The first answers wait for as many as may come, and a while for one more: on a slow machine they would be gone before.
      const held: ServerResponse[] = [];
      await withServer(
        (_request, response) => {
          most = Math.max(most, (open += 1));
          if (most > 6 || held.length === 6) setTimeout(answer, 1, response);
          else if (held.push(response) === 6) setTimeout(() => held.forEach(answer), 50);
        },
        async (url) => {
          const all = workers.flatMap((worker) =>
            Array.from({ length: 50 }, () => aidboxAt(url, worker).head('Patient')),
          );
          expect(await Promise.all(all)).toEqual(Array(100).fill(7));
        },
      );
      expect(most).toBe(6);
    });
  });

  it('begin no more in a second than one may alone', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const workers = [0, 1].map(() => workerOf(db, clock, { requestsPerSecondMax: 10 }));
      await acquainted(clock, workers);
      let begun = 0;
      const count = (): Promise<number> => Promise.resolve((begun += 1));
      const all = workers.flatMap((worker) => Array.from({ length: 20 }, () => worker.run(undefined, count)));
      const counts: number[] = [];
      for (let times = 0; times < 4; times++) {
        await settled();
        counts.push(begun);
        await clock.advance(second);
      }
      expect(counts).toEqual([10, 20, 30, 40]);
      await Promise.all(all);
    });
  });

  it('leave a server alone that one of them was told to, and no other server', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const [told, other] = [workerOf(db, clock), workerOf(db, clock)];
      const hub = workerOf(db, clock, {}, 'hub');
      await acquainted(clock, [told, other, hub]);
      let asked = 0;
      await withServer(
        (_request, response) => {
          asked += 1;
          if (asked === 1) response.writeHead(429, { 'retry-after': '120' }).end();
          else response.end('{"version":1}');
        },
        async (url) => {
          await problemOf(aidboxAt(url, told).head('Patient'));
          await until(pauseNoted(db));
          await clock.advance(fixedLimits.siteLookSecondsMin * second);
          for (const limiter of [told, other])
            expect(await problemOf(aidboxAt(url, limiter).head('Patient'))).toMatchObject({
              status: 429,
              retryAfterSeconds: 119,
            });
          expect(asked).toBe(1);
          expect(await aidboxAt(url, hub).head('Patient')).toBe(1);
          await clock.advance(119 * second);
          expect(await aidboxAt(url, other).head('Patient')).toBe(1);
        },
      );
    });
  });

  it('leave it alone after a restart, too', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      workerOf(db, clock).pause(60);
      await until(pauseNoted(db));
      expect(await problemOf(done(workerOf(db, clock)))).toMatchObject({ retryAfterSeconds: 60 });
    });
  });

  it('do not stop for ever at a pause that a wrong clock has left', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      await db
        .insertInto('server_pauses')
        .values({ server: 'instance', until_ms: clock.ms + 365 * 86_400 * second })
        .execute();
      const worker = workerOf(db, clock);
      const { retryAfterSeconds } = await problemOf(done(worker));
      expect(retryAfterSeconds).toBe(fixedLimits.retryAfterSecondsMax);
      await clock.advance(fixedLimits.retryAfterSecondsMax * second);
      expect(await done(worker)).toBe(1);
    });
  });

  it('write one pause for many refusals', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const written: number[] = [];
      const shares = {
        ...joinWorkers(db, () => clock.ms),
        pause: async (_: string, ms: number) => void written.push(ms),
      };
      const worker = createLimiter({ server: 'hub', limits: many, shares, clock });
      for (const seconds of [60, 60, 60.5, 59, 70]) worker.pause(seconds);
      expect(written.map((ms) => (ms - clock.ms) / second)).toEqual([60, 70]);
    });
  });
});

describe('a worker', () => {
  it('has one request in flight at least, however many share the limit', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const workers = [0, 1, 2].map(() => workerOf(db, clock, { requestsInFlightMax: 1, requestsPerSecondMax: 1 }));
      await acquainted(clock, workers);
      const all = Promise.all(workers.map(done));
      await clock.advance(3 * second);
      expect(await all).toEqual([1, 1, 1]);
    });
  });

  it('has the whole limit again when the others have gone', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const gone = joinWorkers(db, () => clock.ms);
      await gone.look('instance');
      const worker = workerOf(db, clock, { requestsInFlightMax: 4 });
      let begun = 0;
      for (let times = 0; times < 4; times++)
        void worker.run(undefined, () => {
          begun += 1;
          return new Promise(() => {});
        });
      await settled();
      expect(begun).toBe(2);
      await gone.close();
      await clock.advance(fixedLimits.workerSeenSeconds * second);
      expect(begun).toBe(4);
    });
  });

  it('stays seen during a request that takes long, and is let go of when it is idle', async () => {
    await withMemoryState(async (db) => {
      const clock = new FakeClock();
      const other = joinWorkers(db, () => clock.ms);
      let end = (): void => {};
      const pending = workerOf(db, clock).run(undefined, () => new Promise<void>((resolve) => (end = resolve)));
      await clock.advance(120 * second);
      expect((await other.look('instance')).workers).toBe(2);
      end();
      await pending;
      await clock.advance(fixedLimits.workerSeenSeconds * second);
      // Nothing wakes it up any more.
      expect(clock.alarms).toBe(0);
      await clock.advance(fixedLimits.workerForgottenSeconds * second);
      expect((await other.look('instance')).workers).toBe(1);
    });
  });
});
