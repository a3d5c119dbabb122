/** Targets of references that no feed has shown: wanted by parked resources, asked of the source by their own stream. */
import { chunksOf, type Database } from './database.ts';
import type { StreamKey } from './streams.ts';
import type { Direction } from './tables.ts';

export interface Wanted {
  /** `Type/id` in the target. */
  readonly key: string;
  /** The id at the source, sealed. */
  readonly sourceId: Uint8Array;
}

/** Notes what is wanted; what was noted before stays as it is. */
export async function addWanted(db: Database, stream: StreamKey, wanted: readonly Wanted[]): Promise<void> {
  for (const chunk of chunksOf(wanted)) {
    await db
      .insertInto('wanted')
      .values(rowsOf(stream, chunk))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Has resources asked for, also those that were asked for before. */
export async function orderWanted(db: Database, stream: StreamKey, wanted: readonly Wanted[]): Promise<void> {
  for (const chunk of chunksOf(wanted)) {
    await db
      .insertInto('wanted')
      .values(rowsOf(stream, chunk))
      .onConflict((conflict) =>
        conflict
          .columns(['direction', 'key'])
          .doUpdateSet((eb) => ({ source_id: eb.ref('excluded.source_id'), asked: '' })),
      )
      .execute();
  }
}

const rowsOf = ({ direction, type }: StreamKey, wanted: readonly Wanted[]) =>
  wanted.map(({ key, sourceId }) => ({ direction, type, key, source_id: sourceId, asked: '' }));

/** Which of some keys are wanted: `pending`, or `done` where the source was asked already. */
export async function wantedAmong(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, 'pending' | 'done'>> {
  const found = new Map<string, 'pending' | 'done'>();
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .selectFrom('wanted')
      .select(['key', 'asked'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const { key, asked } of rows) found.set(key, asked === 'done' ? 'done' : 'pending');
  }
  return found;
}

/** What is wanted of a stream and was not asked for yet, or by a batch that was given up. */
export async function unaskedWanted(db: Database, { direction, type }: StreamKey, limit: number): Promise<Wanted[]> {
  const rows = await db
    .selectFrom('wanted')
    .select(['key', 'source_id'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('asked', '!=', 'done')
    .orderBy('key')
    .limit(limit)
    .execute();
  return rows.map(({ key, source_id }) => ({ key, sourceId: source_id }));
}

/** Whether a stream has to ask for something. */
export const hasWanted = async (db: Database, stream: StreamKey): Promise<boolean> =>
  (await unaskedWanted(db, stream, 1)).length > 0;

/** Notes which batch asks for them. Where it is given up they are asked for again. */
export async function noteAsked(
  db: Database,
  { direction }: StreamKey,
  keys: readonly string[],
  batch: string,
): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db
      .updateTable('wanted')
      .set({ asked: batch })
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
  }
}

/** The batch that asked is committed: what the source did not have is not asked for again. */
export async function settleWanted(db: Database, direction: Direction, batch: string): Promise<void> {
  await db
    .updateTable('wanted')
    .set({ asked: 'done' })
    .where('direction', '=', direction)
    .where('asked', '=', batch)
    .execute();
}

/** They have arrived, or their stream begins anew: whoever wants them again says so again. */
export async function dropWanted(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('wanted').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/** A stream begins anew: everything is read again. */
export async function dropWantedOf(db: Database, { direction, type }: StreamKey): Promise<void> {
  await db.deleteFrom('wanted').where('direction', '=', direction).where('type', '=', type).execute();
}
