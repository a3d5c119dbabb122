import { describe, expect, it } from '@jest/globals';

import { fixedLimits } from '../../src/limits.ts';
import { addConflicts, listConflicts } from '../../src/state/conflicts.ts';
import { countDeletions, dropDeletions, dueDeletions, orderDeletions } from '../../src/state/deletions.ts';
import { markStale, readLedger, writeLedger } from '../../src/state/ledger.ts';
import {
  beginSurvey,
  copyLedger,
  dropSurveyed,
  endSurvey,
  isOwner,
  lastReport,
  noteFound,
  noteListed,
  surveyPage,
} from '../../src/state/survey.ts';
import { orderWanted, unaskedWanted, noteAsked, settleWanted, wantedAmong } from '../../src/state/wanted.ts';
import { backends } from './backends.ts';

const states = await backends();

const patients = { direction: 'up', type: 'Patient' } as const;
const first = { ...patients, run: 'first' };
const second = { ...patients, run: 'second' };
const write = (key: string, digest = 'd'): { key: string; digest: string; epoch: number; version: string } => ({
  key,
  digest,
  epoch: 1,
  version: '3',
});

describe.each(states)('a survey, on $name', ({ withState }) => {
  it('begins with what should be in the target of its stream, page by page', async () => {
    await withState(async (db) => {
      const others = [write('Patient/deleted', ''), write('Encounter/e')];
      await writeLedger(db, 'up', [write('Patient/a'), write('Patient/b'), write('Patient/c'), ...others]);
      await writeLedger(db, 'down', [write('Patient/d')]);
      await beginSurvey(db, first);
      expect(await copyLedger(db, first, '', 2)).toEqual(['Patient/a', 'Patient/b']);
      expect(await copyLedger(db, first, 'Patient/b', 2)).toEqual(['Patient/c']);
      expect(await copyLedger(db, first, 'Patient/c', 2)).toEqual([]);
      expect(await surveyPage(db, first, 'Patient/a', 1)).toEqual([
        { key: 'Patient/b', digest: 'd', version: '3', listed: null, found: '', sourceId: null },
      ]);
    });
  });

  it('joins what target and source say of a key, whether it was known or not', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [write('Patient/a')]);
      await beginSurvey(db, first);
      await copyLedger(db, first, '', 9);
      await noteListed(db, first, new Map([['Patient/a', '4'], ['Patient/b', '5']])); // prettier-ignore
      const sourceId = Buffer.from('sealed');
      await noteFound(db, first, [
        { key: 'Patient/a', found: 'e', sourceId },
        { key: 'Patient/c', found: 'f', sourceId: null },
      ]);
      expect(await surveyPage(db, first, '', 9)).toMatchObject([
        { key: 'Patient/a', digest: 'd', listed: '4', found: 'e' },
        { key: 'Patient/b', digest: '', listed: '5', found: '' },
        { key: 'Patient/c', digest: '', listed: null, found: 'f' },
      ]);
      expect(await dropSurveyed(db, first, ['Patient/a', 'Patient/x'])).toBe(1);
    });
  });

  it('belongs to the newest: what an older one writes after that is not in it', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [write('Patient/a')]);
      await beginSurvey(db, first);
      await copyLedger(db, first, '', 9);
      await beginSurvey(db, second);
      expect([await isOwner(db, first), await isOwner(db, second)]).toEqual([false, true]);
      await noteListed(db, first, new Map([['Patient/a', '9']]));
      await copyLedger(db, second, '', 9);
      expect(await surveyPage(db, second, '', 9)).toMatchObject([{ key: 'Patient/a', listed: null }]);
      await endSurvey(db, first, { of: 'first' }, 5);
      expect(await lastReport(db, patients)).toBeUndefined();
      await endSurvey(db, second, { of: 'second' }, 6);
      expect(await lastReport(db, patients)).toEqual({ atMs: 6, report: { of: 'second' } });
      await beginSurvey(db, first);
      // A comparison that has begun does not hide the last one that came to an end.
      expect(await lastReport(db, patients)).toEqual({ atMs: 6, report: { of: 'second' } });
      expect(await db.selectFrom('survey').selectAll().execute()).toEqual([]);
    });
  });
});

