/** The site's state behind gates: before and after each transaction and query, and at each statement within one. */
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

type Run = <Result>(query: () => Promise<Result>) => Promise<Result>;

const starters = new Set(['selectFrom', 'insertInto', 'updateTable', 'deleteFrom', 'replaceInto', 'mergeInto']);

export function gatedState(db: Database, gate: Gate, lock: StateLock): Database {
  const alone: Run = async (query) => {
    await gate.pass('state query before');
    const result = await lock.run(() => {
      gate.passWithin('state query');
      return query();
    });
    await gate.pass('state query after');
    return result;
  };
  const transaction = (): unknown =>
    gatedBuilder(
      db.transaction(),
      async (run) => {
        await gate.pass('state begin');
        const result = await lock.run(() => {
          gate.passWithin('state begun');
          return run();
        });
        await gate.pass('state done');
        return result;
      },
      (work: unknown) => async (tx: Database) => {
        const result = await (work as (tx: Database) => Promise<unknown>)(gatedQueries(tx, within, {}));
        gate.passWithin('state end');
        return result;
      },
    );
  const within: Run = (query) => {
    gate.passWithin('state statement');
    return query();
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
      return (...args: unknown[]) => gatedBuilder(method(...args) as object, run);
    },
  });
}

/** A query or transaction builder, and what its methods return, whose `execute…` runs by `run`. */
function gatedBuilder<Builder extends object>(
  builder: Builder,
  run: Run,
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
