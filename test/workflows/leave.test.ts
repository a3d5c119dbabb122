/** Leaving the hub: what the streams and the leaving itself do, step by step, with activities that are scripted. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import { taskQueueOf } from '../../src/config/config.ts';
import type { leaveInstance } from '../../src/workflows/leave-instance.ts';
import {
  keepSignal,
  leaveSignal,
  type LeaveInput,
  leaveStatusQuery,
  leaveWorkflowId,
  pauseSignal,
  retrySignal,
} from '../../src/workflows/messages.ts';
import { eventsOf, scheduled } from './support/history.ts';
import { Script, troubleFailure } from './support/script.ts';
import { eventually, passUntil, Stage, type StageSite } from './support/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.skipping();
});
afterAll(() => stage.close());

type Leaving = WorkflowHandle<typeof leaveInstance>;

const startLeave = ({ instance }: StageSite, data: LeaveInput['data']): Promise<Leaving> =>
  stage.client.workflow.start<typeof leaveInstance>('leaveInstance', {
    workflowId: leaveWorkflowId(instance),
    taskQueue: taskQueueOf(instance),
    args: [{ instance, data }],
  });

const untilNeed = (handle: Leaving, code: string): Promise<void> =>
  eventually(code, async () => (await handle.query(leaveStatusQuery)).need?.code === code);

const held =
  (count: number, deleted: Record<string, number> = {}) =>
  () => ({ kind: 'done', held: count, deleted });

describe('a stream that is told that the instance leaves', () => {
  it('finishes the batch in hand and completes as left', async () => {
    const script = new Script({ width: 100 });
    const hold = script.hold('commit');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await hold.reached;
      await handle.signal(leaveSignal);
      hold.release();
      expect(await handle.result()).toMatchObject({ outcome: 'left', batches: 1 });
      expect(script.committed).toHaveLength(1);
      // What was fetched ahead is given back.
      expect(script.fetches.at(-1)).toMatchObject({ tidyOnly: true, discard: ['batch-2'] });
    });
  });

  it('does not stay paused or blocked', async () => {
    const script = new Script().fails('fetchChanges', 'target-forbidden');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(leaveSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'left' });
    });
    await stage.site(new Script(), async (site) => {
      const handle = await stage.client.workflow.signalWithStart('syncResourceType', {
        ...site.options(),
        signal: pauseSignal,
      });
      await site.until(handle as never, 'paused');
      await handle.signal(leaveSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'left' });
    });
  });

  it('gives up a batch that does not get through', async () => {
    const script = new Script().fails('commit', 'target-forbidden');
    await stage.site(script, async (site) => {
      const handle = await site.start();
      await site.until(handle, 'blocked');
      await handle.signal(leaveSignal);
      expect(await handle.result()).toMatchObject({ outcome: 'left', batches: 0 });
      expect(script.fetches.at(-1)).toMatchObject({ tidyOnly: true, discard: ['batch-1'] });
    });
  });

  it('or was started after it, completes by itself', async () => {
    for (const step of ['fetchChanges', 'beginResync'] as const) {
      const script = new Script().fails(step, 'left');
      await stage.site(script, async (site) => {
        const handle = await stage.client.workflow.signalWithStart('syncResourceType', {
          ...site.options(),
          signal: step === 'beginResync' ? 'resync' : 'wake',
        });
        expect(await handle.result()).toMatchObject({ outcome: 'left', batches: 0 });
      });
    }
  });
});

describe('the leaving', () => {
  it('stops the streams, clears, deletes in order until a pass finds nothing, notes and ends', async () => {
    const script = new Script();
    script.inHub.set('Encounter', 3).set('Patient', 2);
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'delete');
      expect(await handle.result()).toMatchObject({ data: 'delete', deleted: { Encounter: 3, Patient: 2 } });
      expect(script.committed.map(({ stream, own }) => [stream.type, own])).toEqual([
        ['Encounter', 'leftovers'],
        ['Patient', 'leftovers'],
      ]);
      const steps = (await scheduled(await eventsOf(handle))).map(({ name }) => name);
      expect(steps.slice(0, 4)).toEqual(['beginLeave', 'stopStream', 'stopStream', 'forgetLive']);
      expect(steps.slice(-4)).toEqual(['forgetLive', 'noteLeft', 'noteLeft', 'finishLeave']);
      // What is left for people to do is said by whoever answers first.
      expect(await handle.query(leaveStatusQuery)).toMatchObject({
        phase: 'left',
        keys: { pseudonym: [1, 2] },
        unnoted: [],
      });
    });
  });

  it('deletes nothing where the data is kept', async () => {
    const script = new Script();
    script.inHub.set('Patient', 2);
    await stage.site(script, async (site) => {
      await (await startLeave(site, 'keep')).result();
      expect([script.calls('leavingBatch'), script.calls('commit'), script.calls('authorize')]).toEqual([0, 0, 0]);
      expect(script.finished).toEqual([{ data: 'keep', unnoted: [] }]);
    });
  });

  it('tells open streams, and waits for none that is not', async () => {
    const script = new Script();
    const hold = script.hold('commit');
    await stage.site(script, async (site) => {
      const stream = await site.start();
      await hold.reached;
      const leaving = await startLeave(site, 'keep');
      await eventually('told', async () => script.calls('stopStream') > 0);
      hold.release();
      expect(await stream.result()).toMatchObject({ outcome: 'left' });
      await leaving.result();
    });
  });

  it('says that the hub denies it, tries again when told, and deletes no batch meanwhile', async () => {
    const script = new Script();
    script.inHub.set('Patient', 2);
    script.script('authorize', () => {
      script.inHub.set('Patient', 2);
      return { allowed: false, reason: 'disabled' };
    });
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'delete');
      await untilNeed(handle, 'denied');
      expect((await handle.query(leaveStatusQuery)).need?.means).toContain('(disabled)');
      expect(script.committed).toEqual([]);
      await handle.signal(retrySignal);
      await handle.result();
      expect(script.committed).toHaveLength(1);
    });
  });

  it('goes on without the deletes where somebody chooses to keep the rest', async () => {
    const script = new Script();
    script.inHub.set('Patient', 2);
    script.script('authorize', () => ({ allowed: false, reason: 'not-registered' }));
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'delete');
      await untilNeed(handle, 'denied');
      await handle.signal(keepSignal);
      expect(await handle.result()).toMatchObject({ data: 'keep' });
      expect(script.noted.map(({ data }) => data)).toEqual(['keep', 'keep']);
    });
  });

  it('hears a choice to keep also while it begins', async () => {
    const script = new Script();
    script.inHub.set('Patient', 2);
    const hold = script.hold('beginLeave');
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'delete');
      await hold.reached;
      await handle.signal(keepSignal);
      hold.release();
      expect(await handle.result()).toMatchObject({ data: 'keep' });
      expect(script.committed).toEqual([]);
    });
  });

  it('deletes on where what was deleted before cannot be kept', async () => {
    const script = new Script();
    script.script('beginLeave', () => ({ data: 'delete', streams: script.leaving }));
    await stage.site(script, async (site) => {
      expect(await (await startLeave(site, 'keep')).result()).toMatchObject({ data: 'delete' });
      expect(script.calls('leavingBatch')).toBe(2);
    });
  });

  it('tries all types in one batch where they hold each other, and says so where that does not help', async () => {
    const script = new Script();
    script.script(
      'leavingBatch',
      ...[held(2), held(2), held(4)], // a pass, then all together
      ...[held(0), held(0)],
    );
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'delete');
      await untilNeed(handle, 'still-referenced');
      await handle.signal(retrySignal);
      await handle.result();
      const summaries = (await scheduled(await eventsOf(handle))).map(({ summary }) => summary);
      expect(summaries.filter((summary) => summary.startsWith('all types'))).toHaveLength(1);
    });
  });

  it('tries what was refused again as long as passes delete something', async () => {
    const script = new Script();
    script.script('leavingBatch', held(1, { Encounter: 1 }), held(0, { Encounter: 2 }), held(0), held(0));
    await stage.site(script, async (site) => {
      await (await startLeave(site, 'delete')).result();
      expect(script.calls('leavingBatch')).toBe(4);
    });
  });

  it('does without a target that only had to hear of it', async () => {
    const script = new Script().fails('stopStream', 'target-forbidden', 3).fails('noteLeft', 'target-forbidden', 3);
    await stage.site(script, async (site) => {
      const handle = await startLeave(site, 'keep');
      await untilNeed(handle, 'target-forbidden');
      await passUntil(stage, 'left', async () => (await handle.describe()).status.name === 'COMPLETED');
      // The streams behind it do not find that out again.
      expect(script.stopped.map(({ offline = false }) => offline)).toEqual([false, false, false, true, true]);
      expect(script.noted).toHaveLength(3);
      expect(script.finished).toEqual([{ data: 'keep', unnoted: ['up Encounter', 'up Patient'] }]);
    });
  });

  it('begins a stream anew whose history no longer fits', async () => {
    const script = new Script().fails('leavingBatch', 'policy-changed');
    await stage.site(script, async (site) => {
      await (await startLeave(site, 'delete')).result();
      expect(script.stopped).toHaveLength(3);
    });
  });

  it('has a lost batch looked for anew', async () => {
    const script = new Script();
    script.inHub.set('Patient', 2);
    script.script('commit', () => {
      script.inHub.set('Patient', 2);
      throw troubleFailure('lost-race');
    });
    await stage.site(script, async (site) => {
      await (await startLeave(site, 'delete')).result();
      expect(script.committed).toHaveLength(1);
    });
  });
});