describe.each(states)('deletions, on $name', ({ withState }) => {
  it('are due as long as nobody has written the resource since', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [write('Patient/a'), write('Patient/b'), write('Patient/gone', '')]);
      const found = ['a', 'b', 'gone', 'never'].map((id) => ({ key: `Patient/${id}`, digest: id < 'c' ? 'd' : '' }));
      await orderDeletions(db, patients, found);
      // Deleted by this site, and there all the same: nothing may take the delete for done.
      expect((await readLedger(db, 'up', ['Patient/gone'])).size).toBe(0);
      await writeLedger(db, 'up', [write('Patient/b', 'newer'), write('Patient/never', 'new')]);
      expect(await dueDeletions(db, patients, 1)).toEqual(['Patient/a']);
      expect(await dueDeletions(db, patients, 9)).toEqual(['Patient/a', 'Patient/gone']);
      expect(await countDeletions(db, patients)).toBe(2);
      await dropDeletions(db, 'up', ['Patient/a', 'Patient/gone']);
      expect(await dueDeletions(db, patients, 9)).toEqual([]);
    });
  });
});

describe.each(states)('what is to be written again, on $name', ({ withState }) => {
  it('equals no digest, is still known to be there, and a deleted one stays deleted', async () => {
    await withState(async (db) => {
      await writeLedger(db, 'up', [write('Patient/a'), write('Patient/b', '')]);
      await markStale(db, 'up', ['Patient/a', 'Patient/b']);
      const ledger = await readLedger(db, 'up', ['Patient/a', 'Patient/b']);
      expect(ledger.get('Patient/a')).toEqual({ digest: '!', epoch: 1, version: '' });
      expect(ledger.get('Patient/b')?.digest).toBe('');
    });
  });

  it('is asked for also where it was asked for before', async () => {
    await withState(async (db) => {
      const wanted = [{ key: 'Patient/a', sourceId: Buffer.from('one') }];
      await orderWanted(db, patients, wanted);
      await noteAsked(db, patients, ['Patient/a'], 'batch');
      await settleWanted(db, 'up', 'batch');
      expect(await wantedAmong(db, 'up', ['Patient/a', 'Patient/b'])).toEqual(new Map([['Patient/a', 'done']]));
      await orderWanted(db, patients, wanted);
      expect(await wantedAmong(db, 'up', ['Patient/a'])).toEqual(new Map([['Patient/a', 'pending']]));
      expect(await unaskedWanted(db, patients, 9)).toHaveLength(1);
    });
  });
});

describe.each(states)('conflicts, on $name', ({ withState }) => {
  it('are listed by type, newest first, and the oldest are forgotten beyond a bound', async () => {
    await withState(async (db) => {
      const conflict = (key: string, foundMs: number) => ({ direction: 'up', key, kind: 'edited', foundMs }) as const;
      await addConflicts(db, [conflict('Patient/a', 1), conflict('Encounter/e', 2), conflict('Patient/a', 3)]);
      await addConflicts(db, [conflict('Patient/a', 3)]);
      expect((await listConflicts(db, 'up', [], 9)).map(({ foundMs }) => foundMs)).toEqual([3, 2, 1]);
      expect(await listConflicts(db, 'up', ['Patient'], 1)).toEqual([conflict('Patient/a', 3)]);
      expect(await listConflicts(db, 'down', [], 9)).toEqual([]);
      const many = Array.from({ length: fixedLimits.conflictsKeptMax }, (_, n) => conflict(`Patient/p${n}`, 10 + n));
      await addConflicts(db, many);
      const rows = await db.selectFrom('conflicts').select('found_ms').execute();
      expect(rows).toHaveLength(fixedLimits.conflictsKeptMax);
      expect(Math.min(...rows.map(({ found_ms }) => found_ms))).toBe(10);
    });
  });
});
