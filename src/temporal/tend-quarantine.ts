/** Has a site's worker carry out an order about its quarantine. */
import { randomUUID } from 'node:crypto';

import type { Client } from '@temporalio/client';

import type { TendInput, TendResult } from '../activities/contract.ts';
import { taskQueueOf } from '../config/config.ts';
import type { tendQuarantine } from '../workflows/tend-quarantine.ts';
import { answerOf, requireWorker } from './answer.ts';

/**
 * Runs `tendQuarantine` at the site and waits for it. What was ordered stays in Temporal's history.
 * @param patienceMs - how long a worker has to begin it
 * @throws NoWorkerProblem where none does
 */
export async function tendAt(
  client: Client,
  instance: string,
  input: TendInput,
  patienceMs: number,
): Promise<TendResult> {
  await requireWorker(client, instance);
  const handle = await client.workflow.start<typeof tendQuarantine>('tendQuarantine', {
    workflowId: `quarantine/${instance}/${randomUUID()}`,
    taskQueue: taskQueueOf(instance),
    args: [input],
    workflowExecutionTimeout: '5 minutes',
    staticSummary: `${instance}: quarantine, ${input.action}`,
  });
  return answerOf(instance, handle, patienceMs);
}
