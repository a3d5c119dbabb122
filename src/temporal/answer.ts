/**
 * Waiting for a site's worker, for people who wait at a terminal. Temporal lists a worker for minutes after it has died: what
 * nobody begins is ended here, so that it does not happen long after the person has gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';

import { hasWorker } from './status.ts';

/** No worker of the site is there to do it: its state is at the site alone. */
export class NoWorkerProblem extends Error {
  constructor(instance: string) {
    super(`no worker of ${instance} answers. Is \`sluice worker\` running there?`);
    this.name = 'NoWorkerProblem';
  }
}

const looksMax = 5;
const lookEveryMs = 500;

/** Throws `NoWorkerProblem` where no worker has asked for work in the last minutes. */
export async function requireWorker(client: Client, instance: string): Promise<void> {
  // One that has just been started is not known yet.
  for (let look = 1; !(await hasWorker(client, instance)); look++) {
    if (look === looksMax) throw new NoWorkerProblem(instance);
    await sleep(lookEveryMs);
  }
}

/** Started, and scheduled for a worker. */
const eventsBeforeBegun = 2;

/**
 * The result of a workflow that was just started.
 * @param patienceMs - a worker that is being restarted has so long to begin it
 * @throws NoWorkerProblem where none has begun it by then; the workflow is terminated, and has done nothing
 */
export async function answerOf<Result>(
  instance: string,
  handle: Pick<WorkflowHandle, 'describe' | 'terminate'> & { result(): Promise<Result> },
  patienceMs: number,
): Promise<Result> {
  const result = handle.result();
  const over = result.then(
    () => true,
    () => true,
  );
  if (await Promise.race([over, isBegun(handle, Date.now() + patienceMs)])) return result;
  try {
    await handle.terminate('no worker has begun it');
  } catch (error) {
    // It has come to its end this very moment.
    if (error instanceof WorkflowNotFoundError) return result;
    throw error;
  }
  throw new NoWorkerProblem(instance);
}

async function isBegun(handle: Pick<WorkflowHandle, 'describe'>, untilMs: number): Promise<boolean> {
  for (;;) {
    if ((await handle.describe()).historyLength > eventsBeforeBegun) return true;
    if (Date.now() >= untilMs) return false;
    await sleep(lookEveryMs);
  }
}
