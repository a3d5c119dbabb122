/** How keys of a target stand in the site's state: written, parked, refused, asked for. */
import type { Present } from '../sync/drift.ts';
import type { Database } from './database.ts';
import { readLedger } from './ledger.ts';
import { parkedAmong } from './parked.ts';
import { quarantinedAmong } from './quarantine.ts';
import type { Direction } from './tables.ts';
import { wantedAmong } from './wanted.ts';

/** Every key has an entry. */
export async function standingOf(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, Present>> {
  const ledger = await readLedger(db, direction, keys);
  const wanted = await wantedAmong(db, direction, keys);
  const parked = await parkedAmong(db, direction, keys);
  const quarantined = await quarantinedAmong(db, direction, keys);
  return new Map(
    keys.map((key) => [
      key,
      {
        digest: ledger.get(key)?.digest ?? '',
        version: ledger.get(key)?.version ?? '',
        isParked: parked.has(key),
        quarantined: quarantined.get(key) ?? '',
        wanted: wanted.get(key) ?? 'no',
      },
    ]),
  );
}
