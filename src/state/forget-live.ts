/**
 * Clears the state of what only matters to a site that syncs: sealed content, sealed ids, and the keyed hashes of words and
 * rows. Positions, the ledger (pseudonyms and digests) and the records stay.
 */
import { sql, SqliteAdapter } from 'kysely';

import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** Tables to be cleared, with their keys. What refers to another comes first. */
const cleared = {
  parked_needs: ['direction', 'key', 'need'],
  parked: ['direction', 'key'],
  quarantine: ['direction', 'key'],
  wanted: ['direction', 'key'],
  seen: ['direction', 'type', 'row_key'],
  guard_words: ['patient', 'run'],
  guard_patients: ['patient'],
  survey: ['direction', 'key', 'run'],
  deletions: ['direction', 'key'],
} as const satisfies { readonly [table in keyof Tables]?: readonly string[] };

/** Rows deleted in one statement: a worker has other things to do in between. */
const rowsMax = 5_000;

/**
 * Deletes the rows, in pieces. Returns how many of each table there were.
 * @param onPiece - told after each piece
 */
export async function forgetLive(db: Database, onPiece: (rows: number) => void): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  // A comparison that is running loses its survey, and writes nothing more into it.
  await db.updateTable('reconciliations').set({ run: '' }).execute();
  // SQLite leaves deleted rows in the file's free pages; they are overwritten.
  if (isSqlite(db)) await sql`PRAGMA secure_delete = ON`.execute(db);
  for (const [table, key] of Object.entries(cleared)) {
    for (let last = rowsMax; last === rowsMax;) {
      last = await deletePiece(db, table, key);
      if (last > 0) counts[table] = (counts[table] ?? 0) + last;
      onPiece(last);
    }
  }
  // What was written before stands in the log beside the file until it is emptied.
  if (isSqlite(db)) await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db);
  return counts;
}

async function deletePiece(db: Database, table: string, key: readonly string[]): Promise<number> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  const of = sql.table(table);
  const { numAffectedRows } = await sql`
    DELETE FROM ${of} WHERE (${columns}) IN (SELECT ${columns} FROM ${of} LIMIT ${sql.lit(rowsMax)})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

const isSqlite = (db: Database): boolean => db.getExecutor().adapter instanceof SqliteAdapter;
