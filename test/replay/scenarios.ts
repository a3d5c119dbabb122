/** What the recorded histories tell: every way through the workflows, each as short as it can be. */
import type { WorkflowHandle } from '@temporalio/client';

import {
  leaveWorkflowId,
  pauseSignal,
  reconcileWorkflowId,
  resumeSignal,
  resyncSignal,
  retrySignal,
  statusQuery,
  wakeSignal,
} from '../../src/workflows/messages.ts';
import type { leaveInstance } from '../../src/workflows/leave-instance.ts';
import type { reconcileInstance } from '../../src/workflows/reconcile.ts';
import type { pollInstance } from '../../src/workflows/poll-instance.ts';
import type { Script, ScriptOptions } from '../workflows/support/script.ts';
import { eventually, type Stage, type StageSite, type SyncHandle } from '../workflows/support/stage.ts';

interface Scenario {
  readonly name: string;
  readonly options?: ScriptOptions;
  /** Returns the runs to record. */
  readonly play: (site: StageSite, script: Script, stage: Stage) => Promise<Pick<WorkflowHandle, 'fetchHistory'>[]>;
}

const drained = async (site: StageSite): Promise<SyncHandle[]> => {
  const handle = await site.start();
  await handle.result();
  return [handle];
};

export const scenarios: readonly Scenario[] = [
  { name: 'one-batch', play: drained },
  { name: 'caught-up', options: { head: 0 }, play: drained },
  { name: 'several-batches', options: { head: 300, width: 100 }, play: drained },
  { name: 'extra-steps', options: { steps: ['zip-codes', 'languages'] }, play: drained },
  {
    name: 'wait',
    play(site, script) {
      script.script('fetchChanges', () => ({ kind: 'wait', types: ['Organization'] }));
      return drained(site);
    },
  },
  {
    name: 'denied',
    play(site, script) {
      script.denied = 'disabled';
      return drained(site);
    },
  },
  {
    name: 'denied-at-first',
    async play(site, script) {
      script.denied = 'disabled';
      const handle = await site.start({ askFirst: true });
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'paused-and-woken',
    options: { head: 200, width: 100 },
    async play(site, script) {
      const commit = script.hold('commit');
      const handle = await site.start();
      await commit.reached;
      await handle.signal(pauseSignal);
      await handle.signal(wakeSignal);
      commit.release();
      await site.until(handle, 'paused');
      await handle.signal(resumeSignal);
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'resync',
    options: { head: 200, width: 100 },
    async play(site, script) {
      const commit = script.hold('commit');
      const handle = await site.start();
      await commit.reached;
      await handle.signal(resyncSignal);
      commit.release();
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'refused-resync',
    async play(site, script) {
      script.refusals.push(['policy-not-approved', 'fewer-at-source']);
      const fetch = script.hold('fetchChanges');
      const handle = await site.start();
      await fetch.reached;
      await handle.signal(resyncSignal);
      fetch.release();
      await eventually('the refusal', () => script.calls('beginResync') === 1);
      await handle.signal(resyncSignal, { acceptFewer: true });
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'troubles',
    async play(site, script) {
      script
        .fails('fetchChanges', 'source-restored')
        .fails('anonymize', 'staging-missing')
        .fails('commit', 'target-forbidden')
        .fails('commit', 'breaker-open');
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(resyncSignal);
      for (const commits of [1, 2]) {
        await eventually('a commit', () => script.calls('commit') === commits);
        await site.until(handle, 'blocked');
        await handle.signal(retrySignal);
      }
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'open-and-blocked',
    async play(site, script) {
      script.fails('commit', 'breaker-open');
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.query(statusQuery);
      return [handle];
    },
  },
  {
    name: 'continued',
    options: { head: 500, width: 100 },
    async play(site, _script, stage) {
      const handle = await site.start();
      await handle.result();
      const first = stage.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
      return [first, stage.client.workflow.getHandle(handle.workflowId)];
    },
  },
  {
    name: 'tick',
    async play(site, _script, stage) {
      const handle = await stage.client.workflow.start<typeof pollInstance>('pollInstance', {
        workflowId: `poll/${site.instance}/every-30s`,
        taskQueue: `sluice/${site.instance}`,
        args: [{ instance: site.instance, everySeconds: 30 }],
      });
      await handle.result();
      return [handle];
    },
  },
  {
    name: 'reconcile',
    async play(site, script, stage) {
      script.fails('reconcileStream', 'source-forbidden');
      const streams = ['Patient', 'Encounter'].map((type) => ({ direction: 'up', type }) as const);
      const handle = await stage.client.workflow.start<typeof reconcileInstance>('reconcileInstance', {
        workflowId: `reconcile/${site.instance}/scheduled`,
        taskQueue: `sluice/${site.instance}`,
        args: [{ instance: site.instance, streams, repair: true }],
      });
      await handle.result();
      return [handle, stage.client.workflow.getHandle(reconcileWorkflowId(site.instance, 'up', 'Encounter'))];
    },
  },
  {
    name: 'leave',
    async play(site, script, stage) {
      const commit = script.hold('commit');
      script.inHub.set('Encounter', 3).set('Patient', 2);
      const stream = await site.start();
      await commit.reached;
      const handle = await stage.client.workflow.start<typeof leaveInstance>('leaveInstance', {
        workflowId: leaveWorkflowId(site.instance),
        taskQueue: `sluice/${site.instance}`,
        args: [{ instance: site.instance, data: 'delete' }],
      });
      await eventually('told', () => script.calls('stopStream') > 0);
      commit.release();
      await handle.result();
      const first = stage.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
      return [stream, first, stage.client.workflow.getHandle(handle.workflowId)];
    },
  },
];
