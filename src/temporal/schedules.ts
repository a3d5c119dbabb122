/** The Schedules of an instance: one for each cadence, each of them one poll a tick. */
import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';

import { type Config, taskQueueOf } from '../config/config.ts';
import type { PollWorkflowInput } from '../workflows/messages.ts';
import type { pollInstance } from '../workflows/poll-instance.ts';

/** A tick that was missed for longer is not made up for: the next one sees the same changes. */
const catchupWindow = '5 minutes';

const prefix = (instance: string): string => `sluice/${instance}/`;
const scheduleId = (instance: string, everySeconds: number): string =>
  `${prefix(instance)}every-${String(everySeconds)}s`;

/** What `registerSchedules` did, by Schedule id. */
export interface ScheduleChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly removed: readonly string[];
}

/** Brings the Schedules in line with the configuration: creates, updates, removes cadences that are gone. */
export async function registerSchedules(
  client: Client,
  config: Pick<Config, 'instance' | 'streams'>,
): Promise<ScheduleChanges> {
  const cadences = [...new Set(config.streams.map((stream) => stream.everySeconds))].sort((a, b) => a - b);
  const present = new Set(await listSchedules(client, config.instance));
  const created: string[] = [];
  const updated: string[] = [];
  for (const everySeconds of cadences) {
    const options = scheduleOptions(config.instance, everySeconds);
    const { scheduleId: id } = options;
    if (present.delete(id)) {
      const { spec, action, policies } = options;
      await client.schedule.getHandle(id).update((before) => ({
        ...before,
        spec,
        action,
        ...(policies && { policies: { ...before.policies, ...policies } }),
      }));
      updated.push(id);
    } else {
      await client.schedule.create(options);
      created.push(id);
    }
  }
  for (const id of present) await client.schedule.getHandle(id).delete();
  return { created, updated, removed: [...present] };
}

/** Removes all Schedules of an instance. What runs goes on; nothing new is started. */
export async function removeSchedules(client: Client, instance: string): Promise<string[]> {
  const ids = await listSchedules(client, instance);
  for (const id of ids) {
    try {
      await client.schedule.getHandle(id).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
  return ids;
}

async function listSchedules(client: Client, instance: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const schedule of client.schedule.list()) {
    if (schedule.scheduleId.startsWith(prefix(instance))) ids.push(schedule.scheduleId);
  }
  return ids;
}

function scheduleOptions(
  instance: string,
  everySeconds: number,
): ScheduleOptions & { action: { type: 'startWorkflow' } } {
  const args: [PollWorkflowInput] = [{ instance, everySeconds }];
  return {
    scheduleId: scheduleId(instance, everySeconds),
    // Jitter: a thousand sites must not ask the hub in the same second.
    spec: { intervals: [{ every: everySeconds * 1_000 }], jitter: Math.min(everySeconds * 100, 60_000) },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
    action: {
      type: 'startWorkflow',
      workflowType: 'pollInstance' satisfies (typeof pollInstance)['name'],
      workflowId: `poll/${instance}/every-${String(everySeconds)}s`,
      taskQueue: taskQueueOf(instance),
      args,
      staticSummary: `${instance}: every ${String(everySeconds)} s`,
      workflowExecutionTimeout: '10 minutes',
    },
  };
}

/** Makes all ticks happen now, once. */
export async function triggerSchedules(client: Client, instance: string): Promise<void> {
  for (const id of await listSchedules(client, instance)) await client.schedule.getHandle(id).trigger();
}
