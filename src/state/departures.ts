/**
 * Departures: when this instance left the hub, by which choice, and when it came back. The newest that has not ended is what
 * keeps every worker of the site from syncing, also one that is started later.
 */
import type { Database } from './database.ts';

/** What becomes of the instance's data in the hub. */
export type LeaveChoice = 'delete' | 'keep';

/** Names, versions and counts alone. */
export interface DepartureReport {
  /** What each stream had deleted before, so that what the leaving deletes can be told. */
  readonly before: Readonly<Record<string, number>>;
  /** Versions of the keys that were in use. */
  readonly keys?: Readonly<Record<string, readonly number[]>>;
  /** Deleted from the hub, by type. */
  readonly deleted?: Readonly<Record<string, number>>;
  /** Rows that were cleared from the state, by table. */
  readonly cleared?: Readonly<Record<string, number>>;
  /** Streams whose cursor could not be told. */
  readonly unnoted?: readonly string[];
}

export interface Departure {
  readonly run: string;
  readonly data: LeaveChoice;
  readonly begunMs: number;
  /** 0 while it is going on. */
  readonly leftMs: number;
  readonly report: DepartureReport;
}

/** The departure that holds now; `undefined` where the instance syncs. */
export async function currentDeparture(db: Database): Promise<Departure | undefined> {
  const row = await db
    .selectFrom('departures')
    .selectAll()
    .where('back_ms', '=', 0)
    .orderBy('begun_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    run: row.run,
    data: row.data as LeaveChoice,
    begunMs: row.begun_ms,
    leftMs: row.left_ms,
    report: JSON.parse(row.report) as DepartureReport,
  };
}

/** Begins to leave, or goes on with it. Data that was deleted cannot be kept any more: then the choice stays. */
export async function beginDeparture(
  db: Database,
  { run, data, nowMs }: { readonly run: string; readonly data: LeaveChoice; readonly nowMs: number },
): Promise<Departure> {
  return db.transaction().execute(async (tx) => {
    const now = await currentDeparture(tx);
    if (now === undefined) {
      const report = { before: {} };
      await tx
        .insertInto('departures')
        .values({ begun_ms: nowMs, run, data, left_ms: 0, back_ms: 0, report: JSON.stringify(report) })
        .execute();
      return { run, data, begunMs: nowMs, leftMs: 0, report };
    }
    const next = { ...now, leftMs: 0, data: now.leftMs > 0 && now.data === 'delete' ? now.data : data };
    await tx
      .updateTable('departures')
      .set({ data: next.data, left_ms: 0 })
      .where('begun_ms', '=', now.begunMs)
      .execute();
    return next;
  });
}

/** Changes the report or the choice of the departure that holds, within the transaction that makes it true. */
export async function updateDeparture(
  tx: Database,
  departure: Departure,
  change: { readonly report?: Partial<DepartureReport>; readonly data?: LeaveChoice; readonly leftMs?: number },
): Promise<Departure> {
  const next: Departure = {
    ...departure,
    data: change.data ?? departure.data,
    leftMs: change.leftMs ?? departure.leftMs,
    report: { ...departure.report, ...change.report },
  };
  await tx
    .updateTable('departures')
    .set({ data: next.data, left_ms: next.leftMs, report: JSON.stringify(next.report) })
    .where('begun_ms', '=', departure.begunMs)
    .execute();
  return next;
}

/** The instance is back: it may sync again. */
export async function endDepartures(tx: Database, nowMs: number): Promise<void> {
  await tx.updateTable('departures').set({ back_ms: nowMs }).where('back_ms', '=', 0).execute();
}
