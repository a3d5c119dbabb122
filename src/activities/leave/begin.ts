/** begin-leave: from here on no worker of the site reads or begins anything, until the instance comes back. */
import { beginDeparture } from '../../state/departures.ts';
import type { BeginLeaveInput, BeginLeaveResult } from '../contract.ts';
import { guardedSite } from '../failures.ts';
import type { Parts } from '../parts.ts';
import type { LeavePorts } from './ports.ts';
import { leavingStreams } from './streams.ts';

export const createBeginLeave = (
  parts: Parts,
  ports: LeavePorts,
): ((input: BeginLeaveInput) => Promise<BeginLeaveResult>) =>
  guardedSite('begin-leave', (input: BeginLeaveInput) => beginLeave(parts, ports, input));

async function beginLeave(
  parts: Parts,
  ports: LeavePorts,
  { run, data: asked }: BeginLeaveInput,
): Promise<BeginLeaveResult> {
  const { data } = await beginDeparture(parts.db, { run, data: asked, nowMs: parts.now() });
  await ports.removeSchedules();
  parts.log.warn('leave-begun', { instance: parts.instance, data });
  return { data, streams: await leavingStreams(parts) };
}
