/** The state in one SQLite file (`node:sqlite`), for a site with one worker. */
import { mkdirSync, chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';

import { migrate } from './migrations.ts';
import type { Tables } from './tables.ts';

/** Opens the file. Throws whatever comes up. */
export async function openSqlite(file: string, schema?: number): Promise<Kysely<Tables>> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const sqlite = new DatabaseSync(file);
  if (file !== ':memory:') chmodSync(file, 0o600);
  // FULL: what a commit's cursor relies on (parked content) must survive a power cut.
  sqlite.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;',
  );
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: forKysely(sqlite) }) });
  await migrate(db, schema);
  return db;
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
