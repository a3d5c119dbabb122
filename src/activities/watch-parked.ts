/** The age alarm: says once in a while which streams have resources that wait too long for what they refer to. */
import { agedParked } from '../state/parked.ts';
import { nowAndThen } from './now-and-then.ts';
import type { Parts } from './parts.ts';
import { agedBefore } from './totals.ts';

const isTime = nowAndThen(10 * 60_000);

export async function watchParked(parts: Parts): Promise<void> {
  if (!isTime(parts)) return;
  const now = parts.now();
  for (const { direction, type } of parts.streams) {
    const { count, sinceMs } = await agedParked(parts.db, { direction, type }, agedBefore(parts));
    if (count === 0) continue;
    const oldestSeconds = Math.round((now - sinceMs) / 1_000);
    parts.log.warn('parked-aged', { direction, type, resources: count, oldestSeconds });
  }
}
