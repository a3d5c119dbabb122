/** What a stream writes into a real server's history: how many events, how many bytes, and when it begins a new run. */
import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import {
  pauseSignal,
  resumeSignal,
  resyncSignal,
  retrySignal,
  searchAttributes,
  statusQuery,
  type SyncInput,
} from '../../src/workflows/messages.ts';
import { startSync } from '../../src/temporal/start-sync.ts';
import type { describeStreams } from '../../src/workflows/describe-streams.ts';
import type { pollInstance } from '../../src/workflows/poll-instance.ts';
import { bytesOf, countOf, eventsOf, nameOf, opened, scheduled } from './support/history.ts';
import { Script } from './support/script.ts';
import { eventually, Stage, type SyncHandle } from './support/stage.ts';

jest.setTimeout(60_000);

const batchId = (n: number): string => `site.up.Patient.e1.${randomBytes(8).toString('hex')}${n}`;

/**
 * The aim is 4 KB. Of what there is, the server's own part (five workflow tasks, starts of activities: ids, identities, build ids,
 * time stamps) is 2.7 KB, and encryption adds 0.1 KB to each of 15 payloads.
 */
const bytesOfBatchMax = 7_500;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.dev({ 'limit.historyCount.suggestContinueAsNew': 50 });
});
afterAll(() => stage.close());

const runs = async (handle: SyncHandle): Promise<string[]> => {
  const ids: string[] = [];
  const query = `WorkflowId = '${handle.workflowId}'`;
  for await (const run of stage.client.workflow.list({ query })) ids.push(run.runId);
  return ids.reverse();
};

const inputOf = async (events: Awaited<ReturnType<typeof eventsOf>>): Promise<SyncInput> =>
  opened<SyncInput>(events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]);

describe('a history', () => {
  it('of one batch has so many events and bytes', async () => {
    const script = new Script({ batchId });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await handle.result();
      const events = await eventsOf(handle);
      const bytes = bytesOf(events);
      const byName = Map.groupBy(events, nameOf);
      const figures = [...byName].map(([name, of]) => `${name} ${of.length}: ${bytesOf(of)}`).join('\n');
      console.info(`one batch: ${events.length} events, ${bytes} bytes\n${figures}`);
      expect(countOf(events, 'ACTIVITY_TASK_SCHEDULED')).toBe(4);
      expect(events.length).toBeLessThanOrEqual(30);
      expect(bytes).toBeLessThan(bytesOfBatchMax + 2_000);
    });
  });

  it('of many batches grows by so many events and bytes a batch', async () => {
    const sizes: { events: number; bytes: number }[] = [];
    for (const batches of [1, 3]) {
      const script = new Script({ head: batches * 1_000_000, width: 1_000_000, batchId });
      await stage.site(script, async (site) => {
        const handle = await site.start();
        await handle.result();
        const events = await eventsOf(handle);
        sizes.push({ events: events.length, bytes: bytesOf(events) });
      });
    }
    const [one, three] = [sizes[0]!, sizes[1]!];
    const each = { events: (three.events - one.events) / 2, bytes: (three.bytes - one.bytes) / 2 };
    console.info(`each further batch: ${each.events} events, ${each.bytes} bytes`);
    expect(each.events).toBeLessThanOrEqual(25);
    expect(each.bytes).toBeLessThan(bytesOfBatchMax);
  });

  it('of an idle tick is one workflow with one activity: 11 events', async () => {
    const script = new Script();
    await stage.site(script, async (site) => {
      const handle = await stage.client.workflow.start<typeof pollInstance>('pollInstance', {
        workflowId: `poll/${site.instance}`,
        taskQueue: `sluice/${site.instance}`,
        args: [{ instance: site.instance, everySeconds: 30 }],
      });
      expect(await handle.result()).toEqual({ asked: 30, due: 0, started: 0, troubles: {} });
      const events = await eventsOf(handle);
      expect(await scheduled(events)).toEqual([
        { name: 'pollStreams', summary: `${site.instance}: which streams have news?` },
      ]);
      expect(events.map(nameOf)).toEqual([
        'WORKFLOW_EXECUTION_STARTED',
        'WORKFLOW_TASK_SCHEDULED',
        'WORKFLOW_TASK_STARTED',
        'WORKFLOW_TASK_COMPLETED',
        'ACTIVITY_TASK_SCHEDULED',
        'ACTIVITY_TASK_STARTED',
        'ACTIVITY_TASK_COMPLETED',
        'WORKFLOW_TASK_SCHEDULED',
        'WORKFLOW_TASK_STARTED',
        'WORKFLOW_TASK_COMPLETED',
        'WORKFLOW_EXECUTION_COMPLETED',
      ]);
      console.info(`an idle tick: ${events.length} events, ${bytesOf(events)} bytes`);
      expect(script.polls).toBe(1);
    });
  });

  it('of an open stream does not grow when a tick starts it again', async () => {
    const script = new Script();
    const commit = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await commit.reached;
      await eventually(
        'the commit begun',
        async () => countOf(await eventsOf(handle), 'ACTIVITY_TASK_SCHEDULED') === 4,
      );
      const before = (await eventsOf(handle)).length;
      for (let tick = 0; tick < 3; tick++) {
        await startSync(stage.client, { instance: site.instance, direction: 'up', type: 'Patient' });
      }
      expect((await eventsOf(handle)).length).toBe(before);
      commit.release();
      await handle.result();
      expect(script.calls('commit')).toBe(1);
    });
  });

  it("of a question for a site's numbers is one activity too", async () => {
    const script = new Script();
    await stage.site(script, async (site) => {
      const answer = await stage.client.workflow.execute<typeof describeStreams>('describeStreams', {
        workflowId: `status/${site.instance}`,
        taskQueue: `sluice/${site.instance}`,
      });
      expect(answer).toMatchObject([{ direction: 'up', type: 'Patient', totals: { epoch: 1 } }]);
    });
  });
});

