/** What is PostgreSQL's own: several workers at once, lost connections, TLS, numbers. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';

import { type Database, openDatabase, StateProblem } from '../../src/state/database.ts';
import type { PostgresPlace } from '../../src/state/postgres.ts';
import { readStream, updateStream } from '../../src/state/streams.ts';
import { makeCertificate } from '../fhir/certificate.ts';
import { startPostgres } from '../support/postgres.ts';

const { certificate, key } = await makeCertificate('localhost');
const server = await startPostgres({ tls: { certificate, key } });
afterAll(() => server?.stop());

const onPostgres = server === undefined ? describe.skip : describe;
const patients = { direction: 'up', type: 'Patient' } as const;

/** Runs `work` with several connections of one site, each as of a worker of its own. */
async function withWorkers<Result>(
  count: number,
  work: (workers: Database[], place: PostgresPlace) => Promise<Result>,
): Promise<Result> {
  const place = server!.place();
  const workers: Database[] = [];
  try {
    // All at once, on a schema that is not there: one of them makes it.
    workers.push(...(await Promise.all(Array.from({ length: count }, () => openDatabase(place)))));
    return await work(workers, place);
  } finally {
    for (const worker of workers) await worker.destroy();
  }
}

const moved = (db: Database): Promise<unknown> =>
  updateStream(db, patients, (at) => ({ ...at, delivered: at.delivered + 1 }));

const setting = async (db: Database, name: string): Promise<unknown> => {
  const { rows } = await sql<{ value: string }>`SELECT current_setting(${name}) AS value`.execute(db);
  return rows[0]?.value;
};

onPostgres('workers on one PostgreSQL', () => {
  it('make its tables together when they start at once', async () => {
    await withWorkers(5, async (workers) => {
      for (const worker of workers) expect((await readStream(worker, patients)).delivered).toBe(0);
    });
  });

  it('bring an older schema forward together, and refuse a newer one', async () => {
    const place = server!.place();
    await (await openDatabase(place, 1)).destroy();
    const workers = await Promise.all([openDatabase(place), openDatabase(place), openDatabase(place)]);
    await moved(workers[0]);
    await workers[1].updateTable('meta').set({ value: '999' }).where('name', '=', 'schema').execute();
    await expect(openDatabase(place)).rejects.toThrow(/^state-unavailable$/);
    for (const worker of workers) await worker.destroy();
  });

  it('lose no change of several at once: what a transaction has read stays so until its end', async () => {
    await withWorkers(3, async (workers) => {
      await Promise.all(workers.flatMap((worker) => Array.from({ length: 20 }, () => moved(worker))));
      expect((await readStream(workers[0]!, patients)).delivered).toBe(60);
    });
  });

  it('write one after the other without a transaction, too, whatever order their rows are in', async () => {
    await withWorkers(2, async ([one, other]) => {
      const keys = Array.from({ length: 300 }, (_, index) => `m${String(index)}`);
      const write = (db: Database, ids: readonly string[]): Promise<unknown> =>
        db
          .insertInto('markers')
          .values(ids.map((id) => ({ stream: 's', id, at_ms: 1 })))
          .onConflict((conflict) => conflict.columns(['stream', 'id']).doUpdateSet({ at_ms: 2 }))
          .execute();
      await write(one!, keys);
      const turns = Array.from({ length: 10 }, () => [write(one!, keys), write(other!, keys.toReversed())]);
      await Promise.all(turns.flat());
      const rows = await one!.selectFrom('markers').select('at_ms').distinct().execute();
      expect(rows).toEqual([{ at_ms: 2 }]);
    });
  });

  it('are apart from a site in another schema', async () => {
    await withWorkers(1, async ([one]) => {
      await withWorkers(1, async ([other]) => {
        // Its transactions do not wait for those of the first.
        await one!.transaction().execute(async (tx) => {
          await moved(other!);
          expect((await readStream(tx, patients)).delivered).toBe(0);
        });
      });
    });
  });

  it('keep what they committed, and lose the lock when they are stopped', async () => {
    await withWorkers(1, async ([db]) => {
      expect(await setting(db!, 'synchronous_commit')).toBe('on');
      expect(await setting(db!, 'idle_in_transaction_session_timeout')).toBe('1min');
      expect(await setting(db!, 'statement_timeout')).toBe('1min');
    });
  });
});

