/**
 * The site's state behind gates: before and after each transaction and query, and at each statement within one. Where the
 * disk is full, what writes fails as it does in the database.
 */
import type { Database } from '../../src/state/database.ts';
import type { Gate } from './gate.ts';

/**
 * One at a time over a state file. Two processes wait for each other in SQLite; two connections of one process that waited
 * so would stop it altogether.
 */
export class StateLock {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  idle(): Promise<unknown> {
    return this.#last;
  }
}

export interface GatedStateInput {
  readonly gate: Gate;
  /** Of a state file; a PostgreSQL keeps its clients apart itself, and a process may be stopped within a transaction. */
  readonly lock: StateLock | undefined;
  /** The error that a write meets now, if any. */
  readonly failure: () => Error | undefined;
}

type Run = <Result>(query: () => Promise<Result>, starter: string) => Promise<Result>;

const writers = new Set(['insertInto', 'updateTable', 'deleteFrom', 'replaceInto', 'mergeInto']);
const starters = new Set(['selectFrom', ...writers]);

export function gatedState(db: Database, { gate, lock, failure }: GatedStateInput): Database {
  const locked = <Result>(work: () => Promise<Result>): Promise<Result> =>
    lock === undefined ? work() : lock.run(work);
  const passWithin = (place: string): Promise<void> | undefined => {
    if (lock === undefined) return gate.pass(place);
    gate.passWithin(place);
    return undefined;
  };
  const ask: Run = (query, starter) => {
    const error = writers.has(starter) ? failure() : undefined;
    return error === undefined ? query() : Promise.reject(error);
  };
  const alone: Run = async (query, starter) => {
    await gate.pass('state query before');
    const result = await locked(() => {
      gate.passWithin('state query');
      return ask(query, starter);
    });
    await gate.pass('state query after');
    return result;
  };
  const transaction = (): unknown =>
    gatedBuilder(
      db.transaction(),
      async (run) => {
        await gate.pass('state begin');
        const result = await locked(() => {
          gate.passWithin('state begun');
          return run();
        });
        await gate.pass('state done');
        return result;
      },
      (work: unknown) => async (tx: Database) => {
        const result = await (work as (tx: Database) => Promise<unknown>)(gatedQueries(tx, within, {}));
        await passWithin('state end');
        return result;
      },
    );
  const within: Run = async (query, starter) => {
    await passWithin('state statement');
    return ask(query, starter);
  };
  return gatedQueries(db, alone, { transaction });
}

function gatedQueries(db: Database, run: Run, own: Readonly<Record<string, unknown>>): Database {
  return new Proxy(db, {
    get(target, name) {
      if (typeof name === 'string' && name in own) return own[name];
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (typeof name !== 'string' || !starters.has(name)) return method;
      const runOne = <Result>(query: () => Promise<Result>): Promise<Result> => run(query, name);
      return (...args: unknown[]) => gatedBuilder(method(...args) as object, runOne);
    },
  });
}

/** A query or transaction builder, and what its methods return, whose `execute…` runs by `run`. */
function gatedBuilder<Builder extends object>(
  builder: Builder,
  run: <Result>(query: () => Promise<Result>) => Promise<Result>,
  wrapWork: (work: unknown) => unknown = (work) => work,
): Builder {
  return new Proxy(builder, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (typeof name === 'string' && name.startsWith('execute'))
        return (...args: unknown[]) => run(async () => method(...args.map(wrapWork)));
      return (...args: unknown[]) => {
        const next = method(...args);
        const isBuilder = typeof next === 'object' && next !== null && 'execute' in next;
        return isBuilder ? gatedBuilder(next, run, wrapWork) : next;
      };
    },
  });
}
