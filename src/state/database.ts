/**
 * The site's own database, behind one query builder: an SQLite file, or a PostgreSQL that several workers of the site share.
 * It holds positions, hashes, pseudonyms and sealed content; nothing of a patient in clear.
 *
 * Transactions are serial in both, whichever process runs them: SQLite has one writer, and on PostgreSQL each takes a lock of
 * the schema first (postgres-driver.ts). So what a transaction has read stays as it is until its end.
 */
import type { Kysely } from 'kysely';

import type { PostgresPlace } from './postgres.ts';
import { openSqlite } from './sqlite.ts';
import { StateProblem } from './state-problem.ts';
import type { Tables } from './tables.ts';

export { StateProblem } from './state-problem.ts';

export type Database = Kysely<Tables>;

/**
 * Opens (and creates or migrates) the state: of a file's path, readable by its owner alone, or of a PostgreSQL.
 * @param schema - a step of the schema to stop at: for tests of what comes after it
 * @throws StateProblem where it cannot be opened
 */
export async function openDatabase(place: string | PostgresPlace, schema?: number): Promise<Database> {
  try {
    if (typeof place === 'string') return await openSqlite(place, schema);
    // Loaded by those who use it alone.
    const { openPostgres } = await import('./postgres.ts');
    return await openPostgres(place, schema);
  } catch (error) {
    throw error instanceof StateProblem ? error : new StateProblem();
  }
}

/** SQLite takes 32,766 variables a statement, PostgreSQL 65,535; `IN` lists and inserts are cut into pieces well below that. */
export function* chunksOf<Item>(items: readonly Item[], size = 500): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
