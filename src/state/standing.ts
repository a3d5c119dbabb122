/** How keys of a target stand in the site's state: written, parked, refused, asked for. */
import type { Present } from '../sync/drift.ts';
import { chunksOf, type Database } from './database.ts';
import { readLedger } from './ledger.ts';
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
  const parked = new Set<string>();
  const quarantined = new Map<string, string>();
  for (const chunk of chunksOf(keys)) {
    const waiting = await db
      .selectFrom('parked')
      .select('key')
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    const refused = await db
      .selectFrom('quarantine')
      .select(['key', 'reason'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const { key } of waiting) parked.add(key);
    for (const { key, reason } of refused) quarantined.set(key, reason);
  }
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
