/** An instance leaves the hub, and comes back: what may follow on what. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { LeaveChoice } from '../activities/contract.ts';
import { NoWorkerProblem, requireWorker } from '../temporal/answer.ts';
import { joinAt, leaveStatus, startLeave, tellLeave } from '../temporal/leave.ts';
import { removeSchedules } from '../temporal/schedules.ts';
import { keepSignal, type LeaveStatus, retrySignal } from '../workflows/messages.ts';
import { UsageProblem } from './problems.ts';
import type { SiteCalled } from './site.ts';

/**
 * Begins a leaving, or tells the one that goes on.
 * @throws NoWorkerProblem where no worker of the site answers; UsageProblem where one that keeps should delete
 */
export async function beginLeave({ client, instance }: SiteCalled, data: LeaveChoice): Promise<void> {
  await requireWorker(client, instance);
  // First of all: no tick begins anything meanwhile.
  await removeSchedules(client, instance);
  const under = await leaveStatus(client, instance);
  if (under !== undefined && under.phase !== 'left') {
    if (under.data === 'keep' && data === 'delete')
      throw new UsageProblem(`${instance} is leaving with its data kept; wait for the end, then say delete`);
    await tellLeave(client, instance, under.data === data ? retrySignal : keepSignal);
  }
  await startLeave(client, instance, data);
}

/**
 * Waits until the instance has left, or its leaving needs a person.
 * @throws NoWorkerProblem where no worker of the site answers any more; the leaving goes on when one does
 */
export async function untilLeft(
  { client, instance, patienceMs }: SiteCalled,
  onChange?: (status: LeaveStatus) => void,
): Promise<LeaveStatus | undefined> {
  for (let answeredMs = Date.now(); ;) {
    try {
      const status = await leaveStatus(client, instance);
      answeredMs = Date.now();
      if (status !== undefined) onChange?.(status);
      if (status === undefined || status.phase === 'left' || status.need !== undefined) return status;
    } catch (error) {
      if (!(error instanceof NoWorkerProblem) || Date.now() - answeredMs >= patienceMs) throw error;
    }
    await sleep(500);
  }
}

/**
 * Has an instance that left come back. Returns how many streams begin anew.
 * @throws NoWorkerProblem where no worker of the site answers; UsageProblem while it is leaving
 */
export async function join({ client, instance, patienceMs }: SiteCalled): Promise<number> {
  await requireWorker(client, instance);
  const under = await leaveStatus(client, instance);
  if (under !== undefined && under.phase !== 'left') throw new UsageProblem(`${instance} is leaving: wait for the end`);
  return (await joinAt(client, instance, patienceMs)).streams;
}
