import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAidbox } from '../../src/fhir/aidbox.ts';
import type { Authorizer } from '../../src/fhir/auth.ts';
import { ServerProblem } from '../../src/fhir/server-problem.ts';
import { createLimiter, type Limiter, type LimiterOptions } from '../../src/fhir/limiter.ts';
import type { SiteShares } from '../../src/fhir/site-share.ts';
import { fixedLimits } from '../../src/limits.ts';
import { FakeClock, settled } from './fake-clock.ts';
import { type Aidbox, problemOf, transportTo, withServer } from './servers.ts';

const many = { requestsInFlightMax: 1_000, requestsPerSecondMax: 10_000, requestWaitSecondsMax: 120 };

const limiterOf = (limits: Partial<LimiterOptions['limits']> = {}, more: Partial<LimiterOptions> = {}): Limiter =>
  createLimiter({ server: 'instance', limits: { ...many, ...limits }, ...more });

const aidboxAt = (url: string, limiter: Limiter): Aidbox => createAidbox(transportTo(url, { limiter }));

const heads = (aidbox: Aidbox, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => aidbox.head('Patient')));

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(1);
};

/** Requests that end when they are told to. */
class Work {
  begun = 0;
  ended = 0;
  refused: (ServerProblem | undefined)[] = [];
  readonly #ends: (() => void)[] = [];

  run(limiter: Limiter, signal?: AbortSignal): void {
    const request = (): Promise<void> => {
      this.begun += 1;
      return new Promise((resolve) => this.#ends.push(resolve));
    };
    limiter.run(signal, request).then(
      () => (this.ended += 1),
      (error: unknown) => this.refused.push(error as ServerProblem),
    );
  }

  end(): void {
    this.#ends.shift()?.();
  }
}

describe('requests in flight', () => {
  it.each([1, 4])('are never more than %i, of a hundred at once, and all are answered', async (requestsInFlightMax) => {
    let [open, most, asked] = [0, 0, 0];
    const listener = (_request: IncomingMessage, response: ServerResponse): void => {
      asked += 1;
      most = Math.max(most, (open += 1));
      // Answers come in whatever order.
      setTimeout(
        () => {
          open -= 1;
          response.end('{"version":7}');
        },
        (asked * 7) % 5,
      );
    };
    await withServer(listener, async (url) => {
      const versions = await heads(aidboxAt(url, limiterOf({ requestsInFlightMax })), 100);
      expect(versions).toEqual(Array(100).fill(7));
    });
    expect([most, asked]).toEqual([requestsInFlightMax, 100]);
  });

  it('begin in the order in which they came', async () => {
    const limiter = limiterOf({ requestsInFlightMax: 1 });
    const order: number[] = [];
    await Promise.all([0, 1, 2, 3, 4].map((number) => limiter.run(undefined, async () => order.push(number))));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('give their place back however they end', async () => {
    let asked = 0;
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else if (asked === 2) response.writeHead(500).end();
      else response.end('{"version":1}');
    };
    await withServer(listener, async (url) => {
      const aidbox = aidboxAt(url, limiterOf({ requestsInFlightMax: 1 }));
      const [dropped, failed, fine] = await Promise.allSettled([1, 2, 3].map(() => aidbox.head('Patient')));
      expect([dropped?.status, failed?.status, fine?.status]).toEqual(['rejected', 'rejected', 'fulfilled']);
    });
  });

  it('that wait are given back by their signal, and nobody waits behind them', async () => {
    const limiter = limiterOf({ requestsInFlightMax: 1 });
    const work = new Work();
    const abort = new AbortController();
    work.run(limiter);
    work.run(limiter, abort.signal);
    work.run(limiter);
    abort.abort();
    await settled();
    expect([work.begun, work.refused.map((problem) => problem?.failure)]).toEqual([1, ['given-back']]);
    work.end();
    await settled();
    expect(work.begun).toBe(2);
    // Told to stop before it came.
    expect((await problemOf(limiter.run(abort.signal, () => Promise.resolve()))).failure).toBe('given-back');
  });

  it('of a server that never answers take nothing from another server', async () => {
    const hung = new Set<ServerResponse>();
    await withServer(
      (_request, response) => hung.add(response),
      (dead) =>
        withServer(
          (_request, response) => response.end('{"version":1}'),
          async (url) => {
            const signal = new AbortController();
            const slow = aidboxAt(dead, limiterOf({ requestsInFlightMax: 2 }));
            const waiting = Array.from({ length: 20 }, () => problemOf(slow.head('Patient', signal.signal)));
            await until(() => hung.size === 2);
            expect(await heads(aidboxAt(url, limiterOf({ requestsInFlightMax: 2 })), 50)).toHaveLength(50);
            expect(hung.size).toBe(2);
            signal.abort();
            for (const problem of await Promise.all(waiting)) expect(problem.failure).toBe('given-back');
          },
        ),
    );
  });
});

describe('requests that wait for their turn', () => {
  it('wait no longer than they may where those before them never end, and give their place up', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({ requestsInFlightMax: 1, requestWaitSecondsMax: 30 }, { clock });
    const work = new Work();
    for (let count = 0; count < 3; count += 1) work.run(limiter);
    await clock.advance(29_000);
    work.run(limiter);
    await clock.advance(999);
    expect([work.begun, work.refused]).toEqual([1, []]);
    await clock.advance(1);
    expect(work.refused.map((problem) => problem?.failure)).toEqual(['no-turn', 'no-turn']);
    // The one that has waited for a second only goes next.
    work.end();
    await settled();
    expect([work.begun, work.ended]).toEqual([2, 1]);
    work.end();
    // Whoever got its turn is not refused later.
    await clock.advance(60_000);
    expect([work.ended, work.refused.length]).toEqual([2, 2]);
  });

  it('behind a server that hangs are answered with a trouble to be tried again, while it still hangs', async () => {
    const clock = new FakeClock();
    const hung = new Set<ServerResponse>();
    await withServer(
      (_request, response) => hung.add(response),
      async (url) => {
        const abort = new AbortController();
        const aidbox = aidboxAt(url, limiterOf({ requestsInFlightMax: 2, requestWaitSecondsMax: 30 }, { clock }));
        const asked = Array.from({ length: 5 }, () => problemOf(aidbox.head('Patient', abort.signal)));
        await until(() => hung.size === 2);
        await clock.advance(30_000);
        expect((await Promise.all(asked.slice(2))).map(({ failure }) => failure)).toEqual(Array(3).fill('no-turn'));
        expect(hung.size).toBe(2);
        abort.abort();
        await Promise.all(asked);
      },
    );
  });
});

describe('requests in a second', () => {
  it('are no more than the limit by the clock, on a real server', async () => {
    const clock = new FakeClock();
    const begunMs: number[] = [];
    await withServer(
      (_request, response) => {
        begunMs.push(clock.ms);
        response.end('{"version":1}');
      },
      async (url) => {
        const begin = clock.ms;
        const all = heads(aidboxAt(url, limiterOf({ requestsPerSecondMax: 5 }, { clock })), 12);
        for (const [second, count] of [5, 10, 12].entries()) {
          await until(() => begunMs.length === count);
          await clock.advance(999);
          expect(begunMs).toHaveLength(count);
          expect(new Set(begunMs.slice(second * 5))).toEqual(new Set([begin + second * 1_000]));
          await clock.advance(1);
        }
        expect(await all).toHaveLength(12);
      },
    );
  });

  it('are waited for no longer when nobody wants them any more', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({ requestsPerSecondMax: 1 }, { clock });
    const abort = new AbortController();
    await limiter.run(undefined, () => Promise.resolve());
    const { alarms } = clock;
    const waiting = problemOf(limiter.run(abort.signal, () => Promise.resolve()));
    await settled();
    expect(clock.alarms).toBeGreaterThan(alarms);
    abort.abort();
    expect((await waiting).failure).toBe('given-back');
    expect(clock.alarms).toBe(alarms);
  });
});

