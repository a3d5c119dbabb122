import { chmod, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';

import { chunksOf, openDatabase, StateProblem } from '../../src/state/database.ts';
import { readStream, updateStream, writeStream } from '../../src/state/streams.ts';
import { withState } from './state-file.ts';

const patients = { direction: 'up', type: 'Patient' } as const;

describe('the state file', () => {
  it('is readable by its owner alone, and so are its folder and its journal', async () => {
    await withState(async (db, file) => {
      await updateStream(db, patients, (at) => ({ ...at, delivered: 1 }));
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(`${file}-wal`)).mode & 0o777).toBe(0o600);
      expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
    });
  });

  it('is closed to others again where somebody opened it', async () => {
    await withState(async (db, file) => {
      await db.destroy();
      await chmod(file, 0o644);
      const again = await openDatabase(file);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await again.destroy();
    });
  });

  it('keeps what it holds when it is opened again', async () => {
    await withState(async (db, file) => {
      await updateStream(db, patients, (at) => ({ ...at, delivered: 42 }));
      await db.destroy();
      for (let time = 0; time < 2; time++) {
        const again = await openDatabase(file);
        expect((await readStream(again, patients)).delivered).toBe(42);
        await again.destroy();
      }
    });
  });

  it('is left as it was by a transaction that there is no room for, and goes on when there is some', async () => {
    await withState(async (db) => {
      const rows = (count: number): { stream: string; id: string; at_ms: number }[] =>
        Array.from({ length: count }, (_, index) => ({ stream: 's', id: `m${String(index)}`.padEnd(200), at_ms: 1 }));
      const attempt = (count: number): Promise<void> =>
        db.transaction().execute(async (tx) => {
          await writeStream(tx, { ...(await readStream(tx, patients)), delivered: count });
          for (const chunk of chunksOf(rows(count), 100))
            await tx
              .insertInto('markers')
              .values([...chunk])
              .execute();
        });
      await attempt(1);
      await db.deleteFrom('markers').execute();
      // SQLite's own error of a disk that is full: no page more than there are.
      await sql`PRAGMA max_page_count = 1`.execute(db);
      await expect(attempt(5_000)).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR', errcode: 13 });
      expect((await readStream(db, patients)).delivered).toBe(1);
      expect(await db.selectFrom('markers').selectAll().execute()).toEqual([]);
      await sql`PRAGMA max_page_count = 1000000`.execute(db);
      await attempt(5_000);
      expect((await readStream(db, patients)).delivered).toBe(5_000);
    });
  });

  it('survives the loss of power: a commit waits for the disk', async () => {
    await withState(async (_, file) => {
      // The settings are the connection's own; a second connection of the program has the same.
      const again = await openDatabase(file);
      const read = async (pragma: string): Promise<unknown> => {
        const { rows } = await sql.raw<Record<string, unknown>>(`PRAGMA ${pragma}`).execute(again);
        return Object.values(rows[0] ?? {})[0];
      };
      expect(await read('synchronous')).toBe(2);
      expect(await read('journal_mode')).toBe('wal');
      expect(await read('foreign_keys')).toBe(1);
      await again.destroy();
    });
  });

  it('is refused where a newer program wrote it, and left as it is', async () => {
    await withState(async (db, file) => {
      await db.updateTable('meta').set({ value: '999' }).where('name', '=', 'schema').execute();
      await expect(openDatabase(file)).rejects.toThrow(StateProblem);
      const row = await db.selectFrom('meta').select('value').where('name', '=', 'schema').executeTakeFirstOrThrow();
      expect(row.value).toBe('999');
    });
  });

  it('is refused with a constant message where it is no database', async () => {
    await withState(async (_, file) => {
      const other = `${file}.txt`;
      await writeFile(other, 'no database, but a text of more than sixteen bytes');
      await expect(openDatabase(other)).rejects.toThrow(/^state-unavailable$/);
      await expect(openDatabase(`${other}/below/state.db`)).rejects.toThrow(/^state-unavailable$/);
    });
  });

  it('takes back a transaction that throws', async () => {
    await withState(async (db) => {
      const attempt = db.transaction().execute(async (tx) => {
        await updateWithin(tx);
        throw new Error('on purpose');
      });
      await expect(attempt).rejects.toThrow('on purpose');
      expect((await readStream(db, patients)).delivered).toBe(0);
    });
  });
});

async function updateWithin(tx: Parameters<typeof readStream>[0]): Promise<void> {
  await tx
    .insertInto('streams')
    .values({
      ...patients,
      epoch: 1,
      sequence: 1,
      settled: 1,
      delivered: 1,
      policy: '',
      loaded: 0,
      progress_at_ms: 0,
      current_at_ms: 0,
      denied: '',
      counts: '{}',
      open_commit: '',
    })
    .execute();
}

describe('chunks', () => {
  it('hold every item once, in order, within their size', () => {
    const items = Array.from({ length: 1_201 }, (_, index) => index);
    const chunks = [...chunksOf(items)];
    expect(chunks.map((chunk) => chunk.length)).toEqual([500, 500, 201]);
    expect(chunks.flat()).toEqual(items);
    expect([...chunksOf([])]).toEqual([]);
  });
});
