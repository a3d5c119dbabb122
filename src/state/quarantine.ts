/** Resources that were refused for good, until an operator acts or a newer state of them is accepted. */
import { chunksOf, type Database } from './database.ts';
import { typeOfKey } from './ledger.ts';
import type { Direction } from './tables.ts';

/** Why a resource stands in quarantine. Constants, never data. */
export type QuarantineReason =
  | 'no-id' // a row of $changes without a valid id
  | 'wrong-type' // a row of $changes with a resource of another type
  | 'resource-too-large' // above resourceBytesMax
  | 'modifier-extension' // the engine would have to drop what changes the meaning
  | 'extension' // an unknown one, and the policy withholds for it
  | 'unknown-type' // R4 has no such type, and no rule names it
  | 'wrong-json-type' // an object, list or number where R4 has something else
  | 'rule-failed' // a rule's FHIRPath or plug-in failed on it
  | 'leak-guard' // a removed value stands in it, or may stand in it
  | 'not-a-resource'
  | 'too-deep'
  | 'forbidden-key'
  | 'output-check' // what was about to be committed does not follow the policy
  | 'set-too-large' // a strongly connected set that fits into no transaction
  | 'target-refused'; // the target's status says why

export interface QuarantineEntry {
  readonly key: string;
  readonly reason: QuarantineReason;
  readonly status: number;
  /** Sealed; absent where there is nothing to keep, or it is too large to. */
  readonly content: Uint8Array | null;
  /** The commit's label; empty where the resource never came so far. */
  readonly batch: string;
}

/** Notes resources in quarantine; one that is there already counts another attempt. */
export async function putInQuarantine(
  db: Database,
  direction: Direction,
  entries: readonly QuarantineEntry[],
  nowMs: number,
): Promise<void> {
  for (const entry of entries) {
    await db
      .insertInto('quarantine')
      .values({ direction, type: typeOfKey(entry.key), ...entry, attempts: 1, first_ms: nowMs, last_ms: nowMs })
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet((eb) => ({
          reason: entry.reason,
          status: entry.status,
          content: entry.content,
          batch: entry.batch,
          attempts: eb('quarantine.attempts', '+', 1),
          last_ms: nowMs,
        })),
      )
      .execute();
  }
}

/** A newer state was committed or deleted: the old quarantined one is history. */
export async function releaseFromQuarantine(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('quarantine').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/** Keys that a commit put into quarantine. */
export async function quarantinedBy(db: Database, direction: Direction, batch: string): Promise<string[]> {
  const rows = await db
    .selectFrom('quarantine')
    .select('key')
    .where('direction', '=', direction)
    .where('batch', '=', batch)
    .execute();
  return rows.map((row) => row.key);
}

/** How many resources of a stream stand in quarantine. */
export async function countQuarantined(db: Database, direction: Direction, type: string): Promise<number> {
  const row = await db
    .selectFrom('quarantine')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('direction', '=', direction)
    .where('type', '=', type)
    .executeTakeFirstOrThrow();
  return row.count;
}
