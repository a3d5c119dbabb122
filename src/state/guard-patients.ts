/** Whom the leak guard knows, and how much of each; the words themselves are in guard-words.ts. */
import { fixedLimits } from '../limits.ts';
import { chunksOf, type Database } from './database.ts';

/** When hashes were made, and under which version of the key. */
export interface HashesOf {
  readonly keyVersion: number;
  readonly nowMs: number;
}

/** Patients in groups whose known words are together in memory without filling it. Each patient once. */
export async function* patientGroups(db: Database, patients: Iterable<string>): AsyncGenerator<string[]> {
  for (const chunk of chunksOf([...new Set(patients)])) {
    const sizes = await wordCounts(db, chunk);
    let group: string[] = [];
    let words = 0;
    for (const patient of chunk) {
      const size = sizes.get(patient) ?? 0;
      if (group.length > 0 && words + size > fixedLimits.guardReadWordsMax) {
        yield group;
        group = [];
        words = 0;
      }
      group.push(patient);
      words += size;
    }
    if (group.length > 0) yield group;
  }
}

/** How many words are known of some patients; those of whom nothing is known are left out. */
export async function wordCounts(db: Database, patients: readonly string[]): Promise<Map<string, number>> {
  return new Map((await patientRows(db, patients)).map((row) => [row.patient, row.words]));
}

/** Notes that something of these patients is about to be committed. Whatever words come from now on come late. */
export async function noteOutput(db: Database, input: HashesOf, patients: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(patients)) {
    await db
      .insertInto('guard_patients')
      .values(chunk.map((patient) => ({ ...newRow(input, patient), has_output: 1 })))
      .onConflict((conflict) =>
        conflict.column('patient').doUpdateSet({ has_output: 1 }).where('guard_patients.has_output', '=', 0),
      )
      .execute();
  }
}

/** Forgets hashes under other keys: no output is compared with them any more. */
export async function forgetOtherKeys(tx: Database, keyVersion: number): Promise<void> {
  const others = tx.selectFrom('guard_patients').select('patient').where('key_version', '!=', keyVersion);
  await tx.deleteFrom('guard_words').where('patient', 'in', others).execute();
  await tx.deleteFrom('guard_patients').where('key_version', '!=', keyVersion).execute();
}

/** A row of the table, as it is read and written. */
export type PatientRow = Awaited<ReturnType<typeof patientRows>>[number];

export const newRow = ({ keyVersion, nowMs }: HashesOf, patient: string): PatientRow => ({
  patient,
  key_version: keyVersion,
  words: 0,
  overflowed: 0,
  has_output: 0,
  updated_ms: nowMs,
});

export async function patientRows(db: Database, patients: readonly string[]) {
  const rows = [];
  for (const chunk of chunksOf(patients)) {
    rows.push(...(await db.selectFrom('guard_patients').selectAll().where('patient', 'in', chunk).execute()));
  }
  return rows;
}

export async function writeRows(tx: Database, rows: readonly PatientRow[]): Promise<void> {
  for (const chunk of chunksOf(rows)) {
    await tx
      .insertInto('guard_patients')
      .values([...chunk])
      .onConflict((conflict) =>
        conflict.column('patient').doUpdateSet((eb) => ({
          key_version: eb.ref('excluded.key_version'),
          words: eb.ref('excluded.words'),
          overflowed: eb.ref('excluded.overflowed'),
          updated_ms: eb.ref('excluded.updated_ms'),
        })),
      )
      .execute();
  }
}
