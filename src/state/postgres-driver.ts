/**
 * Kysely's way to PostgreSQL, with what the state relies on beside SQL:
 *
 * - Whatever writes takes a lock of the schema first, within its transaction, whichever process it is in. So transactions are
 *   serial, as on SQLite. `READ COMMITTED`, whatever the server's default: each statement sees what was there when it began, and
 *   behind the lock that is what was there when the transaction began.
 * - A connection on which anything has failed is thrown away: nobody has to know in which state it was left.
 * - Nothing but a `StateProblem` comes out: PostgreSQL's own errors quote values.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type Dialect,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';

import { StateProblem } from './state-problem.ts';

/** @param lock - the number of the advisory lock that whatever writes has to take */
export const serialPostgres = (pool: Pool, lock: bigint): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new SerialDriver(pool, lock),
  createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
});

class SerialDriver implements Driver {
  readonly #pool: Pool;
  readonly #lock: bigint;

  constructor(pool: Pool, lock: bigint) {
    this.#pool = pool;
    this.#lock = lock;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<SerialConnection> {
    try {
      return new SerialConnection(await this.#pool.connect(), this.#lock);
    } catch (error) {
      throw problemOf(error);
    }
  }

  beginTransaction(connection: SerialConnection): Promise<void> {
    return connection.begin();
  }

  commitTransaction(connection: SerialConnection): Promise<void> {
    return connection.commit();
  }

  rollbackTransaction(connection: SerialConnection): Promise<void> {
    return connection.rollback();
  }

  releaseConnection(connection: SerialConnection): Promise<void> {
    connection.release();
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return this.#pool.end();
  }
}

class SerialConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #lock: bigint;
  #inTransaction = false;
  #failed = false;

  constructor(client: PoolClient, lock: bigint) {
    this.#client = client;
    this.#lock = lock;
  }

  async begin(): Promise<void> {
    // One message to the server.
    await this.#send(`BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${String(this.#lock)})`);
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    await this.#send('COMMIT');
    this.#inTransaction = false;
  }

  /** Where it fails, or anything has failed before, the connection's end takes the transaction back. */
  async rollback(): Promise<void> {
    if (!this.#failed) await this.#send('ROLLBACK').catch(() => undefined);
    this.#inTransaction = false;
  }

  release(): void {
    this.#client.release(this.#failed || this.#inTransaction);
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const alone = !this.#inTransaction && query.query.kind !== 'SelectQueryNode';
    if (alone) await this.begin();
    const { command, rowCount, rows } = await this.#send(query.sql, query.parameters);
    if (alone) await this.commit();
    const writes = command === 'INSERT' || command === 'UPDATE' || command === 'DELETE';
    return { rows: rows as Row[], ...(writes && { numAffectedRows: BigInt(rowCount ?? 0) }) };
  }

  // eslint-disable-next-line require-yield -- nothing here is streamed
  async *streamQuery(): AsyncGenerator<never> {
    await Promise.reject(new StateProblem());
  }

  async #send(sql: string, parameters?: readonly unknown[]) {
    // Where a statement of it has failed, PostgreSQL would take the transaction back at its COMMIT, without a word.
    if (this.#failed) throw new StateProblem();
    try {
      return await this.#client.query(sql, parameters && [...parameters]);
    } catch (error) {
      this.#failed = true;
      throw problemOf(error);
    }
  }
}

function problemOf(error: unknown): StateProblem {
  const code = (error as { code?: unknown } | null)?.code;
  return new StateProblem(typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '');
}
