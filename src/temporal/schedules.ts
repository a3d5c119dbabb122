/**
 * The Schedules of an instance: one for each cadence, each of them one poll a tick; and one that compares sources and
 * targets, where the configuration wants it.
 */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';

import { type Config, taskQueueOf } from '../config/config.ts';
import type { PollWorkflowInput, ReconcileWorkflowInput } from '../workflows/messages.ts';
import type { pollInstance } from '../workflows/poll-instance.ts';
import { reconcileSummary, reconcileWorkflowType } from './reconcile.ts';

/** A tick that was missed for longer is not made up for: the next one sees the same changes. */
const catchupWindow = '5 minutes';

const prefix = (instance: string): string => `sluice/${instance}/`;
const scheduleId = (instance: string, everySeconds: number): string =>
  `${prefix(instance)}every-${String(everySeconds)}s`;

const cadencesOf = ({ streams }: Pick<Config, 'streams'>): number[] =>
  [...new Set(streams.map((stream) => stream.everySeconds))].sort((a, b) => a - b);

type Options = ScheduleOptions & { action: { type: 'startWorkflow' } };

/** What `registerSchedules` did, by Schedule id. */
export interface ScheduleChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Brings the Schedules in line with the configuration: creates, updates, removes cadences that are gone. Those that
 * are wanted are asked for by name: a list of Schedules may not know yet those that were just made.
 */
export async function registerSchedules(
  client: Client,
  config: Pick<Config, 'instance' | 'streams' | 'reconcile'>,
): Promise<ScheduleChanges> {
  const present = new Set(await listSchedules(client, config.instance));
  const created: string[] = [];
  const updated: string[] = [];
  const wanted = cadencesOf(config).map((everySeconds) => scheduleOptions(config.instance, everySeconds));
  for (const options of [...wanted, ...reconcileOptions(config)]) {
    present.delete(options.scheduleId);
    if (await createSchedule(client, options)) created.push(options.scheduleId);
    else {
      await updateSchedule(client, options);
      updated.push(options.scheduleId);
    }
  }
  for (const id of present) await deleteSchedule(client, id);
  return { created, updated, removed: [...present] };
}

/** False where there is one of that name already. */
async function createSchedule(client: Client, options: Options): Promise<boolean> {
  try {
    await client.schedule.create(options);
    return true;
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false;
    throw error;
  }
}

/** Changes what the configuration says and nothing else: a Schedule that was paused by hand stays paused. */
async function updateSchedule(client: Client, { scheduleId: id, spec, action, policies }: Options): Promise<void> {
  await client.schedule.getHandle(id).update((before) => ({
    ...before,
    spec,
    action,
    ...(policies && { policies: { ...before.policies, ...policies } }),
  }));
}

async function deleteSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** Removes all Schedules of an instance. What runs goes on; nothing new is started. */
export async function removeSchedules(client: Client, instance: string): Promise<string[]> {
  const ids = await listSchedules(client, instance);
  for (const id of ids) await deleteSchedule(client, id);
  return ids;
}

async function listSchedules(client: Client, instance: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const schedule of client.schedule.list()) {
    if (schedule.scheduleId.startsWith(prefix(instance))) ids.push(schedule.scheduleId);
  }
  return ids;
}

function scheduleOptions(instance: string, everySeconds: number): Options {
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

/** The Schedule that compares sources and targets, where the configuration wants one. */
function reconcileOptions({
  instance,
  streams,
  reconcile,
}: Pick<Config, 'instance' | 'streams' | 'reconcile'>): Options[] {
  if (reconcile === undefined) return [];
  const { everySeconds, repair } = reconcile;
  const input = { instance, streams: streams.map(({ direction, type }) => ({ direction, type })), repair };
  const args: [ReconcileWorkflowInput] = [input];
  return [
    {
      scheduleId: `${prefix(instance)}reconcile`,
      // Jitter: every site reads all that it has, and asks the hub for all that it wrote.
      spec: { intervals: [{ every: everySeconds * 1_000 }], jitter: Math.min(everySeconds * 100, 3_600_000) },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
      action: {
        type: 'startWorkflow',
        workflowType: reconcileWorkflowType,
        workflowId: `reconcile/${instance}/scheduled`,
        taskQueue: taskQueueOf(instance),
        args,
        staticSummary: reconcileSummary(input),
      },
    },
  ];
}

/** Makes all ticks happen now, once. Asks by name: a list of Schedules may not know yet those that were just made. */
export async function triggerSchedules(client: Client, config: Pick<Config, 'instance' | 'streams'>): Promise<void> {
  for (const everySeconds of cadencesOf(config)) {
    try {
      await client.schedule.getHandle(scheduleId(config.instance, everySeconds)).trigger();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}
