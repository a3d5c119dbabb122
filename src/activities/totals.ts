/** A stream's numbers, for results and for people. */
import { agedParked, countParked } from '../state/parked.ts';
import { countQuarantined } from '../state/quarantine.ts';
import { readStream, type StreamKey } from '../state/streams.ts';
import type { StreamTotals } from './contract.ts';
import type { Parts } from './parts.ts';

export async function totalsOf(parts: Parts, stream: StreamKey): Promise<StreamTotals> {
  const { counts, epoch, sequence, settled, delivered, currentAtMs } = await readStream(parts.db, stream);
  const parked = await countParked(parts.db, stream.direction, stream.type);
  const quarantined = await countQuarantined(parts.db, stream.direction, stream.type);
  const aged = parked === 0 ? 0 : (await agedParked(parts.db, stream, agedBefore(parts))).count;
  const numbers = { counts, epoch, sequence, settled, delivered, currentAtMs, parked, quarantined };
  return aged === 0 ? numbers : { ...numbers, parkedAged: aged };
}

/** What was parked before this time has waited too long. */
export const agedBefore = ({ now, limits }: Pick<Parts, 'now' | 'limits'>): number =>
  now() - limits.parkedAgeSecondsMax * 1_000;
