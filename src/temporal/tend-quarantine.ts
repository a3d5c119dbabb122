/** Has a site's worker carry out an order about its quarantine. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import type { TendInput, TendResult } from '../activities/contract.ts';
import { taskQueueOf } from '../config/config.ts';
import type { tendQuarantine } from '../workflows/tend-quarantine.ts';
import { hasWorker } from './status.ts';

/** Throws `NoWorkerProblem` where no worker has asked for work lately. */
export async function requireWorker(client: Client, instance: string): Promise<void> {
  // One that has just been started is not known yet.
  for (let look = 1; !(await hasWorker(client, instance)); look++) {
    if (look === looksMax) throw new NoWorkerProblem(instance);
    await sleep(lookEveryMs);
  }
}

/** No worker of the site is there to do it: its state is at the site alone. */
export class NoWorkerProblem extends Error {
  constructor(instance: string) {
    super(`no worker of ${instance} answers. Is \`sluice worker\` running there?`);
    this.name = 'NoWorkerProblem';
  }
}

const looksMax = 5;
const lookEveryMs = 500;

/**
 * Runs `tendQuarantine` at the site and waits for it. What was ordered stays in Temporal's history.
 * @throws NoWorkerProblem where no worker has asked for work lately
 */
export async function tendAt(client: Client, instance: string, input: TendInput): Promise<TendResult> {
  await requireWorker(client, instance);
  return client.workflow.execute<typeof tendQuarantine>('tendQuarantine', {
    workflowId: `quarantine/${instance}/${randomUUID()}`,
    taskQueue: taskQueueOf(instance),
    args: [input],
    workflowExecutionTimeout: '5 minutes',
    staticSummary: `${instance}: quarantine, ${input.action}`,
  });
}
