/** What people tell a stream: pause, resume, resync, retry, wake; in every state, on the server that skips time. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { SignalDefinition } from '@temporalio/common';

import {
  pauseSignal,
  resumeSignal,
  resyncSignal,
  retrySignal,
  statusQuery,
  wakeSignal,
} from '../../src/workflows/messages.ts';
import { syncWorkflowType } from '../../src/temporal/start-sync.ts';
import type { syncResourceType } from '../../src/workflows/sync-resource-type.ts';
import { eventsOf, upserts } from './support/history.ts';
import { Script } from './support/script.ts';
import { eventually, Stage, type StageSite, type SyncHandle } from './support/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.skipping();
});
afterAll(() => stage.close());

/** As the client does it: opens an idle stream with a signal. */
const startWith = async (site: StageSite, signal: typeof pauseSignal | typeof resyncSignal): Promise<SyncHandle> => {
  const handle = await stage.client.workflow.signalWithStart<typeof syncResourceType>(syncWorkflowType, {
    ...site.options(),
    signal: signal as SignalDefinition,
  });
  return stage.client.workflow.getHandle<typeof syncResourceType>(handle.workflowId);
};

describe('pause', () => {
  it('opens an idle stream and holds it before anything is read, until resumed', async () => {
    const script = new Script();
    await stage.site(script, async (site) => {
      const handle = await startWith(site, pauseSignal);
      await site.until(handle, 'paused');
      await stage.pass(7 * 24 * 3_600);
      expect(script.log).toEqual([]);
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(upserts(await eventsOf(handle))).toEqual(['paused', 'syncing', 'current']);
    });
  });

  it('in mid-load finishes the batch in hand, keeps the next one, and holds across every other signal', async () => {
    const script = new Script({ head: 300, width: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await handle.signal(pauseSignal);
      expect(await handle.query(statusQuery)).toMatchObject({ state: 'committing', paused: true });
      commit.release();
      await site.until(handle, 'paused');
      expect(script.delivered).toBe(100);
      for (const signal of [retrySignal, wakeSignal, resyncSignal]) await handle.signal(signal);
      await stage.pass(24 * 3_600);
      expect(await handle.query(statusQuery)).toMatchObject({ state: 'paused', paused: true });
      expect(script.calls('commit')).toBe(1);
      expect(script.calls('beginResync')).toBe(0);
      expect(script.calls('anonymize')).toBe(1);
      await handle.signal(resumeSignal);
      // The resync that was asked for in between comes first.
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2, delivered: 300 } });
      expect(script.discarded).toEqual(['batch-2']);
    });
  });

  it('in mid-load goes on after resume with what was fetched ahead', async () => {
    const script = new Script({ head: 200, width: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await eventually('the next fetch', () => script.calls('fetchChanges') === 2);
      await handle.signal(pauseSignal);
      commit.release();
      await site.until(handle, 'paused');
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ batches: 2 });
      expect(script.calls('fetchChanges')).toBe(2);
      expect(script.discarded).toEqual([]);
    });
  });

  it('before the commit begins fetches nothing ahead', async () => {
    const script = new Script({ head: 200, width: 100 });
    const authorize = script.hold('authorize');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await authorize.reached;
      await handle.signal(pauseSignal);
      authorize.release();
      await site.until(handle, 'paused');
      expect(script.delivered).toBe(100);
      expect(script.calls('fetchChanges')).toBe(1);
      await handle.signal(resumeSignal);
      await handle.result();
    });
  });

  it('during the last commit keeps the stream open, and resume looks once more', async () => {
    const script = new Script({ head: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await handle.signal(pauseSignal);
      commit.release();
      await site.until(handle, 'paused');
      script.head = 120;
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { delivered: 120 } });
    });
  });

  it('and resume before the batch is done change nothing', async () => {
    const script = new Script({ head: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await handle.signal(pauseSignal);
      await handle.signal(resumeSignal);
      commit.release();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(upserts(await eventsOf(handle))).toEqual(['current']);
    });
  });

  it('of a stream that is blocked gives the batch up, and holds', async () => {
    const script = new Script().fails('commit', 'target-forbidden');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(pauseSignal);
      await site.until(handle, 'paused');
      expect(await handle.query(statusQuery)).not.toHaveProperty('need');
      await handle.signal(retrySignal);
      await stage.pass(24 * 3_600);
      expect(script.calls('commit')).toBe(1);
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(script.discarded).toEqual(['batch-1']);
    });
  });

  it('holds also where the hub denies the batch in hand: the run does not end', async () => {
    const script = new Script();
    script.denied = 'disabled';
    const authorize = script.hold('authorize');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await authorize.reached;
      await handle.signal(pauseSignal);
      authorize.release();
      await site.until(handle, 'paused');
      await stage.pass(3_600);
      expect(script.calls('fetchChanges')).toBe(1);
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'denied', reason: 'disabled', batches: 0 });
      expect(script.committed).toEqual([]);
    });
  });

  it('holds also where the hub is asked first', async () => {
    const script = new Script();
    script.denied = 'disabled';
    const authorize = script.hold('authorize');
    await stage.site(script, async (site) => {
      const handle = await site.start({ askFirst: true });
      await authorize.reached;
      await handle.signal(pauseSignal);
      authorize.release();
      await site.until(handle, 'paused');
      await handle.signal(resumeSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'denied' });
      expect(script.calls('fetchChanges')).toBe(0);
    });
  });
});

