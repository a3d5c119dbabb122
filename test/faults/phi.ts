/** Looks for the canary wherever it must not be: the hub, the state's files or tables, staging, logs, failures. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { sql } from 'kysely';

import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Database } from '../../src/state/database.ts';
import { canary } from './data.ts';

export interface PhiInput {
  readonly hub: Emulator;
  readonly folder: string;
  readonly logged: readonly string[];
  readonly failures: readonly unknown[];
  readonly leaks: readonly string[];
}

const holds = (text: string): boolean => text.toLowerCase().includes(canary);

export function phiFaults({ hub, folder, logged, failures, leaks }: PhiInput): string[] {
  const found = [...new Set(leaks)].map((where) => `the canary was seen in ${where}`);
  for (const type of hub.store.types) {
    for (const { json } of hub.store.rows(type)) {
      if (holds(json)) found.push(`the canary is in a ${type} of the hub`);
    }
  }
  for (const file of filesOf(folder)) {
    if (holds(readFileSync(file).toString('latin1')) || holds(file)) found.push('the canary is in a file of the site');
  }
  if (logged.some(holds)) found.push('the canary is in the log');
  if (failures.some((failure) => holds(wholeText(failure)))) found.push('the canary is in a failure');
  return found;
}

/** The same in the tables of a PostgreSQL, whose files hold what other runs have left as well. */
export async function phiInTables(db: Database): Promise<string[]> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()`.execute(db);
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql<{ text: string }>`SELECT one::text AS text FROM ${sql.id(name)} AS one`.execute(db);
    // Bytes are told in hexadecimal digits.
    if (rows.some(({ text }) => holds(text) || text.includes(Buffer.from(canary).toString('hex'))))
      found.push("the canary is in a table of the site's state");
  }
  return found;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

/** All that Temporal would keep of a failure. */
function wholeText(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const details = JSON.stringify((failure as { details?: unknown }).details ?? '');
  const cause = failure.cause === undefined ? '' : wholeText(failure.cause);
  return [failure.name, failure.message, failure.stack ?? '', details, cause].join('\n');
}
