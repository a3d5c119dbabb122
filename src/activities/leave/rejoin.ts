/** rejoin: the instance may sync again. Every stream begins anew first, since the hub may have nothing of it any more. */
import { currentDeparture, endDepartures } from '../../state/departures.ts';
import { beginAnew } from '../begin-resync.ts';
import type { RejoinResult } from '../contract.ts';
import { guardedSite, heartbeat } from '../failures.ts';
import type { Parts } from '../parts.ts';
import { leavingStreams } from './streams.ts';

export const createRejoin = (parts: Parts): (() => Promise<RejoinResult>) => guardedSite('rejoin', () => rejoin(parts));

async function rejoin(parts: Parts): Promise<RejoinResult> {
  if ((await currentDeparture(parts.db)) === undefined) return { streams: 0 };
  const all = await leavingStreams(parts);
  for (const [begun, stream] of all.entries()) {
    await beginAnew(parts, stream);
    heartbeat({ begun });
  }
  const streams = parts.streams.length;
  await endDepartures(parts.db, parts.now());
  parts.log.warn('instance-joined', { instance: parts.instance, streams });
  return { streams };
}