describe('resync', () => {
  it('of an idle stream begins a new epoch before anything is read', async () => {
    const script = new Script();
    script.delivered = 342;
    await stage.site(script, async (site) => {
      const handle = await startWith(site, resyncSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2, delivered: 342 } });
      expect(script.log[0]).toBe('beginResync');
      expect(script.calls('beginResync')).toBe(1);
    });
  });

  it('in mid-load lets the commit in hand end, gives up what was fetched ahead, and reads anew', async () => {
    const script = new Script({ head: 300, width: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await eventually('the next fetch', () => script.calls('fetchChanges') === 2);
      await handle.signal(resyncSignal);
      commit.release();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 4, totals: { epoch: 2 } });
      expect(script.discarded).toEqual(['batch-2']);
      expect(script.fetches[2]).toMatchObject({ discard: ['batch-2'] });
      expect(script.committed.map(({ epoch, range }) => [epoch, range.hi])).toEqual([
        [1, 100],
        [2, 100],
        [2, 200],
        [2, 300],
      ]);
    });
  });

  it('while a commit is blocked gives the batch up and hands it to the next fetch', async () => {
    const script = new Script({ head: 200, width: 100 }).fails('commit', 'policy-changed');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(resyncSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 2, totals: { epoch: 2 } });
      expect([...script.discarded].sort()).toEqual(['batch-1', 'batch-2']);
    });
  });

  it('can be asked for a second time, in the middle of the first', async () => {
    const script = new Script({ head: 200, width: 100 });
    await stage.site(script, async (site) => {
      const commit = script.hold('commit');
      const handle = await startWith(site, resyncSignal);
      await commit.reached;
      expect(script.epoch).toBe(2);
      await handle.signal(resyncSignal);
      commit.release();
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 3, delivered: 200 } });
      expect(script.calls('beginResync')).toBe(2);
    });
  });

  it('that arrives while the hub denies the batch is not forgotten', async () => {
    const script = new Script();
    script.denied = 'disabled';
    const authorize = script.hold('authorize');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await authorize.reached;
      await handle.signal(resyncSignal);
      authorize.release();
      expect(await handle.result()).toMatchObject({ outcome: 'denied', totals: { epoch: 2 } });
    });
  });

  it('that is refused says why and what mends it, and the stream goes on as before', async () => {
    const script = new Script();
    script.refusals.push(['policy-not-approved', 'listing-forbidden']);
    const fetch = script.hold('fetchChanges');
    await stage.site(script, async (site) => {
      const handle = await startWith(site, resyncSignal);
      await fetch.reached;
      const { resync, need, state } = await handle.query(statusQuery);
      expect([state, need]).toEqual(['fetching', undefined]);
      expect(resync).toMatchObject({
        refused: [
          { code: 'policy-not-approved', cure: expect.stringContaining('sluice check') },
          { code: 'listing-forbidden', cure: expect.stringContaining('target-list') },
        ],
        found: { source: 3, target: 4 },
      });
      fetch.release();
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 1, delivered: 342 } });
      expect(script.calls('beginResync')).toBe(1);
    });
  });

  it('that is refused leaves a blocked stream blocked, for its own reason', async () => {
    const script = new Script().fails('fetchChanges', 'source-restored', 2);
    script.refusals.push(['source-forbidden']);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(resyncSignal);
      await eventually('another look', () => script.calls('fetchChanges') === 2);
      await site.until(handle, 'blocked');
      expect(await handle.query(statusQuery)).toMatchObject({
        need: { code: 'source-restored' },
        resync: { refused: [{ code: 'source-forbidden' }] },
      });
      await handle.signal(resyncSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2 } });
    });
  });

  it('accepts a source with fewer resources where the last order says so, and only then', async () => {
    const script = new Script();
    script.refusals.push(['fewer-at-source'], [], ['fewer-at-source']);
    await stage.site(script, async (site) => {
      const fetch = script.hold('fetchChanges');
      const handle = await startWith(site, resyncSignal);
      await fetch.reached;
      await handle.signal(resyncSignal, { acceptFewer: true });
      fetch.release();
      await eventually('the second', () => script.calls('beginResync') === 2);
      await handle.result();
      const again = await startWith(site, resyncSignal);
      await again.result();
      expect(script.resyncs.map(({ acceptFewer }) => acceptFewer)).toEqual([undefined, true, undefined]);
    });
  });

  it('that cannot begin waits before it tries again, and not in a hot loop', async () => {
    const script = new Script().fails('beginResync', 'state-unavailable', 4);
    await stage.site(script, async (site) => {
      const handle = await startWith(site, resyncSignal);
      await site.until(handle, 'blocked');
      expect(await handle.query(statusQuery)).toMatchObject({ need: { code: 'state-unavailable' } });
      expect(script.calls('beginResync')).toBe(1);
      await handle.signal(retrySignal);
      await eventually('a second try', () => script.calls('beginResync') === 2);
      await site.until(handle, 'blocked');
      await stage.pass(3_600);
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2 } });
      expect(script.calls('beginResync')).toBe(5);
    });
  });
});

describe('cancelling a run in Temporal', () => {
  it('ends it, whether a step runs or a person is waited for', async () => {
    const script = new Script().fails('fetchChanges', 'source-forbidden');
    await stage.site(script, async (site) => {
      const blocked = await site.start();
      await site.until(blocked, 'blocked');
      await blocked.cancel();
      await expect(blocked.result()).rejects.toThrow('cancelled');

      const commit = script.hold('commit');
      const running = await site.start();
      await commit.reached;
      await running.cancel();
      await expect(running.result()).rejects.toThrow('cancelled');
      commit.release();
    });
  });
});
