/** The epoch that a batch was read in: once it is over (a resync, or the instance has left), nothing of it counts. */
import type { Database } from '../state/database.ts';
import { readStream } from '../state/streams.ts';
import type { Batch } from './contract.ts';
import { TroubleError } from './failures.ts';

/** Throws `lost-race` where the stream is in another epoch. Call it within the transaction that writes. */
export async function requireEpoch(tx: Database, { stream, epoch }: Pick<Batch, 'stream' | 'epoch'>): Promise<void> {
  if ((await readStream(tx, stream)).epoch !== epoch) throw new TroubleError('lost-race');
}
