/** Resources in a target that have no owner at the source, as a repair has found them: their stream deletes them. */
import { chunksOf, type Database } from './database.ts';
import { forgetDeleted, readLedger } from './ledger.ts';
import { parkedAmong } from './parked.ts';
import type { StreamKey } from './streams.ts';
import type { Direction } from './tables.ts';

export interface Deletion {
  readonly key: string;
  /** The ledger's digest when it was found; empty where the ledger knew nothing of it. */
  readonly digest: string;
}

/** Orders deletions. Those that the ledger has as deleted already are there all the same: it forgets them. */
export async function orderDeletions(
  tx: Database,
  { direction, type }: StreamKey,
  deletions: readonly Deletion[],
): Promise<void> {
  for (const chunk of chunksOf(deletions)) {
    await tx
      .insertInto('deletions')
      .values(chunk.map(({ key, digest }) => ({ direction, type, key, digest })))
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet((eb) => ({ digest: eb.ref('excluded.digest') })),
      )
      .execute();
  }
  await forgetDeleted(
    tx,
    direction,
    deletions.map(({ key }) => key),
  );
}

/**
 * Up to `limit` keys that are to be deleted. What was written since it was found, or is about to be, has an owner again: it is
 * forgotten here.
 */
export async function dueDeletions(db: Database, stream: StreamKey, limit: number): Promise<string[]> {
  const due: string[] = [];
  for (let after = ''; due.length < limit;) {
    const rows = await db
      .selectFrom('deletions')
      .select(['key', 'digest'])
      .where('direction', '=', stream.direction)
      .where('type', '=', stream.type)
      .where('key', '>', after)
      .orderBy('key')
      .limit(limit - due.length)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.key;
    const owned = await ownedAgain(db, stream.direction, rows);
    await dropDeletions(db, stream.direction, [...owned]);
    due.push(...rows.map(({ key }) => key).filter((key) => !owned.has(key)));
  }
  return due;
}

async function ownedAgain(db: Database, direction: Direction, rows: readonly Deletion[]): Promise<Set<string>> {
  const keys = rows.map(({ key }) => key);
  const ledger = await readLedger(db, direction, keys);
  const parked = await parkedAmong(db, direction, keys);
  const isOwned = ({ key, digest }: Deletion): boolean => (ledger.get(key)?.digest ?? '') !== digest || parked.has(key);
  return new Set(rows.filter(isOwned).map(({ key }) => key));
}

/** How many are to be deleted from a stream's target. */
export async function countDeletions(db: Database, { direction, type }: StreamKey): Promise<number> {
  const row = await db
    .selectFrom('deletions')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('direction', '=', direction)
    .where('type', '=', type)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** They were written or deleted. */
export async function dropDeletions(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('deletions').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/** A stream begins anew, or is compared anew. */
export async function dropDeletionsOf(db: Database, { direction, type }: StreamKey): Promise<void> {
  await db.deleteFrom('deletions').where('direction', '=', direction).where('type', '=', type).execute();
}
