/** A stream that has something to do, from its start to its end, on the server that skips time. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';

import { statusQuery, wakeSignal } from '../../src/workflows/messages.ts';
import { countOf, eventsOf, nameOf, opened, scheduled, upserts } from './support/history.ts';
import { Script } from './support/script.ts';
import { eventually, Stage } from './support/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.skipping();
});
afterAll(() => stage.close());

describe('a stream', () => {
  it('sends one batch with four activities and completes, each with a summary', async () => {
    const script = new Script({ head: 342 });
    script.delivered = 120;
    await stage.site(script, async (site) => {
      const handle = await site.start();
      const result = await handle.result();
      expect(result).toMatchObject({ outcome: 'current', batches: 1, totals: { delivered: 342, sequence: 1 } });
      const line = 'Patient 120→342: 222 changes, 3 deleted';
      const events = await eventsOf(handle);
      expect(await scheduled(events)).toEqual([
        { name: 'fetchChanges', summary: 'Patient: what is new?' },
        { name: 'anonymize', summary: line },
        { name: 'authorize', summary: line },
        { name: 'commit', summary: line },
      ]);
      // The state is an event at the end alone: the steps are one 'syncing'.
      expect(upserts(events)).toEqual(['current']);
      expect(await handle.query(statusQuery)).toMatchObject({
        state: 'current',
        head: 342,
        totals: { delivered: 342 },
      });
    });
  });

  it('drains several batches, the next fetch beside the commit, and never two commits at a time', async () => {
    const script = new Script({ head: 340, width: 100 });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 4, totals: { delivered: 340 } });
      expect(script.committed.map((batch) => batch.range)).toEqual([
        { lo: 0, hi: 100 },
        { lo: 100, hi: 200 },
        { lo: 200, hi: 300 },
        { lo: 300, hi: 340 },
      ]);
      expect(script.fetches.map((fetch) => fetch.inFlight)).toEqual([
        undefined,
        ...[1, 2, 3].map((n) => ({ batch: `batch-${n}`, epoch: 1, settled: n * 100, delivered: n * 100 })),
      ]);
      const events = await eventsOf(handle);
      const eventOf = (name: string, at: 'scheduled' | 'completed'): number[] =>
        events.flatMap((event, index) => {
          const scheduledEvent =
            at === 'scheduled'
              ? event
              : events[Number(event.activityTaskCompletedEventAttributes?.scheduledEventId ?? 0) - 1];
          const { activityType } = scheduledEvent?.activityTaskScheduledEventAttributes ?? {};
          return activityType?.name === name && (at === 'scheduled' || nameOf(event) === 'ACTIVITY_TASK_COMPLETED')
            ? [index]
            : [];
        });
      const commitsBegun = eventOf('commit', 'scheduled');
      const commitsDone = eventOf('commit', 'completed');
      const fetchesBegun = eventOf('fetchChanges', 'scheduled');
      for (const n of [0, 1, 2]) {
        expect(fetchesBegun[n + 1]).toBeLessThan(commitsDone[n]!);
        expect(commitsDone[n]).toBeLessThan(commitsBegun[n + 1]!);
      }
      expect(countOf(events, 'ACTIVITY_TASK_SCHEDULED')).toBe(16);
    });
  });

  it('has the next batch at hand while the commit is still going on', async () => {
    const script = new Script({ head: 200, width: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await eventually('the next fetch', () => script.log.filter((line) => line === 'fetchChanges done').length === 2);
      expect(script.log).not.toContain('commit done');
      commit.release();
      expect(await handle.result()).toMatchObject({ batches: 2 });
    });
  });

  it('completes after one activity where nothing is new', async () => {
    const script = new Script({ head: 0 });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 0 });
      expect(script.log).toEqual(['fetchChanges', 'fetchChanges done']);
    });
  });

  it('goes through the extra steps in their order, each an activity by its own name, each given what the last made', async () => {
    const script = new Script({ steps: ['zip-codes', 'languages'] });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await handle.result();
      const activities = await scheduled(await eventsOf(handle));
      expect(activities.map(({ name }) => name)).toEqual([
        'fetchChanges',
        'anonymize',
        'step-zip-codes',
        'step-languages',
        'authorize',
        'commit',
      ]);
      expect(activities[2]?.summary).toBe('Patient 0→342: 342 changes, 3 deleted');
      expect(script.committed[0]?.form).toBe('languages');
    });
  });

  it('says its state in every step', async () => {
    const script = new Script({ steps: ['zip-codes'] });
    const steps = [
      ['fetchChanges', 'fetching'],
      ['anonymize', 'anonymizing'],
      ['step', 'stepping'],
      ['authorize', 'authorizing'],
      ['commit', 'committing'],
    ] as const;
    const holds = steps.map(([step, state]) => ({ state, hold: script.hold(step) }));
    await stage.site(script, async (site) => {
      const handle = await site.start();
      for (const { state, hold } of holds) {
        await hold.reached;
        await site.until(handle, state);
        const status = await handle.query(statusQuery);
        expect(status).toMatchObject({ type: 'Patient', direction: 'up', instance: site.instance, paused: false });
        if (state !== 'fetching') {
          expect(status.batch).toEqual({ lo: 0, hi: 342, changes: 342, deleted: 3 });
          expect(status.head).toBe(342);
        }
        hold.release();
      }
      await handle.result();
    });
  });

  it('looks once more when it is woken, and does not when it is not', async () => {
    const script = new Script({ head: 100 });
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      script.head = 150; // committed at the source after the batch was read
      await handle.signal(wakeSignal);
      commit.release();
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 2, totals: { delivered: 150 } });
    });
    expect(script.calls('fetchChanges')).toBe(2);
  });

  it('waits for lower tiers, says for which, and its state is no event for each question', async () => {
    const script = new Script();
    const wait = { kind: 'wait', types: ['Organization', 'Practitioner'] };
    script.script(
      'fetchChanges',
      () => wait,
      () => wait,
      () => wait,
    );
    const again = script.hold('fetchChanges');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await again.reached;
      expect(await handle.query(statusQuery)).toMatchObject({
        state: 'waiting',
        waitingFor: ['Organization', 'Practitioner'],
      });
      again.release();
      await handle.result();
      expect(upserts(await eventsOf(handle))).toEqual(['waiting', 'syncing', 'current']);
      expect(await handle.query(statusQuery)).not.toHaveProperty('waitingFor');
    });
  });
});

describe('a stream that the hub denies', () => {
  it('ends with the reason, and nothing is committed', async () => {
    const script = new Script();
    script.denied = 'policy-not-approved';
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'denied', reason: 'policy-not-approved', batches: 0 });
      expect(script.committed).toEqual([]);
      expect(script.calls('commit')).toBe(0);
      expect(upserts(await eventsOf(handle))).toEqual(['denied']);
    });
  });

  it('in the middle of a load keeps what was committed before', async () => {
    const script = new Script({ head: 200, width: 100 });
    script.script('commit', () => {
      script.denied = 'disabled';
    });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'denied', reason: 'disabled', batches: 1 });
      expect(script.delivered).toBe(100);
    });
  });

  it('asks before it reads, where it was denied the last time', async () => {
    const script = new Script();
    script.denied = 'not-registered';
    await stage.site(script, async (site) => {
      const handle = await site.start({ askFirst: true });
      expect(await handle.result()).toMatchObject({ outcome: 'denied', reason: 'not-registered' });
      expect(script.log).toEqual(['authorize', 'authorize done']);
      expect((await scheduled(await eventsOf(handle)))[0]?.summary).toBe('Patient: does the hub allow it by now?');
    });
  });

  it('reads when the hub allows it by now', async () => {
    const script = new Script();
    await stage.site(script, async (site) => {
      const handle = await site.start({ askFirst: true });
      expect(await handle.result()).toMatchObject({ outcome: 'current', batches: 1 });
      expect(script.log.filter((line) => !line.endsWith('done'))).toEqual([
        'authorize',
        'fetchChanges',
        'anonymize',
        'authorize',
        'commit',
      ]);
    });
  });
});

describe('a mistake in the program', () => {
  const canary = 'CANARY-Ottilie-Beispiel';

  it('of a workflow is a failed workflow task: the run stays open for a mended worker, and says nothing in clear', async () => {
    const script = new Script();
    script.script('fetchChanges', () => ({ kind: 'batch', batch: { range: undefined, canary } }));
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await eventually('a failed workflow task', async () =>
        (await eventsOf(handle)).some((event) => nameOf(event) === 'WORKFLOW_TASK_FAILED'),
      );
      const events = await eventsOf(handle);
      const failed = events.find((event) => nameOf(event) === 'WORKFLOW_TASK_FAILED');
      expect(failed?.workflowTaskFailedEventAttributes?.failure?.message).toBe('Encoded failure');
      expect((await handle.describe()).status.name).toBe('RUNNING');
      expect(rawText(events)).not.toContain(canary);
      await handle.terminate();
    });
  });

  it('of an activity that quotes data stops the stream, and is ciphertext in history', async () => {
    const script = new Script();
    script.script('anonymize', () => {
      throw ApplicationFailure.nonRetryable(`cannot read name of ${canary}`, 'TypeError');
    });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      const events = await eventsOf(handle);
      const failure = events.find((event) => nameOf(event) === 'ACTIVITY_TASK_FAILED')
        ?.activityTaskFailedEventAttributes?.failure;
      expect(failure?.message).toBe('Encoded failure');
      expect(await opened<{ message: string }>(failure?.encodedAttributes)).toMatchObject({
        message: `cannot read name of ${canary}`,
      });
      expect(rawText(events)).not.toContain(canary);
      await handle.terminate();
    });
  });
});

/** All that the server has, as text: what is not encrypted can be read in it. */
const rawText = (events: Awaited<ReturnType<typeof eventsOf>>): string =>
  JSON.stringify(events, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
  );
