/**
 * The state's schema, step by step. A step that has shipped is never edited; the next one follows it. Written for SQLite, in
 * words that postgres.ts has others for: TEXT, INTEGER, BLOB, WITHOUT ROWID.
 */
import { type Kysely, sql } from 'kysely';

import type { Tables } from './tables.ts';

const steps: readonly (readonly string[])[] = [
  [
    `CREATE TABLE streams (direction TEXT NOT NULL, type TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
      settled INTEGER NOT NULL, delivered INTEGER NOT NULL, policy TEXT NOT NULL, loaded INTEGER NOT NULL,
      progress_at_ms INTEGER NOT NULL, current_at_ms INTEGER NOT NULL, denied TEXT NOT NULL, counts TEXT NOT NULL,
      open_commit TEXT NOT NULL,
      PRIMARY KEY (direction, type))`,
    `CREATE TABLE heads (server TEXT NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (server, at_ms))`,
    `CREATE TABLE seen (direction TEXT NOT NULL, type TEXT NOT NULL, row_key TEXT NOT NULL, id_key TEXT NOT NULL,
      version INTEGER NOT NULL, at_ms INTEGER NOT NULL, batch TEXT NOT NULL, PRIMARY KEY (direction, type, row_key))`,
    `CREATE INDEX seen_by_id ON seen (direction, type, id_key)`,
    `CREATE INDEX seen_by_batch ON seen (direction, type, batch)`,
    `CREATE TABLE ledger (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, digest TEXT NOT NULL,
      epoch INTEGER NOT NULL, PRIMARY KEY (direction, key))`,
    `CREATE TABLE parked (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, digest TEXT NOT NULL,
      content BLOB NOT NULL, bytes INTEGER NOT NULL, since_ms INTEGER NOT NULL, batch TEXT NOT NULL,
      claim TEXT NOT NULL DEFAULT '', free INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (direction, key))`,
    `CREATE INDEX parked_by_batch ON parked (batch)`,
    `CREATE INDEX parked_by_claim ON parked (claim)`,
    `CREATE INDEX parked_free ON parked (direction) WHERE free = 1`,
    `CREATE TABLE parked_needs (direction TEXT NOT NULL, key TEXT NOT NULL, need TEXT NOT NULL,
      PRIMARY KEY (direction, key, need),
      FOREIGN KEY (direction, key) REFERENCES parked (direction, key) ON DELETE CASCADE)`,
    `CREATE INDEX parked_needs_by_need ON parked_needs (direction, need)`,
    `CREATE TABLE quarantine (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL,
      status INTEGER NOT NULL, attempts INTEGER NOT NULL, batch TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
      content BLOB, PRIMARY KEY (direction, key))`,
    `CREATE TABLE markers (stream TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (stream, id))`,
  ],
  [
    `CREATE TABLE guard_patients (patient TEXT NOT NULL PRIMARY KEY, key_version INTEGER NOT NULL, words INTEGER NOT NULL,
      overflowed INTEGER NOT NULL, has_output INTEGER NOT NULL, updated_ms INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE guard_words (patient TEXT NOT NULL, run INTEGER NOT NULL, words BLOB NOT NULL, PRIMARY KEY (patient, run))`,
    `ALTER TABLE parked ADD COLUMN guard BLOB`,
  ],
  [
    `ALTER TABLE quarantine ADD COLUMN form TEXT NOT NULL DEFAULT 'none'`,
    `ALTER TABLE quarantine ADD COLUMN retry INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE quarantine ADD COLUMN retry_batch TEXT NOT NULL DEFAULT ''`,
    `CREATE INDEX quarantine_retry ON quarantine (direction, type) WHERE retry = 1`,
    `ALTER TABLE streams ADD COLUMN leftovers_from BIGINT NOT NULL DEFAULT -1`,
    `CREATE TABLE wanted (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, source_id BLOB NOT NULL,
      asked TEXT NOT NULL, PRIMARY KEY (direction, key))`,
    `CREATE TABLE pending_batches (direction TEXT NOT NULL, type TEXT NOT NULL, batch TEXT NOT NULL,
      PRIMARY KEY (direction, type, batch))`,
    `CREATE INDEX wanted_unasked ON wanted (direction, type) WHERE asked <> 'done'`,
  ],
  [
    `CREATE TABLE workers (id TEXT NOT NULL PRIMARY KEY, seen_ms BIGINT NOT NULL)`,
    `CREATE TABLE server_pauses (server TEXT NOT NULL PRIMARY KEY, until_ms BIGINT NOT NULL)`,
  ],
  [
    `ALTER TABLE ledger ADD COLUMN version TEXT NOT NULL DEFAULT ''`,
    `CREATE TABLE survey (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, run TEXT NOT NULL, digest TEXT NOT NULL,
      version TEXT NOT NULL, listed TEXT, found TEXT NOT NULL, source_id BLOB, PRIMARY KEY (direction, key, run))`,
    `CREATE TABLE reconciliations (direction TEXT NOT NULL, type TEXT NOT NULL, run TEXT NOT NULL, at_ms BIGINT NOT NULL,
      report TEXT NOT NULL, PRIMARY KEY (direction, type))`,
    `CREATE TABLE deletions (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, digest TEXT NOT NULL,
      PRIMARY KEY (direction, key))`,
    `CREATE INDEX deletions_of_stream ON deletions (direction, type)`,
    `CREATE TABLE conflicts (direction TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, found_ms BIGINT NOT NULL,
      kind TEXT NOT NULL, PRIMARY KEY (direction, key, found_ms))`,
  ],
  [
    `CREATE TABLE departures (begun_ms BIGINT NOT NULL PRIMARY KEY, run TEXT NOT NULL, data TEXT NOT NULL, left_ms BIGINT NOT NULL,
      back_ms BIGINT NOT NULL, report TEXT NOT NULL)`,
  ],
  [
    `CREATE TABLE fence_modes (server TEXT NOT NULL PRIMARY KEY, mode TEXT NOT NULL, found_ms BIGINT NOT NULL)`,
    `CREATE TABLE resyncs (direction TEXT NOT NULL, type TEXT NOT NULL, answered_ms BIGINT NOT NULL, answer TEXT NOT NULL,
      PRIMARY KEY (direction, type))`,
  ],
  [
    `ALTER TABLE quarantine ADD COLUMN discarded TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE quarantine ADD COLUMN ticket TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE quarantine ADD COLUMN discarded_ms BIGINT NOT NULL DEFAULT 0`,
  ],
];

/** A statement in a database's own words. */
export type SchemaForm = (statement: string) => string;

/**
 * Brings an empty or older database to the newest schema; each step in a transaction of its own, which looks again how far
 * others have come: two workers may start at once.
 * @param to - a step to stop at: for tests of what comes after it
 */
export async function migrate(
  db: Kysely<Tables>,
  to = steps.length,
  form: SchemaForm = (statement) => statement,
): Promise<void> {
  await sql.raw(form(metaTable)).execute(db);
  while ((await stepsTaken(db)) < to) await db.transaction().execute((tx) => takeStep(tx, to, form));
}

const metaTable = 'CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)';

async function takeStep(tx: Kysely<Tables>, to: number, form: SchemaForm): Promise<void> {
  const step = await stepsTaken(tx);
  if (step >= to) return;
  for (const statement of steps[step] ?? []) await sql.raw(form(statement)).execute(tx);
  const value = String(step + 1);
  await tx
    .insertInto('meta')
    .values({ name: 'schema', value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

async function stepsTaken(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'schema').executeTakeFirst();
  const taken = Number(row?.value ?? 0);
  if (taken > steps.length) throw new Error('state-newer-than-program');
  return taken;
}
