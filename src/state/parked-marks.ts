/**
 * The leak guard's marks of parked resources: what is released is compared with the words known then, since its patient's
 * words may have come while it waited.
 */
import { chunksOf, type Database } from './database.ts';
import type { Direction } from './tables.ts';

/** Marks of parked resources; null where one has none. */
export async function readParkedMarks(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, Uint8Array | null>> {
  const marks = new Map<string, Uint8Array | null>();
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .selectFrom('parked')
      .select(['key', 'guard'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const row of rows) marks.set(row.key, row.guard);
  }
  return marks;
}

/** What takes the place of a parked resource's content: the same state, masked. */
export interface ParkedContent {
  readonly key: string;
  readonly digest: string;
  readonly bytes: number;
  /** Sealed. */
  readonly content: Uint8Array;
  readonly mark: Uint8Array;
}

/** Gives parked resources other contents, where `claim` still holds them. */
export async function replaceParked(
  tx: Database,
  direction: Direction,
  claim: string,
  contents: readonly ParkedContent[],
): Promise<void> {
  for (const { key, mark, ...rest } of contents) {
    await tx
      .updateTable('parked')
      .set({ ...rest, guard: mark })
      .where('direction', '=', direction)
      .where('key', '=', key)
      .where('claim', '=', claim)
      .execute();
  }
}