describe('a history that grows long', () => {
  it('is continued as new between batches: nothing lost, nothing twice, the totals carried', async () => {
    const script = new Script({ head: 800, width: 100 });
    await stage.site(script, async (site) => {
      const handle = await site.start();
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { delivered: 800, sequence: 8 } });
      expect(script.committed.map(({ range }) => range.hi)).toEqual([100, 200, 300, 400, 500, 600, 700, 800]);
      await eventually('all runs in the list', async () => (await runs(handle)).length >= 2);
      const ids = await runs(handle);
      for (const [index, runId] of ids.entries()) {
        const run = stage.client.workflow.getHandle(handle.workflowId, runId);
        const events = await eventsOf(run);
        expect(events.length).toBeLessThan(120);
        const { carried } = await inputOf(events);
        if (index === 0) expect(carried).toBeUndefined();
        else expect(carried).toMatchObject({ paused: false, resync: false, discard: [], totals: { epoch: 1 } });
      }
    });
  });

  it('while it is blocked gives its batch up, hands it to the next run for deletion, and keeps its state true', async () => {
    const script = new Script({ head: 100 }).fails('commit', 'target-forbidden', 12);
    await stage.site(script, async (site) => {
      const handle = await site.start();
      const current = stage.client.workflow.getHandle<never>(handle.workflowId) as unknown as SyncHandle;
      for (let n = 1; n <= 12; n++) {
        await eventually(`commit ${n}`, () => script.calls('commit') === n);
        await site.until(current, 'blocked');
        const { typedSearchAttributes } = await current.describe();
        expect(typedSearchAttributes.get(searchAttributes.state)).toBe('blocked');
        await current.signal(retrySignal);
      }
      expect(await handle.result()).toMatchObject({ outcome: 'current', totals: { delivered: 100 } });
      await eventually('all runs in the list', async () => (await runs(handle)).length >= 2);
      const [, second] = await runs(handle);
      const { carried } = await inputOf(await eventsOf(stage.client.workflow.getHandle(handle.workflowId, second)));
      expect(carried?.discard.length).toBe(1);
      expect(script.discarded).toContain(carried?.discard[0]);
      const last = await current.describe();
      expect(last.typedSearchAttributes.get(searchAttributes.state)).toBe('current');
    });
  });

  it('carries a pause, and a resync that could not begin', async () => {
    const script = new Script({ head: 100 }).fails('beginResync', 'state-unavailable', 12);
    await stage.site(script, async (site) => {
      const { workflowId } = await stage.client.workflow.signalWithStart('syncResourceType', {
        ...site.options(),
        signal: resyncSignal,
      });
      const current = stage.client.workflow.getHandle<never>(workflowId) as unknown as SyncHandle;
      for (let n = 1; n <= 12; n++) {
        await eventually(`try ${n}`, () => script.calls('beginResync') === n);
        await site.until(current, 'blocked');
        await current.signal(pauseSignal);
        await site.until(current, 'paused');
        await current.signal(retrySignal);
        expect(await current.query(statusQuery)).toMatchObject({ state: 'paused', paused: true });
        expect(script.calls('beginResync')).toBe(n);
        await current.signal(resumeSignal);
      }
      expect(await current.result()).toMatchObject({ outcome: 'current', totals: { epoch: 2, delivered: 100 } });
      await eventually('all runs in the list', async () => (await runs(current)).length >= 2);
      const carried = [];
      for (const runId of await runs(current)) {
        const run = stage.client.workflow.getHandle(workflowId, runId);
        carried.push((await inputOf(await eventsOf(run))).carried);
      }
      expect(carried.slice(1)).toEqual(expect.arrayContaining([{ paused: true, resync: true, discard: [] }]));
    });
  });
});
