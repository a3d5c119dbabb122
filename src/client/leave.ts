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
export async function beginLeave(site: SiteCalled, data: LeaveChoice): Promise<void> {
  const { client, instance } = site;
  await requireWorker(client, instance);
  // First of all: no tick begins anything meanwhile.
  await removeSchedules(client, instance);
  const under = await statusInTime(site);
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
  site: SiteCalled,
  onChange?: (status: LeaveStatus) => void,
): Promise<LeaveStatus | undefined> {
  for (;;) {
    const status = await statusInTime(site);
    if (status !== undefined) onChange?.(status);
    if (status === undefined || status.phase === 'left' || status.need !== undefined) return status;
    await sleep(500);
  }
}

/** Where the leaving stands: a worker that is being restarted answers soon. */
async function statusInTime({ client, instance, patienceMs }: SiteCalled): Promise<LeaveStatus | undefined> {
  for (const untilMs = Date.now() + patienceMs; ;) {
    try {
      return await leaveStatus(client, instance);
    } catch (error) {
      if (!(error instanceof NoWorkerProblem) || Date.now() >= untilMs) throw error;
      await sleep(500);
    }
  }
}

/**
 * Has an instance that left come back. Returns how many streams begin anew.
 * @throws NoWorkerProblem where no worker of the site answers; UsageProblem while it is leaving
 */
export async function join(site: SiteCalled): Promise<number> {
  const { client, instance, patienceMs } = site;
  await requireWorker(client, instance);
  const under = await statusInTime(site);
  if (under !== undefined && under.phase !== 'left') throw new UsageProblem(`${instance} is leaving: wait for the end`);
  return (await joinAt(client, instance, patienceMs)).streams;
}
