/** What a stream does about each kind of trouble, and for how long, on the server that skips time. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { resyncSignal, retrySignal, statusQuery, type SyncStatus } from '../../src/workflows/messages.ts';
import { waitSeconds } from '../../src/workflows/steps.ts';
import { troubles } from '../../src/sync/trouble.ts';
import { countOf, eventsOf, timers, upserts } from './support/history.ts';
import { Script } from './support/script.ts';
import { eventually, passUntil, Stage } from './support/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.skipping();
});
afterAll(() => stage.close());

describe('a trouble that a person has to mend', () => {
  it('blocks, says what is needed, and is tried again by itself after a minute, then after two', async () => {
    const script = new Script().fails('commit', 'target-forbidden', 2);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      const { means, cure } = troubles['target-forbidden'];
      expect(await handle.query(statusQuery)).toMatchObject({ need: { code: 'target-forbidden', means, cure } });
      await passUntil(stage, 'the third try', async () => script.calls('commit') === 3);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      const events = await eventsOf(handle);
      expect(timers(events)).toEqual([60, 120]);
      // The batch was not read again: the step alone was repeated.
      expect(countOf(events, 'ACTIVITY_TASK_SCHEDULED')).toBe(6);
      expect(upserts(events)).toEqual(['blocked', 'syncing', 'blocked', 'syncing', 'current']);
      expect(await handle.query(statusQuery)).not.toHaveProperty('need');
    });
  });

  it('is tried again at once on retry', async () => {
    const script = new Script().fails('fetchChanges', 'source-unauthenticated');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(retrySignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current' });
      expect(script.calls('fetchChanges')).toBe(2);
    });
  });

  it('in an extra step or in authorize repeats that step alone', async () => {
    const script = new Script({ steps: ['zip-codes'] })
      .fails('step', 'extra-step-failed')
      .fails('authorize', 'target-lacks-route');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(retrySignal);
      await eventually('authorize', () => script.calls('authorize') === 1);
      await site.until(handle, 'blocked');
      await handle.signal(retrySignal);
      await handle.result();
      expect(script.calls('anonymize')).toBe(1);
      expect(script.calls('step')).toBe(2);
      expect(script.calls('authorize')).toBe(2);
    });
  });

  it('where the hub is asked first blocks too, and reading goes on after it', async () => {
    const script = new Script().fails('authorize', 'target-unauthenticated');
    await stage.site(script, async (site) => {
      const handle = await site.start({ askFirst: true });
      await site.until(handle, 'blocked');
      await handle.signal(retrySignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current' });
    });
  });
});

describe('a trouble that only a resync mends', () => {
  it.each(['source-restored', 'target-restored', 'state-lost', 'policy-changed'] as const)(
    '%s blocks for as long as it takes, until resync',
    async (code) => {
      const script = new Script().fails('fetchChanges', code);
      await stage.site(script, async (site) => {
        const handle = await site.start();
        await site.until(handle, 'blocked');
        await stage.pass(30 * 24 * 3_600);
        expect(script.calls('fetchChanges')).toBe(1);
        expect(await handle.query(statusQuery)).toMatchObject({ state: 'blocked', need: { code } });
        await handle.signal(resyncSignal);
        expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2 } });
      });
    },
  );
});

describe('a trouble that is a bug', () => {
  it('blocks with its batch until retry, and is not tried by itself', async () => {
    const script = new Script().fails('commit', 'breaker-open');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await stage.pass(30 * 24 * 3_600);
      expect(script.calls('commit')).toBe(1);
      await handle.signal(retrySignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(script.discarded).toEqual([]);
    });
  });
});

describe('a trouble that passes', () => {
  it('is retried by Temporal, unseen by the workflow', async () => {
    const script = new Script().fails('commit', 'target-busy', 3);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await stage.pass(60);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(upserts(await eventsOf(handle))).toEqual(['current']);
      expect(script.calls('commit')).toBe(4);
    });
  });

  it('that stays is said as retrying, with the server it is about, and goes on by itself', async () => {
    const script = new Script().fails('fetchChanges', 'source-unreachable', 12);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      const status = (): Promise<SyncStatus> => handle.query(statusQuery);
      await passUntil(stage, 'retrying', async () => (await status()).state === 'retrying');
      expect(await status()).toMatchObject({ need: { code: 'source-unreachable' } });
      expect(script.calls('fetchChanges')).toBe(10);
      await passUntil(stage, 'the end', async () => (await status()).state === 'current');
      const events = await eventsOf(handle);
      expect(upserts(events)).toEqual(['retrying', 'syncing', 'current']);
      expect(timers(events)).toEqual([30]);
    });
  });

  it('of the fetch ahead is found out again in turn, after the commit', async () => {
    const script = new Script({ head: 200, width: 100 });
    script.script('fetchChanges', () => undefined).fails('fetchChanges', 'staging-full');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 2 });
      expect(script.calls('fetchChanges')).toBe(3);
    });
  });
});

describe('a lost race', () => {
  it('has the stream read anew at once, and the batch that lost is discarded', async () => {
    const script = new Script().fails('commit', 'lost-race');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(script.discarded).toEqual(['batch-1']);
      expect(script.calls('fetchChanges')).toBe(2);
    });
  });

  it('again and again is no hot loop: ever longer waits between the attempts', async () => {
    const script = new Script().fails('commit', 'lost-race', 50);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'retrying');
      await stage.pass(600);
      await site.until(handle, 'retrying');
      expect(script.calls('commit')).toBeGreaterThan(5);
      expect(script.calls('commit')).toBeLessThanOrEqual(20);
      await handle.terminate();
    });
  });

  it('of a step whose batch is gone reads it anew', async () => {
    const script = new Script().fails('anonymize', 'staging-missing').fails('authorize', 'staging-corrupt');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await eventually('a second fetch', () => script.calls('fetchChanges') >= 2);
      await stage.pass(60);
      expect(await handle.result()).toMatchObject({ outcome: 'current' });
      expect(script.discarded).toEqual(['batch-1', 'batch-2']);
    });
  });
});

describe('the waits', () => {
  it('grow, and have an end', () => {
    expect([1, 2, 3, 20].map((times) => waitSeconds('transient', times))).toEqual([30, 60, 120, 1_800]);
    expect([1, 2, 3, 20].map((times) => waitSeconds('operator', times))).toEqual([60, 120, 240, 1_800]);
    expect([1, 2, 3, 20].map((times) => waitSeconds('lost', times))).toEqual([0, 10, 15, 60]);
  });
});
