/** Copies that somebody had changed in the target, and that the owner's state has taken the place of. */
import { fixedLimits } from '../limits.ts';
import { chunksOf, type Database } from './database.ts';
import { typeOfKey } from './ledger.ts';
import type { Direction } from './tables.ts';

/** `edited`: another version. `gone`: deleted there, or without the tag that tells where it came from. */
export type ConflictKind = 'edited' | 'gone';

export interface Conflict {
  readonly direction: Direction;
  /** `Type/id` in the target. */
  readonly key: string;
  readonly kind: ConflictKind;
  readonly foundMs: number;
}

/** Notes conflicts. The oldest of a direction are forgotten where there are too many. */
export async function addConflicts(tx: Database, conflicts: readonly Conflict[]): Promise<void> {
  for (const chunk of chunksOf(conflicts)) {
    await tx
      .insertInto('conflicts')
      .values(
        chunk.map(({ direction, key, kind, foundMs }) => ({
          ...{ direction, key, kind },
          type: typeOfKey(key),
          found_ms: foundMs,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const direction of new Set(conflicts.map((one) => one.direction))) await forgetOldest(tx, direction);
}

async function forgetOldest(tx: Database, direction: Direction): Promise<void> {
  const oldest = await tx
    .selectFrom('conflicts')
    .select('found_ms')
    .where('direction', '=', direction)
    .orderBy('found_ms', 'desc')
    .offset(fixedLimits.conflictsKeptMax)
    .limit(1)
    .executeTakeFirst();
  if (oldest === undefined) return;
  await tx
    .deleteFrom('conflicts')
    .where('direction', '=', direction)
    .where('found_ms', '<=', oldest.found_ms)
    .execute();
}

/** The conflicts of some types, or of all, newest first. */
export async function listConflicts(
  db: Database,
  direction: Direction,
  types: readonly string[],
  limit: number,
): Promise<Conflict[]> {
  let query = db
    .selectFrom('conflicts')
    .select(['direction', 'key', 'kind', 'found_ms'])
    .where('direction', '=', direction);
  if (types.length > 0) query = query.where('type', 'in', types);
  const rows = await query.orderBy('found_ms', 'desc').orderBy('key').limit(limit).execute();
  return rows.map(({ found_ms, kind, ...row }) => ({ ...row, kind: kind as ConflictKind, foundMs: found_ms }));
}
