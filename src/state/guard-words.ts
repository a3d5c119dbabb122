/**
 * What the leak guard knows of each patient: the words that rules removed, as keyed hashes alone. Never a word.
 *
 * New words of a patient are a run of their own beside the older ones; a run that is not much longer than those after it is
 * merged with them. So a patient with many words is not written anew for each batch, and is read in a few pieces.
 */
import { hashCount, listsMeet, mergedLists, withoutListed } from '../crypto/hash-list.ts';
import { fixedLimits } from '../limits.ts';
import { chunksOf, type Database } from './database.ts';
import { type HashesOf, newRow, type PatientRow, patientRows, writeRows } from './guard-patients.ts';

/** What is known of one patient. */
export interface KnownWords {
  /** Lists of hashes (src/crypto/hash-list.ts), oldest first. */
  readonly runs: readonly Uint8Array[];
  /** There were more than are kept: any text of this patient may hold an unknown one. */
  readonly isOverflowed: boolean;
}

export interface AddWordsInput extends HashesOf {
  /** Lists of hashes by patient. */
  readonly words: ReadonlyMap<string, Uint8Array>;
  readonly wordsMax?: number;
}

export interface AddedWords {
  /** Words that were not known before. */
  readonly added: number;
  /** Those of patients of whom something was committed before. */
  readonly late: number;
}

/**
 * Adds words; those that are known already change nothing, so it may be called again. For as many patients as
 * `patientGroups` puts together: all of their words are in memory.
 */
export async function addWords(tx: Database, input: AddWordsInput): Promise<AddedWords> {
  const patients = [...input.words.keys()];
  const rows = new Map((await patientRows(tx, patients)).map((row) => [row.patient, row]));
  const runs = await readRuns(tx, patients);
  const counts = { added: 0, late: 0 };
  const changed: PatientRow[] = [];
  const written: Run[] = [];
  for (const [patient, words] of input.words) {
    const row = rows.get(patient) ?? newRow(input, patient);
    if (row.overflowed === 1) continue;
    const known = runs.get(patient) ?? [];
    const fresh = withoutListed(
      words,
      known.map((run) => run.words),
    );
    const added = hashCount(fresh);
    if (added === 0) continue;
    counts.added += added;
    if (row.has_output === 1) counts.late += added;
    const overflowed = row.words + added > (input.wordsMax ?? fixedLimits.guardWordsPerPatientMax);
    const now = { ...row, key_version: input.keyVersion, updated_ms: input.nowMs };
    changed.push(overflowed ? { ...now, overflowed: 1 } : { ...now, words: row.words + added });
    if (!overflowed) written.push(await mergedRun(tx, patient, known, fresh));
  }
  await writeRows(tx, changed);
  for (const chunk of chunksOf(written)) {
    await tx
      .insertInto('guard_words')
      .values([...chunk])
      .onConflict((conflict) =>
        conflict.columns(['patient', 'run']).doUpdateSet((eb) => ({ words: eb.ref('excluded.words') })),
      )
      .execute();
  }
  return counts;
}

interface Run {
  readonly patient: string;
  readonly run: number;
  readonly words: Uint8Array;
}

/** The run to be written: the new words with the newer runs that are not much longer, in the place of the oldest of them. */
async function mergedRun(tx: Database, patient: string, known: readonly Run[], fresh: Uint8Array): Promise<Run> {
  const merged = [fresh];
  let bytes = fresh.length;
  let place = (known.at(-1)?.run ?? -1) + 1;
  for (const { run, words } of known.toReversed()) {
    if (words.length > 2 * bytes) break;
    merged.push(words);
    bytes += words.length;
    place = run;
  }
  if (merged.length > 2) {
    await tx.deleteFrom('guard_words').where('patient', '=', patient).where('run', '>', place).execute();
  }
  return { patient, run: place, words: mergedLists(merged) };
}

/** The words of some patients; those of whom nothing is known are left out. */
export async function wordsOf(db: Database, patients: readonly string[]): Promise<Map<string, KnownWords>> {
  const overflowed = new Set((await patientRows(db, patients)).flatMap((row) => (row.overflowed ? [row.patient] : [])));
  const runs = await readRuns(db, patients);
  const known = new Map<string, KnownWords>();
  for (const patient of new Set([...runs.keys(), ...overflowed])) {
    const lists = (runs.get(patient) ?? []).map((run) => run.words);
    known.set(patient, { runs: lists, isOverflowed: overflowed.has(patient) });
  }
  return known;
}

/** Whether something that is kept is among a patient's words; `unknown` content may hold any of them. */
export const meetsWords = (kept: Uint8Array | 'unknown', { runs }: KnownWords): boolean =>
  kept === 'unknown' ? runs.length > 0 : listsMeet(kept, runs);

/** Runs by patient, oldest first. */
async function readRuns(db: Database, patients: readonly string[]): Promise<Map<string, Run[]>> {
  const runs = new Map<string, Run[]>();
  for (const chunk of chunksOf(patients)) {
    const rows = await db
      .selectFrom('guard_words')
      .select(['patient', 'run', 'words'])
      .where('patient', 'in', chunk)
      .orderBy('patient')
      .orderBy('run')
      .execute();
    for (const row of rows) {
      const others = runs.get(row.patient);
      if (others === undefined) runs.set(row.patient, [row]);
      else others.push(row);
    }
  }
  return runs;
}
