/** The state in a PostgreSQL, for sites whose workers share it. */
import { createHash } from 'node:crypto';

import { Kysely, sql } from 'kysely';
import { Pool, types } from 'pg';

import { fixedLimits } from '../limits.ts';
import { migrate } from './migrations.ts';
import { serialPostgres } from './postgres-driver.ts';
import { StateProblem } from './state-problem.ts';
import type { Tables } from './tables.ts';

/** Which database, as whom, and in which schema of it. */
export interface PostgresPlace {
  /** `postgres://user@host:port/database`. */
  readonly url: string;
  readonly password: string;
  /** Without TLS; for a server on this machine. */
  readonly plain: boolean;
  /** PEM of the authorities to trust; the system's where there is none. */
  readonly ca?: string;
  /** Letters, digits and underscores. */
  readonly schema: string;
  /** The waits of `fixedLimits` times this; for tests of connections that nobody answers on. */
  readonly patience?: number;
}

/** Opens the database. Throws whatever comes up. */
export async function openPostgres(place: PostgresPlace, schema?: number): Promise<Kysely<Tables>> {
  const pool = poolOf(place);
  const db = new Kysely<Tables>({ dialect: serialPostgres(pool, lockOf(place.schema)) });
  try {
    await makeSchema(db, place.schema);
    await migrate(db, schema, postgresForm);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function poolOf({ url, password, plain, ca, schema, patience = 1 }: PostgresPlace): Pool {
  const { hostname, port, pathname, username } = new URL(url);
  const ms = (seconds: number): number => Math.ceil(seconds * 1_000 * patience);
  const { stateConnectionsMax, stateWaitSeconds, stateStatementSeconds, stateIdleSeconds } = fixedLimits;
  const pool = new Pool({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 5_432 : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username),
    password,
    ssl: plain ? false : { rejectUnauthorized: true, ...(ca !== undefined && { ca }) },
    application_name: 'fhir-sluice',
    max: stateConnectionsMax,
    connectionTimeoutMillis: ms(stateWaitSeconds),
    keepAlive: true,
    // What the server does not end in time, because it does not hear us any more, ends here.
    query_timeout: ms(stateStatementSeconds + 10),
    options: Object.entries({
      search_path: schema,
      statement_timeout: String(ms(stateStatementSeconds)),
      // A worker that is stopped, or whose machine is gone, must not keep the lock from the others.
      idle_in_transaction_session_timeout: String(ms(stateIdleSeconds)),
      // What a commit's cursor relies on (parked content) must survive the end of the server, whatever its own setting.
      synchronous_commit: 'on',
      client_encoding: 'UTF8',
    })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: { getTypeParser: parserOf },
  });
  // A connection may end at any time, in use or not; whoever uses it hears of it. Unheard, the event would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Versions, times and counts as numbers, as from SQLite; beyond 2^53 they would be others. */
const parserOf: typeof types.getTypeParser = (type, format) =>
  type === types.builtins.INT8 ? safeNumber : (types.getTypeParser(type, format) as unknown);

function safeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new StateProblem();
  return value;
}

/** The lock of the site's writers. Its number space is the database's: other programs in it have others. */
const lockOf = (schema: string): bigint =>
  createHash('sha256').update(`fhir-sluice/${schema}`).digest().readBigInt64BE();

/** To make one takes a right on the database that is not needed where somebody has made it before. */
async function makeSchema(db: Kysely<Tables>, schema: string): Promise<void> {
  const { rows } = await sql`SELECT 1 FROM pg_namespace WHERE nspname = ${schema}`.execute(db);
  if (rows.length === 0) await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(schema)}`.execute(db);
}

/**
 * A statement of the schema in PostgreSQL's words. Texts are compared by their bytes, as in SQLite, and not by a language
 * whose rules change with the operating system, and the indexes with them.
 */
const postgresForm = (statement: string): string =>
  statement
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
    .replaceAll(/\bINTEGER\b/g, 'BIGINT')
    .replaceAll(/\bBLOB\b/g, 'BYTEA')
    .replaceAll(/ WITHOUT ROWID\b/g, '');
