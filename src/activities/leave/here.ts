/** Whether this instance has left the hub: then nothing of it is read or sent, by whichever worker. */
import type { Database } from '../../state/database.ts';
import { currentDeparture, type Departure } from '../../state/departures.ts';
import { TroubleError } from '../failures.ts';

/** Throws `left` where the instance has left, or is about to. */
export async function requireHere(db: Database): Promise<void> {
  if ((await currentDeparture(db)) !== undefined) throw new TroubleError('left');
}

/** The departure that is going on. Throws `lost-race` where it has ended: this attempt is of a leaving that is over. */
export async function requireLeaving(db: Database): Promise<Departure> {
  const departure = await currentDeparture(db);
  if (departure === undefined || departure.leftMs > 0) throw new TroubleError('lost-race');
  return departure;
}
