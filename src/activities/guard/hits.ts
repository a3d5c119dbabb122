/** Which outputs the leak guard has to look through: those that may hold a word known of one of their patients. */
import type { Database } from '../../state/database.ts';
import { patientGroups } from '../../state/guard-patients.ts';
import { meetsWords, wordsOf } from '../../state/guard-words.ts';
import type { Mark } from '../../threads/marks.ts';
import { heartbeat } from '../failures.ts';

/**
 * `meets`: a known word may stand in it. `unknowable`: not all words of its patient are known, or nothing is known of
 * the output: whether one stands in it cannot be told.
 */
export type Hit = 'meets' | 'unknowable';

/** The hits among some marks, by their place in the list. An output without a mark is unknowable. */
export async function hitsAmong(db: Database, marks: readonly (Mark | undefined)[]): Promise<Map<number, Hit>> {
  const hits = new Map<number, Hit>();
  const byPatient = new Map<string, Set<number>>();
  for (const [at, mark] of marks.entries()) {
    if (mark === undefined) hits.set(at, 'unknowable');
    for (const { patient, kept } of mark ?? []) {
      if (kept.length === 0) continue;
      const others = byPatient.get(patient);
      if (others === undefined) byPatient.set(patient, new Set([at]));
      else others.add(at);
    }
  }
  for await (const group of patientGroups(db, byPatient.keys())) {
    heartbeat({ patientsCompared: group.length });
    for (const [patient, words] of await wordsOf(db, group)) {
      for (const at of byPatient.get(patient) ?? []) {
        const own = (marks[at] ?? []).filter((trace) => trace.patient === patient && trace.kept.length > 0);
        if (words.isOverflowed) hits.set(at, 'unknowable');
        else if (!hits.has(at) && own.some(({ kept }) => meetsWords(kept, words))) hits.set(at, 'meets');
      }
    }
  }
  return hits;
}

/** Everybody whose data stands in some outputs. */
export const patientsOf = (marks: readonly (Mark | undefined)[]): string[] => [
  ...new Set(marks.flatMap((mark) => (mark ?? []).map(({ patient }) => patient))),
];
