/**
 * stop-stream: waits until a stream's workflow has ended, and makes sure that nothing of it goes on: a new epoch, in which an
 * attempt of before loses, and a fence before whatever is still on its way to the target. As a resync begins, but the
 * positions stay, as the record of how far the stream had come.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { fixedLimits } from '../../limits.ts';
import { updateDeparture } from '../../state/departures.ts';
import { readStream, writeStream } from '../../state/streams.ts';
import { cursorOf } from '../../sync/cursor.ts';
import { readCursor } from '../commit/cursor-writes.ts';
import type { StopStreamInput, StreamKey } from '../contract.ts';
import { assertInTime, guarded, heartbeat } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { agreeWithTarget } from '../reconcile-cursor.ts';
import { requireLeaving } from './here.ts';
import type { LeavePorts } from './ports.ts';

export const createStopStream = (parts: Parts, ports: LeavePorts): ((input: StopStreamInput) => Promise<void>) =>
  guarded('stop-stream', parts.log, (input: StopStreamInput) => stopStream(parts, ports, input));

async function stopStream(
  parts: Parts,
  ports: LeavePorts,
  { stream, offline = false }: StopStreamInput,
): Promise<void> {
  await requireLeaving(parts.db);
  await untilClosed(ports, stream);
  const cursor = offline ? undefined : await readCursor(parts, stream);
  assertInTime();
  await parts.db.transaction().execute(async (tx) => {
    const departure = await requireLeaving(tx);
    const at = await readStream(tx, stream);
    const epoch = Math.max(at.epoch, cursorOf(cursor?.resource)?.epoch ?? 0) + 1;
    await writeStream(tx, { ...at, epoch, sequence: 0, leftoversFrom: -1 });
    const { before } = departure.report;
    if (stream.direction === 'up' && before[stream.type] === undefined)
      await updateDeparture(tx, departure, { report: { before: { ...before, [stream.type]: at.counts.deleted } } });
  });
  // Where the target cannot be asked, the commit that was open stays so: who comes back fences it off.
  if (!offline) await agreeWithTarget(parts, stream);
}

const askEveryMs = 500;

/** Waits while the stream finishes its batch in hand; not for ever, since what it does later has no effect. */
async function untilClosed(ports: LeavePorts, stream: StreamKey): Promise<void> {
  const untilMs = performance.now() + fixedLimits.leaveStopSecondsMax * 1_000;
  while (performance.now() < untilMs && (await ports.isOpen(stream))) {
    heartbeat({});
    await sleep(askEveryMs);
  }
}
