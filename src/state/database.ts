/**
 * The site's own database: one SQLite file (`node:sqlite`) behind the query builder that PostgreSQL will share.
 * It holds positions, hashes, pseudonyms and sealed content; nothing of a patient in clear.
 */
import { mkdirSync, chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';

import { migrate } from './migrations.ts';
import type { Tables } from './tables.ts';

export type Database = Kysely<Tables>;

/** The site's state could not be written or read. The message is constant: the cause may quote values. */
export class StateProblem extends Error {
  constructor() {
    super('state-unavailable');
    this.name = 'StateProblem';
  }
}

/**
 * Opens (and creates or migrates) the state file, readable by its owner alone.
 * @throws StateProblem where the file cannot be opened
 */
export async function openDatabase(file: string): Promise<Database> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const sqlite = new DatabaseSync(file);
    if (file !== ':memory:') chmodSync(file, 0o600);
    // FULL: what a commit's cursor relies on (parked content) must survive a power cut.
    sqlite.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;',
    );
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: forKysely(sqlite) }) });
    await migrate(db);
    return db;
  } catch {
    throw new StateProblem();
  }
}

/** `node:sqlite` in the shape that Kysely's dialect expects of a driver. */
function forKysely(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => {
      sqlite.close();
    },
    prepare: (sql) => {
      const statement = sqlite.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}

/** SQLite takes 32,766 variables a statement; `IN` lists and inserts are cut into pieces well below that. */
export function* chunksOf<Item>(items: readonly Item[], size = 500): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
