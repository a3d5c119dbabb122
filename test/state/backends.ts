/** What the state may lie in: tests of it run over each. */
import { afterAll } from '@jest/globals';
import { sql } from 'kysely';

import { type Database, openDatabase } from '../../src/state/database.ts';
import { startPostgres } from '../support/postgres.ts';
import { withMemoryState, withState } from './state-file.ts';

export interface Backend {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** Of the runs of a property, those that are worth their time here. */
  readonly share: number;
  /** Runs `work` with a fresh state. */
  withState<Result>(work: (db: Database) => Promise<Result>): Promise<Result>;
  /** The same for tests that ask it very often. */
  withQuickState<Result>(work: (db: Database) => Promise<Result>): Promise<Result>;
}

const sqlite: Backend = {
  name: 'SQLite',
  share: 1,
  withState: (work) => withState((db) => work(db)),
  withQuickState: withMemoryState,
};

/** SQLite, and PostgreSQL where it can be had. Starts a server for the test file that calls it. */
export async function backends(): Promise<readonly Backend[]> {
  const server = await startPostgres();
  if (server === undefined) return [sqlite];
  let open: Promise<Database> | undefined;
  afterAll(async () => {
    await (await open)?.destroy();
    await server.stop();
  });
  const withEmptied: Backend['withState'] = async (work) => {
    const db = await (open ??= openDatabase(server.place()));
    await empty(db);
    return work(db);
  };
  return [sqlite, { name: 'PostgreSQL', share: 0.2, withState: withEmptied, withQuickState: withEmptied }];
}

/** Faster than a schema of its own for each test. */
async function empty(db: Database): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'meta'`.execute(db);
  await sql.raw(rows.map(({ name }) => `DELETE FROM ${name}`).join('; ')).execute(db);
}
