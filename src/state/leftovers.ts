/** What a target has left from before a resync: written by this site in an earlier epoch and not again in this one. */
import type { Database } from './database.ts';
import { readLedger } from './ledger.ts';
import { parkedAmong } from './parked.ts';
import { keepsOldOutput, quarantinedAmong } from './quarantine.ts';
import type { StreamPosition } from './streams.ts';

/** Keys of the ledger that an earlier epoch wrote and this one did not, in order; `after` is the last key of the page before. */
export async function ledgerLeftovers(
  db: Database,
  { direction, type, epoch }: Pick<StreamPosition, 'direction' | 'type' | 'epoch'>,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('ledger')
    .select('key')
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('key', '>', after)
    .where('epoch', '<', epoch)
    .where('digest', '!=', '')
    .orderBy('key')
    .limit(limit)
    .execute();
  return rows.map((row) => row.key);
}

/** How many resources of a stream the ledger knows in the target, of this epoch and of earlier ones. */
export async function ledgerCounts(
  db: Database,
  { direction, type, epoch }: Pick<StreamPosition, 'direction' | 'type' | 'epoch'>,
): Promise<{ readonly current: number; readonly earlier: number }> {
  const count = async (operator: '=' | '<'): Promise<number> => {
    const row = await db
      .selectFrom('ledger')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('direction', '=', direction)
      .where('type', '=', type)
      .where('digest', '!=', '')
      .where('epoch', operator, epoch)
      .executeTakeFirstOrThrow();
    return row.count;
  };
  return { current: await count('='), earlier: await count('<') };
}

/**
 * Those of some keys in the target that the source no longer has, or that its policy no longer lets pass. What is parked
 * is still on its way, and what was refused for its size or by the target keeps its older state there.
 */
export async function withoutOwner(
  db: Database,
  { direction, epoch }: Pick<StreamPosition, 'direction' | 'epoch'>,
  keys: readonly string[],
): Promise<string[]> {
  const ledger = await readLedger(db, direction, keys);
  const parked = await parkedAmong(db, direction, keys);
  const refused = await quarantinedAmong(db, direction, keys);
  return keys.filter((key) => {
    const reason = refused.get(key);
    const stays = reason !== undefined && (keepsOldOutput.has(reason) || reason === 'still-referenced');
    return ledger.get(key)?.epoch !== epoch && !parked.has(key) && !stays;
  });
}
