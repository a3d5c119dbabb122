import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sql } from 'kysely';

import { hashesOf, listOfHashes } from '../../src/crypto/hash-list.ts';
import { fixedLimits } from '../../src/limits.ts';
import { type Database, openDatabase } from '../../src/state/database.ts';
import { forgetOtherKeys, noteOutput, patientGroups } from '../../src/state/guard-patients.ts';
import { addWords, type AddedWords, meetsWords, wordsOf } from '../../src/state/guard-words.ts';
import { withFolder } from '../staging/folder.ts';
import { backends } from './backends.ts';
import { withState as withStateFile } from './state-file.ts';

const states = await backends();

const input = { keyVersion: 1, nowMs: 1_000 };

const add = (db: Database, words: Record<string, readonly number[]>, more: object = {}): Promise<AddedWords> => {
  const lists = new Map(Object.entries(words).map(([patient, numbers]) => [patient, listOfHashes(numbers)]));
  return db.transaction().execute((tx) => addWords(tx, { ...input, words: lists, ...more }));
};

async function known(db: Database, patient: string): Promise<number[]> {
  const { runs = [] } = (await wordsOf(db, [patient])).get(patient) ?? {};
  return runs.flatMap((run) => [...hashesOf(run)]).sort((a, b) => a - b);
}

describe.each(states)("the leak guard's words, on $name", ({ withState, withQuickState }) => {
  it('are kept for each patient, each once, whatever comes in which pieces', async () => {
    const patient = fc.constantFrom('ann', 'bob', 'eve');
    const batches = fc.array(fc.dictionary(patient, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 12 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(batches, (all) =>
        withQuickState(async (db) => {
          const model = new Map<string, Set<number>>();
          for (const batch of all) {
            let fresh = 0;
            for (const [name, words] of Object.entries(batch)) {
              const before = model.get(name) ?? new Set();
              model.set(name, new Set([...before, ...words]));
              fresh += model.get(name)!.size - before.size;
            }
            expect(await add(db, batch)).toEqual({ added: fresh, late: 0 });
            // Again, as after a crash.
            expect(await add(db, batch)).toEqual({ added: 0, late: 0 });
          }
          for (const [name, words] of model) {
            expect(await known(db, name)).toEqual([...words].sort((a, b) => a - b));
          }
          const counted = await db.selectFrom('guard_patients').select(['patient', 'words']).execute();
          for (const { patient: name, words } of counted) expect(words).toBe(model.get(name)!.size);
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('of a patient with many are in few pieces, and not written anew each time', async () => {
    await withQuickState(async (db) => {
      for (let batch = 0; batch < 200; batch++) {
        await add(db, { ann: Array.from({ length: 10 }, (_, index) => batch * 10 + index) });
      }
      expect((await known(db, 'ann')).length).toBe(2_000);
      const runs = await db
        .selectFrom('guard_words')
        .select(sql<number>`length(words)`.as('bytes'))
        .execute();
      expect(runs.length).toBeLessThan(10);
      expect(runs.length).toBeGreaterThan(1);
    });
  });

  it('beyond the bound are kept no more, and everything of that patient may hold one', async () => {
    await withState(async (db) => {
      await add(db, { ann: [1, 2, 3], bob: [4] }, { wordsMax: 4 });
      await add(db, { ann: [4, 5] }, { wordsMax: 4 });
      await add(db, { ann: [6], bob: [5] }, { wordsMax: 4 });
      const words = await wordsOf(db, ['ann', 'bob', 'eve']);
      expect(words.get('ann')?.isOverflowed).toBe(true);
      expect(await known(db, 'ann')).toEqual([1, 2, 3]);
      expect(words.get('bob')?.isOverflowed).toBe(false);
      expect(words.has('eve')).toBe(false);
    });
  });

  it('that come after output count as late, those of before do not', async () => {
    await withState(async (db) => {
      expect(await add(db, { ann: [1, 2] })).toEqual({ added: 2, late: 0 });
      await noteOutput(db, input, ['ann', 'bob']);
      await noteOutput(db, input, ['ann']);
      expect(await add(db, { ann: [2, 3], bob: [7, 8], eve: [9] })).toEqual({ added: 4, late: 3 });
      expect(await known(db, 'ann')).toEqual([1, 2, 3]);
    });
  });

  it('meet what is kept by its hashes, and what is unknown always', async () => {
    await withState(async (db) => {
      await add(db, { ann: [1, 2] });
      await add(db, { ann: [3] });
      const words = (await wordsOf(db, ['ann'])).get('ann')!;
      expect(meetsWords(listOfHashes([3, 9]), words)).toBe(true);
      expect(meetsWords(listOfHashes([9]), words)).toBe(false);
      expect(meetsWords('unknown', words)).toBe(true);
      expect(meetsWords('unknown', { runs: [], isOverflowed: false })).toBe(false);
    });
  });

  it('under another key are forgotten', async () => {
    await withState(async (db) => {
      await add(db, { old: [1] });
      await add(db, { new: [2] }, { keyVersion: 2 });
      await db.transaction().execute((tx) => forgetOtherKeys(tx, 2));
      expect([...(await wordsOf(db, ['old', 'new'])).keys()]).toEqual(['new']);
      expect(await db.selectFrom('guard_words').select('patient').execute()).toEqual([{ patient: 'new' }]);
    });
  });

  it('are read for as many patients at once as memory has room for', async () => {
    await withState(async (db) => {
      const patients = Array.from({ length: 1_100 }, (_, index) => `p${String(index)}`);
      await add(db, Object.fromEntries(patients.map((patient) => [patient, [1]])));
      await db
        .updateTable('guard_patients')
        .set({ words: fixedLimits.guardReadWordsMax })
        .where('patient', '=', 'p7')
        .execute();
      const groups: string[][] = [];
      for await (const group of patientGroups(db, [...patients, 'p0', 'stranger'])) groups.push(group);
      expect(groups.flat().sort()).toEqual([...patients, 'stranger'].sort());
      expect(groups.map((group) => group.length)).toEqual([7, 1, 492, 500, 101]);
    });
  });
});

describe("the leak guard's words in a file", () => {
  it('stand in the file as hashes alone', async () => {
    await withStateFile(async (db, file) => {
      await add(db, { ab12: [0x0102030405] });
      await db.destroy();
      expect((await readFile(file)).includes(Buffer.from([0, 1, 2, 3, 4, 5]))).toBe(true);
    });
  });
});

describe('a state file of before the leak guard', () => {
  it('is brought forward, and keeps what it holds', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'state.db');
      const db = await openDatabase(file, 1);
      await sql`INSERT INTO parked VALUES ('up', 'Observation/o', 'Observation', 'd', x'00', 1, 0, 'b', '', 0)`.execute(
        db,
      );
      await db.destroy();
      const again = await openDatabase(file);
      const rows = await again.selectFrom('parked').select(['key', 'guard']).execute();
      expect(rows).toEqual([{ key: 'Observation/o', guard: null }]);
      await add(again, { ann: [1] });
      expect(await known(again, 'ann')).toEqual([1]);
      await again.destroy();
    });
  });
});
