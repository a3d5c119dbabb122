/** The ledger: what this site has written to a target, by digest. Keys are `Type/id` of the target. */
import { chunksOf, type Database } from './database.ts';
import type { Direction } from './tables.ts';

export interface LedgerEntry {
  /** Empty: this site deleted it. */
  readonly digest: string;
  readonly epoch: number;
}

/** The entries of those keys that the ledger knows. */
export async function readLedger(
  db: Database,
  direction: Direction,
  keys: Iterable<string>,
): Promise<Map<string, LedgerEntry>> {
  const entries = new Map<string, LedgerEntry>();
  for (const chunk of chunksOf([...new Set(keys)])) {
    const rows = await db
      .selectFrom('ledger')
      .select(['key', 'digest', 'epoch'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const row of rows) entries.set(row.key, { digest: row.digest, epoch: row.epoch });
  }
  return entries;
}

export interface LedgerWrite extends LedgerEntry {
  readonly key: string;
}

/** Notes what was written or deleted. */
export async function writeLedger(db: Database, direction: Direction, writes: readonly LedgerWrite[]): Promise<void> {
  for (const chunk of chunksOf(writes)) {
    await db
      .insertInto('ledger')
      .values(chunk.map((write) => ({ direction, type: typeOfKey(write.key), ...write })))
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet((eb) => ({
          digest: eb.ref('excluded.digest'),
          epoch: eb.ref('excluded.epoch'),
        })),
      )
      .execute();
  }
}

/** The target says that it has no such resource: the ledger was wrong about it. */
export async function forgetInLedger(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('ledger').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/** `Type` of `Type/id`. */
export const typeOfKey = (key: string): string => key.slice(0, key.indexOf('/'));