/** A server that answers once with this status and header, and well from then on. */
const busyOnce = (status: number, retryAfter: string | undefined) => {
  const seen = { asked: 0 };
  const listener = (_request: IncomingMessage, response: ServerResponse): void => {
    seen.asked += 1;
    if (seen.asked > 1) response.end('{"version":1}');
    else response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
  };
  return { seen, listener };
};

describe('a server that wants to be left alone', () => {
  it.each([
    [429, '120', 120],
    [503, '60', 60],
    [429, new Date(Date.now() + 86_400_000).toUTCString(), fixedLimits.retryAfterSecondsMax],
    [429, '999999999', fixedLimits.retryAfterSecondsMax],
    [503, 'Fri, 31 Dec 9999 23:59:59 GMT', fixedLimits.retryAfterSecondsMax],
  ])('is left alone: %i with Retry-After %s', async (status, header, seconds) => {
    const { seen, listener } = busyOnce(status, header);
    await withServer(listener, async (url) => {
      const clock = new FakeClock();
      const aidbox = aidboxAt(url, limiterOf({}, { clock }));
      expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'status', status });
      // Whoever asks now is told at once when to come again: its activity gives its place to others.
      expect(await problemOf(aidbox.head('Patient'))).toEqual({
        failure: 'status',
        status: 429,
        retryAfterSeconds: seconds,
      });
      expect(seen.asked).toBe(1);
      await clock.advance(seconds * 1_000);
      expect(await aidbox.head('Patient')).toBe(1);
    });
  });

  it.each([
    [429, undefined],
    [429, ''],
    [429, 'soon'],
    [429, '-5'],
    [429, '1e9'],
    [503, '0'],
    [503, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [500, '60'],
    [200, '60'],
  ])('is asked on where it does not say so: %i with Retry-After %s', async (status, header) => {
    const { seen, listener } = busyOnce(status, header);
    await withServer(listener, async (url) => {
      const aidbox = aidboxAt(url, limiterOf({}, { clock: new FakeClock() }));
      await problemOf(aidbox.head('Patient'));
      expect(await aidbox.head('Patient')).toBe(1);
      expect(seen.asked).toBe(2);
    });
  });

  it('is waited for where it takes but a moment, and everybody has a turn then', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({ requestsInFlightMax: 2 }, { clock });
    const work = new Work();
    limiter.pause(fixedLimits.pauseWaitSecondsMax);
    for (let times = 0; times < 3; times++) work.run(limiter);
    await clock.advance(fixedLimits.pauseWaitSecondsMax * 1_000 - 1);
    expect([work.begun, work.refused]).toEqual([0, []]);
    await clock.advance(1);
    expect(work.begun).toBe(2);
    work.end();
    await settled();
    expect(work.begun).toBe(3);
  });

  it('has those fail that wait already, when the time becomes longer', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({ requestsInFlightMax: 1 }, { clock });
    const work = new Work();
    for (let times = 0; times < 3; times++) work.run(limiter);
    limiter.pause(1);
    limiter.pause(60);
    // A shorter one does not make up for it.
    limiter.pause(2);
    await settled();
    expect(work.begun).toBe(1);
    expect(work.refused.map((problem) => problem?.retryAfterSeconds)).toEqual([60, 60]);
    work.end();
    await settled();
    expect(work.ended).toBe(1);
  });

  it('can be waited for no longer: the signal gives the request back', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({}, { clock });
    const abort = new AbortController();
    limiter.pause(3);
    const pending = problemOf(limiter.run(abort.signal, () => Promise.resolve()));
    abort.abort();
    expect((await pending).failure).toBe('given-back');
    expect(clock.alarms).toBe(0);
  });

  it('is left alone no longer than any server where the clock is put back', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({}, { clock });
    limiter.pause(600);
    clock.ms -= 86_400_000;
    const { retryAfterSeconds } = await problemOf(limiter.run(undefined, () => Promise.resolve()));
    expect(retryAfterSeconds).toBe(fixedLimits.retryAfterSecondsMax);
    await clock.advance(fixedLimits.retryAfterSecondsMax * 1_000);
    expect(await limiter.run(undefined, () => Promise.resolve(1))).toBe(1);
  });

  it('may say so where it gives tokens', async () => {
    const limiter = limiterOf({}, { clock: new FakeClock() });
    const authorizer: Authorizer = {
      header: () => Promise.reject(new ServerProblem('status', 429, 90)),
      renew: () => false,
    };
    const aidbox = createAidbox(transportTo('http://127.0.0.1:1', { authorizer, limiter }));
    expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ status: 429, retryAfterSeconds: 90 });
    expect(await problemOf(limiter.run(undefined, () => Promise.resolve()))).toMatchObject({ retryAfterSeconds: 90 });
  });
});

