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
  | 'wrong-json-type' // an object, list or number where R4 has something else, or two choices where R4 has one
  | 'rule-failed' // a rule's FHIRPath or plug-in failed on it
  | 'leak-guard' // a removed value stands in it, or may stand in it
  | 'not-a-resource'
  | 'too-deep'
  | 'forbidden-key'
  | 'output-check' // what was about to be committed does not follow the policy
  | 'set-too-large' // a strongly connected set that fits into no transaction
  | 'still-referenced' // the target keeps what others refer to: the delete is tried again when one of those has gone
  | 'target-refused'; // the target's status says why

/** Refused by something other than the policy: what stands in the target from before still follows it. */
export const keepsOldOutput: ReadonlySet<QuarantineReason> = new Set([
  'resource-too-large',
  'set-too-large',
  'target-refused',
]);

/** In which form the content is kept, and so from where it is tried again. */
export type QuarantineForm =
  | 'raw' // a staged line of the source's state: tried again with the source's state of then
  | 'clean' // a staged line of output: tried again as it is
  | 'delete' // there is nothing to keep
  | 'row' // what the source sent in a resource's place: cannot be tried again
  | 'none'; // too large to keep: a newer state or a resync brings it again

export interface QuarantineEntry {
  readonly key: string;
  readonly reason: QuarantineReason;
  readonly status: number;
  readonly form: QuarantineForm;
  /** Sealed; absent where there is nothing to keep, or it is too large to. */
  readonly content: Uint8Array | null;
  /** The commit's label; empty where the resource never came so far. */
  readonly batch: string;
}

const notDiscarded = { discarded: '', ticket: '', discarded_ms: 0 };

/** Notes resources in quarantine; one that is there already, or was given up, counts another attempt. */
export async function putInQuarantine(
  db: Database,
  direction: Direction,
  entries: readonly QuarantineEntry[],
  nowMs: number,
): Promise<void> {
  for (const entry of entries) {
    await db
      .insertInto('quarantine')
      .values({
        direction,
        type: typeOfKey(entry.key),
        ...entry,
        retry: 0,
        retry_batch: '',
        attempts: 1,
        first_ms: nowMs,
        last_ms: nowMs,
      })
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet((eb) => ({
          reason: entry.reason,
          status: entry.status,
          form: entry.form,
          content: entry.content,
          batch: entry.batch,
          retry: 0,
          retry_batch: '',
          ...notDiscarded,
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

/** How many resources of a stream stand in quarantine; without those that were given up. */
export async function countQuarantined(db: Database, direction: Direction, type: string): Promise<number> {
  const row = await db
    .selectFrom('quarantine')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('discarded', '=', '')
    .executeTakeFirstOrThrow();
  return row.count;
}

/** Which of some keys stand in quarantine, or were given up there, and why they came there. */
export async function quarantinedAmong(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, QuarantineReason>> {
  const quarantined = new Map<string, QuarantineReason>();
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .selectFrom('quarantine')
      .select(['key', 'reason'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const { key, reason } of rows) quarantined.set(key, reason as QuarantineReason);
  }
  return quarantined;
}

/** Forgets what was refused of some types: it is tried again. */
export async function releaseHeld(db: Database, direction: Direction, types: readonly string[]): Promise<void> {
  await db.deleteFrom('quarantine').where('direction', '=', direction).where('type', 'in', types).execute();
}
