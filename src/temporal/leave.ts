/** Leaving the hub and coming back, as seen from outside: starts the workflows, and asks where they stand. */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';

import type { LeaveChoice, LeaveRecord, RejoinResult } from '../activities/contract.ts';
import type { LeavePorts } from '../activities/leave/ports.ts';
import { taskQueueOf } from '../config/config.ts';
import type { joinInstance } from '../workflows/join-instance.ts';
import type { leaveInstance } from '../workflows/leave-instance.ts';
import {
  joinWorkflowId,
  type LeaveStatus,
  leaveStatusQuery,
  leaveWorkflowId,
  syncWorkflowId,
} from '../workflows/messages.ts';
import { answerOf, NoWorkerProblem } from './answer.ts';
import { removeSchedules } from './schedules.ts';
import { answerMsMax } from './status.ts';

/** Begins to leave; one that goes on already is left alone. */
export async function startLeave(client: Client, instance: string, data: LeaveChoice): Promise<void> {
  await client.workflow.start<typeof leaveInstance>('leaveInstance', {
    workflowId: leaveWorkflowId(instance),
    taskQueue: taskQueueOf(instance),
    args: [{ instance, data }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `${instance} leaves the hub: data ${data}`,
  });
}

/** Tells a leaving something; one that has just ended needs it no more. */
export async function tellLeave(client: Client, instance: string, signal: SignalDefinition): Promise<void> {
  try {
    await client.workflow.getHandle(leaveWorkflowId(instance)).signal(signal);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/**
 * Where the newest leaving stands; `undefined` where there is none, or it was ended by hand.
 * @throws NoWorkerProblem where it goes on, and no worker answers
 */
export async function leaveStatus(client: Client, instance: string): Promise<LeaveStatus | undefined> {
  const handle = client.workflow.getHandle<typeof leaveInstance>(leaveWorkflowId(instance));
  const described = await describe(client, leaveWorkflowId(instance));
  if (described?.status.name === 'RUNNING') {
    try {
      return await client.withDeadline(Date.now() + answerMsMax, () => handle.query(leaveStatusQuery));
    } catch {
      throw new NoWorkerProblem(instance);
    }
  }
  if (described?.status.name !== 'COMPLETED') return undefined;
  return statusOf(await handle.result());
}

const statusOf = ({ instance, data, leftMs, deleted, unnoted, keys }: LeaveRecord): LeaveStatus => ({
  instance,
  data,
  phase: 'left',
  since: new Date(leftMs).toISOString(),
  deleted,
  unnoted,
  keys,
});

async function describe(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Has an instance come back, and waits for it.
 * @throws NoWorkerProblem where no worker begins it in time
 */
export async function joinAt(client: Client, instance: string, patienceMs: number): Promise<RejoinResult> {
  const handle = await client.workflow.start<typeof joinInstance>('joinInstance', {
    workflowId: joinWorkflowId(instance),
    taskQueue: taskQueueOf(instance),
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `${instance} comes back to the hub`,
  });
  return answerOf(instance, handle, patienceMs);
}

/** What the worker's steps ask of Temporal. */
export const leavePorts = (client: Client, instance: string): LeavePorts => ({
  removeSchedules: () => removeSchedules(client, instance),
  isOpen: async ({ direction, type }) =>
    (await describe(client, syncWorkflowId(instance, direction, type)))?.status.name === 'RUNNING',
});