describe('a state in trouble', () => {
  const failing: SiteShares = {
    look: () => Promise.reject(new Error('disk full')),
    pause: () => Promise.reject(new Error('disk full')),
  };
  const hanging: SiteShares = { look: () => new Promise(() => {}), pause: () => new Promise(() => {}) };

  it('stops no request, and no pause', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({}, { clock, shares: failing });
    expect(await limiter.run(undefined, () => Promise.resolve(1))).toBe(1);
    limiter.pause(60);
    expect(await problemOf(limiter.run(undefined, () => Promise.resolve()))).toMatchObject({ retryAfterSeconds: 60 });
  });

  it('that never answers delays a request for a moment, once', async () => {
    const clock = new FakeClock();
    const limiter = limiterOf({}, { clock, shares: hanging });
    const work = new Work();
    work.run(limiter);
    await clock.advance(fixedLimits.siteLookMsMax - 1);
    work.run(limiter);
    await settled();
    expect(work.begun).toBe(0);
    await clock.advance(1);
    expect(work.begun).toBe(2);
    await clock.advance(60_000);
    work.run(limiter);
    await settled();
    expect(work.begun).toBe(3);
  });

  it('leaves the share as it was known last', async () => {
    const clock = new FakeClock();
    let looks = 0;
    const shares: SiteShares = {
      look: () => {
        looks += 1;
        return looks === 1 ? Promise.resolve({ workers: 4, pausedUntilMs: 0 }) : Promise.reject(new Error('gone'));
      },
      pause: () => Promise.resolve(),
    };
    const limiter = limiterOf({ requestsInFlightMax: 8 }, { clock, shares });
    const work = new Work();
    for (let times = 0; times < 8; times++) work.run(limiter);
    await clock.advance(60_000);
    expect([work.begun, looks > 2]).toEqual([2, true]);
  });
});
