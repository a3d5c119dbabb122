/** The ledger: what this site has written to a target, by digest. Keys are `Type/id` of the target. */
import { chunksOf, type Database } from './database.ts';
import type { StreamKey } from './streams.ts';
import type { Direction } from './tables.ts';

export interface LedgerEntry {
  /** Empty: this site deleted it. */
  readonly digest: string;
  readonly epoch: number;
  /** The target's version of what was written; empty where nobody knows it. */
  readonly version: string;
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
      .select(['key', 'digest', 'epoch', 'version'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const { key, ...entry } of rows) entries.set(key, entry);
  }
  return entries;
}

export interface LedgerWrite extends Pick<LedgerEntry, 'digest' | 'epoch'> {
  readonly key: string;
  readonly version?: string;
}

/** Notes what was written or deleted. */
export async function writeLedger(db: Database, direction: Direction, writes: readonly LedgerWrite[]): Promise<void> {
  for (const chunk of chunksOf(writes)) {
    await db
      .insertInto('ledger')
      .values(chunk.map((write) => ({ direction, type: typeOfKey(write.key), version: '', ...write })))
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet((eb) => ({
          digest: eb.ref('excluded.digest'),
          epoch: eb.ref('excluded.epoch'),
          version: eb.ref('excluded.version'),
        })),
      )
      .execute();
  }
}

/** A digest that no content has. */
const staleDigest = '!';

/** What stands there is not what was written: whatever comes next of these is written, also where it has not changed. */
export async function markStale(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db
      .updateTable('ledger')
      .set({ digest: staleDigest, version: '' })
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .where('digest', '!=', '')
      .execute();
  }
}

/** What is about to be written has no known version until it is noted as written: an attempt may get only half of it through. */
export async function forgetVersions(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db
      .updateTable('ledger')
      .set({ version: '' })
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
  }
}

/** The target is not what it was when these versions were noted: of a whole stream. */
export async function forgetVersionsOf(db: Database, { direction, type }: StreamKey): Promise<void> {
  await db
    .updateTable('ledger')
    .set({ version: '' })
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('version', '!=', '')
    .execute();
}

/** Notes the version in the target of what was written, where nobody knew it. */
export async function noteVersions(
  db: Database,
  direction: Direction,
  versions: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [key, version] of versions) {
    await db
      .updateTable('ledger')
      .set({ version })
      .where('direction', '=', direction)
      .where('key', '=', key)
      .where('version', '=', '')
      .execute();
  }
}

/** A page of what should be in the target of a stream, in the order of keys; `after` is the last key of the page before. */
export async function liveLedger(
  db: Database,
  direction: Direction,
  type: string,
  after: string,
  limit: number,
): Promise<{ key: string; digest: string; version: string }[]> {
  return db
    .selectFrom('ledger')
    .select(['key', 'digest', 'version'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('digest', '!=', '')
    .where('key', '>', after)
    .orderBy('key')
    .limit(limit)
    .execute();
}

/** The target says that it has no such resource: the ledger was wrong about it. */
export async function forgetInLedger(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('ledger').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/** Forgets which of some keys were deleted: they are there all the same. */
export async function forgetDeleted(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db
      .deleteFrom('ledger')
      .where('direction', '=', direction)
      .where('digest', '=', '')
      .where('key', 'in', chunk)
      .execute();
  }
}

/** `Type` of `Type/id`. */
export const typeOfKey = (key: string): string => key.slice(0, key.indexOf('/'));

/** `id` of `Type/id`. */
export const idOfKey = (key: string): string => key.slice(key.indexOf('/') + 1);
