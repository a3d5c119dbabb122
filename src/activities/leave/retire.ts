/**
 * forget-live and finish-leave: nothing of a patient is left under the site's keys (state and staging), and the record says
 * so. The key files are the operator's: no program deletes them.
 */
import { currentDeparture, type DepartureReport, updateDeparture } from '../../state/departures.ts';
import { forgetLive } from '../../state/forget-live.ts';
import type { FinishLeaveInput, LeaveRecord } from '../contract.ts';
import { assertInTime, guardedSite, heartbeat, TroubleError } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { requireLeaving } from './here.ts';
import { deletedSoFar } from './leaving-batch.ts';
import type { LeavePorts } from './ports.ts';

export const createForgetLive = (parts: Parts): (() => Promise<Record<string, number>>) =>
  guardedSite('forget-live', () => forget(parts));

/** Also the times to come: what has just been written is older than that. */
const anyAgeSeconds = -86_400;

async function forget(parts: Parts): Promise<Record<string, number>> {
  await requireLeaving(parts.db);
  assertInTime();
  let rows = 0;
  const counts = await forgetLive(parts.db, (more) => {
    rows += more;
    heartbeat({ cleared: rows });
  });
  const batches = await parts.staging.sweep(anyAgeSeconds, () => false);
  const cleared = { ...counts, ...(batches > 0 && { staging: batches }) };
  await parts.db.transaction().execute(async (tx) => {
    const departure = await requireLeaving(tx);
    await updateDeparture(tx, departure, { report: { cleared: sum(departure.report.cleared, cleared) } });
  });
  return cleared;
}

function sum(a: Readonly<Record<string, number>> = {}, b: Readonly<Record<string, number>>): Record<string, number> {
  const total: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) total[name] = (total[name] ?? 0) + count;
  return total;
}

export const createFinishLeave = (
  parts: Parts,
  ports: LeavePorts,
): ((input: FinishLeaveInput) => Promise<LeaveRecord>) =>
  guardedSite('finish-leave', (input: FinishLeaveInput) => finish(parts, ports, input));

async function finish(parts: Parts, ports: LeavePorts, input: FinishLeaveInput): Promise<LeaveRecord> {
  // Again: somebody may have made them anew meanwhile.
  await ports.removeSchedules();
  const departure = await parts.db.transaction().execute(async (tx) => {
    const at = await currentDeparture(tx);
    if (at === undefined) throw new TroubleError('lost-race');
    // Noted by an earlier attempt.
    if (at.leftMs > 0) return at;
    const report: Partial<DepartureReport> = {
      keys: parts.keyVersions,
      deleted: await deletedSoFar({ db: tx, streams: parts.streams }, at),
      unnoted: input.unnoted,
    };
    return updateDeparture(tx, at, { data: input.data, leftMs: parts.now(), report });
  });
  const { data, begunMs, leftMs, report } = departure;
  const { deleted = {}, cleared = {}, keys = {}, unnoted = [] } = report;
  for (const [type, resources] of Object.entries(deleted)) parts.log.info('leave-deleted', { type, resources });
  for (const [purpose, versions] of Object.entries(keys))
    parts.log.info('leave-key-retired', { purpose, versions: versions.join(',') });
  parts.log.warn('instance-left', {
    instance: parts.instance,
    data,
    since: new Date(leftMs).toISOString(),
    comeBack: 'sluice join',
  });
  return { instance: parts.instance, data, begunMs, leftMs, deleted, cleared, keys, unnoted };
}
