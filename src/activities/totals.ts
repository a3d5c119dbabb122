/** A stream's numbers, for results and for people. */
import { countParked } from '../state/parked.ts';
import { countQuarantined } from '../state/quarantine.ts';
import { readStream, type StreamKey } from '../state/streams.ts';
import type { StreamTotals } from './contract.ts';
import type { Parts } from './parts.ts';

export async function totalsOf(parts: Parts, stream: StreamKey): Promise<StreamTotals> {
  const { counts, epoch, sequence, settled, delivered, currentAtMs } = await readStream(parts.db, stream);
  const parked = await countParked(parts.db, stream.direction, stream.type);
  const quarantined = await countQuarantined(parts.db, stream.direction, stream.type);
  return { counts, epoch, sequence, settled, delivered, currentAtMs, parked, quarantined };
}
