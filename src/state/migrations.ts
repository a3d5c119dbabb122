/** The state's schema, step by step. A step that has shipped is never edited; the next one follows it. */
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
];

/** Brings an empty or older database to the newest schema; each step in a transaction of its own. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  await sql`CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)`.execute(db);
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'schema').executeTakeFirst();
  const from = Number(row?.value ?? 0);
  if (from > steps.length) throw new Error('state-newer-than-program');
  for (let step = from; step < steps.length; step++) {
    await db.transaction().execute(async (tx) => {
      for (const statement of steps[step] ?? []) await sql.raw(statement).execute(tx);
      await tx
        .insertInto('meta')
        .values({ name: 'schema', value: String(step + 1) })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: String(step + 1) }))
        .execute();
    });
  }
}
