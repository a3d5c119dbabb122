/** Has a site's worker compare source and target, and asks it for the conflicts that were found. */
import { randomUUID } from 'node:crypto';

import type { Client, WorkflowHandle } from '@temporalio/client';

import type { Conflict, ConflictsInput } from '../activities/contract.ts';
import { taskQueueOf } from '../config/config.ts';
import type { ReconcileWorkflowInput } from '../workflows/messages.ts';
import type { listConflicts, reconcileInstance } from '../workflows/reconcile.ts';
import { answerOf, requireWorker } from './answer.ts';

/** Name of the workflow as the worker registers it. */
export const reconcileWorkflowType = 'reconcileInstance' satisfies (typeof reconcileInstance)['name'];

/** How a run is called in Temporal's UI. */
export const reconcileSummary = ({ instance, repair }: Pick<ReconcileWorkflowInput, 'instance' | 'repair'>): string =>
  `${instance}: do sources and targets agree?${repair ? ' Repair what does not' : ''}`;

/**
 * Starts the comparison of streams, one after the other.
 * @throws NoWorkerProblem where no worker has asked for work lately
 */
export async function startReconcile(
  client: Client,
  input: ReconcileWorkflowInput,
): Promise<WorkflowHandle<typeof reconcileInstance>> {
  await requireWorker(client, input.instance);
  return client.workflow.start<typeof reconcileInstance>(reconcileWorkflowType, {
    workflowId: `reconcile/${input.instance}/${randomUUID()}`,
    taskQueue: taskQueueOf(input.instance),
    args: [input],
    staticSummary: reconcileSummary(input),
  });
}

/** Asks the site for the newest conflicts of a direction. Throws as above, also where no worker begins it in time. */
export async function conflictsAt(
  client: Client,
  instance: string,
  input: ConflictsInput,
  patienceMs: number,
): Promise<Conflict[]> {
  await requireWorker(client, instance);
  const handle = await client.workflow.start<typeof listConflicts>('listConflicts', {
    workflowId: `conflicts/${instance}/${randomUUID()}`,
    taskQueue: taskQueueOf(instance),
    args: [input],
    workflowExecutionTimeout: '1 minute',
    staticSummary: `${instance}: conflicts`,
  });
  return answerOf(instance, handle, patienceMs);
}
