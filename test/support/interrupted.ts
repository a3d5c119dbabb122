/**
 * A process of the site that can be stopped at each write: before and after each transaction of the state, and each object
 * that it stages. What it does there, the test says.
 */
import type { Parts } from '../../src/activities/parts.ts';
import type { Staging } from '../../src/staging/staging.ts';
import type { Database } from '../../src/state/database.ts';

/** Called at each of them, with their number from 0; the process goes on when it is done. */
export type AtPoint = (point: number) => Promise<void> | void;

/** Parts with points. `within` comes at the end of each transaction's work, before its commit. */
export function interrupted(parts: Parts, atPoint: AtPoint, within: AtPoint = () => undefined): Parts {
  let points = 0;
  let transactions = 0;
  const around = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await atPoint(points++);
    const result = await work();
    await atPoint(points++);
    return result;
  };
  const transaction = (db: Database) => ({
    execute: <Result>(work: (tx: Database) => Promise<Result>): Promise<Result> =>
      around(() =>
        db.transaction().execute(async (tx) => {
          const result = await work(tx);
          await within(transactions++);
          return result;
        }),
      ),
  });
  const db = withMethods(parts.db, { transaction: () => transaction(parts.db) });
  const write: Staging['write'] = (...args) => around(() => parts.staging.write(...args));
  return { ...parts, db, staging: withMethods(parts.staging, { write }) };
}

/** An object with other methods, whose own fields stay its own. */
function withMethods<Target extends object>(target: Target, methods: Readonly<Record<string, unknown>>): Target {
  return new Proxy(target, {
    get(of, name) {
      if (typeof name === 'string' && name in methods) return methods[name];
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
}

/** Stops a process at one point until it is released. */
export function stopAt(point: number): { atPoint: AtPoint; reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<undefined>();
  const open = Promise.withResolvers<undefined>();
  return {
    reached: reached.promise,
    release: () => {
      open.resolve(undefined);
    },
    atPoint: (now) => {
      if (now !== point) return undefined;
      reached.resolve(undefined);
      return open.promise;
    },
  };
}
