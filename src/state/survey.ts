/**
 * The survey of a reconciliation: the ledger's keys of a stream as they were when it began, beside what the target and the
 * source say. One reconciliation of a stream owns it at a time; a newer one takes it over.
 */
import { chunksOf, type Database } from './database.ts';
import { liveLedger } from './ledger.ts';
import type { StreamKey } from './streams.ts';

/** A stream's survey, as the reconciliation that owns it names it. */
export interface Survey extends StreamKey {
  readonly run: string;
}

export interface SurveyRow {
  readonly key: string;
  readonly digest: string;
  readonly version: string;
  readonly listed: string | null;
  readonly found: string;
  readonly sourceId: Uint8Array | null;
}

/** Takes a stream's survey over, and empties it. */
export async function beginSurvey(db: Database, { direction, type, run }: Survey): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('reconciliations')
      .values({ direction, type, run, at_ms: 0, report: '' })
      .onConflict((conflict) => conflict.columns(['direction', 'type']).doUpdateSet({ run }))
      .execute();
    await tx.deleteFrom('survey').where('direction', '=', direction).where('type', '=', type).execute();
  });
}

/** Whether no newer reconciliation has taken the survey over. */
export async function isOwner(db: Database, { direction, type, run }: Survey): Promise<boolean> {
  const row = await db
    .selectFrom('reconciliations')
    .select('run')
    .where('direction', '=', direction)
    .where('type', '=', type)
    .executeTakeFirst();
  return row?.run === run;
}

/** Copies a page of the ledger. Returns its keys, in their order. */
export async function copyLedger(
  db: Database,
  { direction, type, run }: Survey,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await liveLedger(db, direction, type, after, limit);
  for (const chunk of chunksOf(rows)) {
    await db
      .insertInto('survey')
      .values(chunk.map((row) => ({ direction, type, run, ...row, listed: null, found: '', source_id: null })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return rows.map(({ key }) => key);
}

/** Notes what the target lists: versions by key. */
export async function noteListed(
  db: Database,
  { direction, type, run }: Survey,
  listed: ReadonlyMap<string, string>,
): Promise<void> {
  for (const chunk of chunksOf([...listed])) {
    await db
      .insertInto('survey')
      .values(
        chunk.map(([key, version]) => ({
          ...{ direction, type, run, key, listed: version },
          ...{ digest: '', version: '', found: '', source_id: null },
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key', 'run']).doUpdateSet((eb) => ({ listed: eb.ref('excluded.listed') })),
      )
      .execute();
  }
}

/** Notes what the source has: digests, or other findings, with sealed ids. */
export async function noteFound(
  db: Database,
  { direction, type, run }: Survey,
  rows: readonly Pick<SurveyRow, 'key' | 'found' | 'sourceId'>[],
): Promise<void> {
  for (const chunk of chunksOf(rows)) {
    await db
      .insertInto('survey')
      .values(
        chunk.map(({ key, found, sourceId }) => ({
          ...{ direction, type, run, key, found, source_id: sourceId },
          ...{ digest: '', version: '', listed: null },
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['direction', 'key', 'run'])
          .doUpdateSet((eb) => ({ found: eb.ref('excluded.found'), source_id: eb.ref('excluded.source_id') })),
      )
      .execute();
  }
}

/** The rows of some keys. */
export async function surveyed(db: Database, survey: Survey, keys: readonly string[]): Promise<Map<string, SurveyRow>> {
  const found = new Map<string, SurveyRow>();
  for (const chunk of chunksOf(keys)) {
    const rows = await ofRun(db, survey).where('key', 'in', chunk).execute();
    for (const { source_id, ...row } of rows) found.set(row.key, { ...row, sourceId: source_id });
  }
  return found;
}

/** A page of what is left, in the order of keys. */
export async function surveyPage(db: Database, survey: Survey, after: string, limit: number): Promise<SurveyRow[]> {
  const rows = await ofRun(db, survey).where('key', '>', after).orderBy('key').limit(limit).execute();
  return rows.map(({ source_id, ...row }) => ({ ...row, sourceId: source_id }));
}

const ofRun = (db: Database, { direction, type, run }: Survey) =>
  db
    .selectFrom('survey')
    .select(['key', 'digest', 'version', 'listed', 'found', 'source_id'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('run', '=', run);

/** Nothing is to be said of these. */
export async function dropSurveyed(db: Database, { direction, run }: Survey, keys: readonly string[]): Promise<number> {
  let dropped = 0;
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .deleteFrom('survey')
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .where('run', '=', run)
      .returning('key')
      .execute();
    dropped += rows.length;
  }
  return dropped;
}

/** What was begun comes to nothing. */
export async function dropSurvey(db: Database, { direction, type, run }: Survey): Promise<void> {
  await db
    .deleteFrom('survey')
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('run', '=', run)
    .execute();
}

/** The end: the survey is empty, and its report is kept. */
export async function endSurvey(db: Database, survey: Survey, report: object, nowMs: number): Promise<void> {
  const { direction, type, run } = survey;
  await db.transaction().execute(async (tx) => {
    await dropSurvey(tx, survey);
    await tx
      .updateTable('reconciliations')
      .set({ at_ms: nowMs, report: JSON.stringify(report) })
      .where('direction', '=', direction)
      .where('type', '=', type)
      .where('run', '=', run)
      .execute();
  });
}

/** The report of a stream's last reconciliation that came to an end, and when. */
export async function lastReport(
  db: Database,
  { direction, type }: StreamKey,
): Promise<{ readonly atMs: number; readonly report: unknown } | undefined> {
  const row = await db
    .selectFrom('reconciliations')
    .select(['at_ms', 'report'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('report', '!=', '')
    .executeTakeFirst();
  return row && { atMs: row.at_ms, report: JSON.parse(row.report) as unknown };
}