onPostgres('a transaction on PostgreSQL', () => {
  it('is taken back where it throws', async () => {
    await withWorkers(1, async ([db]) => {
      const attempt = db!.transaction().execute(async (tx) => {
        await sql`INSERT INTO markers VALUES ('s', 'm', 1)`.execute(tx);
        throw new Error('on purpose');
      });
      await expect(attempt).rejects.toThrow('on purpose');
      expect(await db!.selectFrom('markers').selectAll().execute()).toEqual([]);
    });
  });

  it('fails where one of its statements has failed, though nobody heeded that', async () => {
    await withWorkers(1, async ([db]) => {
      const attempt = db!.transaction().execute(async (tx) => {
        await sql`INSERT INTO markers VALUES ('s', 'm', 1)`.execute(tx);
        await sql`INSERT INTO markers VALUES ('s', 'm', 1)`.execute(tx).catch(() => undefined);
      });
      await expect(attempt).rejects.toThrow(/^state-unavailable$/);
      expect(await db!.selectFrom('markers').selectAll().execute()).toEqual([]);
    });
  });
});

onPostgres('values in PostgreSQL', () => {
  it('come back as numbers and bytes, and are refused beyond what a number holds', async () => {
    await withWorkers(1, async ([db]) => {
      await moved(db!);
      await updateStream(db!, patients, (at) => ({ ...at, delivered: Number.MAX_SAFE_INTEGER }));
      expect((await readStream(db!, patients)).delivered).toBe(Number.MAX_SAFE_INTEGER);
      await sql`INSERT INTO guard_words VALUES ('p', 0, '\\x00ff')`.execute(db!);
      const words = await db!.selectFrom('guard_words').select('words').executeTakeFirstOrThrow();
      expect(words.words).toBeInstanceOf(Uint8Array);
      expect([...words.words]).toEqual([0, 255]);
      await sql`UPDATE streams SET delivered = 9007199254740993`.execute(db!);
      await expect(readStream(db!, patients)).rejects.toThrow(StateProblem);
    });
  });

  it('are in no error: it says its code alone', async () => {
    await withWorkers(1, async ([db]) => {
      await sql`INSERT INTO markers VALUES ('canary', 'canary', 1)`.execute(db!);
      const problem: unknown = await sql`INSERT INTO markers VALUES ('canary', 'canary', 1)`
        .execute(db!)
        .catch((error: unknown) => error);
      expect(problem).toMatchObject({ name: 'StateProblem', message: 'state-unavailable', code: '23505' });
      expect(JSON.stringify([problem, (problem as Error).stack, (problem as Error).cause])).not.toContain('canary');
    });
  });
});

onPostgres('a connection to PostgreSQL', () => {
  const refusal = (place: PostgresPlace): Promise<unknown> =>
    openDatabase(place).then(
      () => 'opened',
      (error: unknown) => error,
    );

  it('is refused where the certificate is not trusted, the password is wrong, or nobody answers', async () => {
    const place = server!.placeOf('closed');
    const other = await makeCertificate('localhost');
    expect(await refusal({ ...place, ca: other.certificate })).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(await refusal({ ...place, password: 'wrong' })).toMatchObject({ name: 'StateProblem', code: '28P01' });
    const nobody = place.url.replace(String(server!.port), '1');
    expect(await refusal({ ...place, url: nobody })).toMatchObject({ name: 'StateProblem', code: 'ECONNREFUSED' });
  });

  it('that is cut fails what was going on, and nothing else: the next one is made anew', async () => {
    await withWorkers(2, async ([db, other]) => {
      await moved(db!);
      // While nobody uses it, and between two statements of a transaction.
      await cutOthers(other!);
      await moved(db!);
      const attempt = db!.transaction().execute(async (tx) => {
        await sql`UPDATE streams SET delivered = 77`.execute(tx);
        await cutOthers(other!);
        await sql`UPDATE streams SET delivered = 78`.execute(tx);
      });
      await expect(attempt).rejects.toThrow(/^state-unavailable$/);
      expect((await readStream(db!, patients)).delivered).toBe(2);
      await moved(db!);
      expect((await readStream(db!, patients)).delivered).toBe(3);
    });
  });

  it('comes back after the server has ended and started again', async () => {
    await withWorkers(2, async ([db, other]) => {
      await moved(db!);
      await readStream(other!, patients);
      await server!.crash();
      await expect(moved(db!)).rejects.toThrow(/^state-unavailable$/);
      await expect(readStream(other!, patients)).rejects.toThrow(/^state-unavailable$/);
      await server!.restart();
      await moved(db!);
      expect((await readStream(other!, patients)).delivered).toBe(2);
    });
  });
});

/** Ends all connections but this one, and returns when they have ended and could be seen to. Takes no lock. */
async function cutOthers(db: Database): Promise<void> {
  const cut = await db
    .selectFrom(
      sql<{ ended: boolean }>`(SELECT pg_terminate_backend(pid, 10000) AS ended FROM pg_stat_activity
        WHERE application_name = 'fhir-sluice' AND pid <> pg_backend_pid())`.as('cut'),
    )
    .select('cut.ended')
    .execute();
  expect(cut.map(({ ended }) => ended)).toEqual([true]);
  await new Promise(setImmediate);
}
