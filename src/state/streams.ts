/** A stream's positions and totals in the site's state. */
import type { Selectable } from 'kysely';

import type { Database } from './database.ts';
import type { Direction, FenceMode, Tables } from './tables.ts';

export interface StreamKey {
  readonly direction: Direction;
  readonly type: string;
}

/** Totals of an epoch; the parked and quarantined numbers of now are counted, not kept. */
export interface StreamCounts {
  /** Rows of `$changes` that were new. */
  readonly changes: number;
  /** Resources written to the target. */
  readonly committed: number;
  /** Resources deleted from the target. */
  readonly deleted: number;
  /** States that equalled what the target already had: not written. */
  readonly unchanged: number;
  /** Resources that the policy withheld. */
  readonly withheld: number;
}

export const noCounts: StreamCounts = { changes: 0, committed: 0, deleted: 0, unchanged: 0, withheld: 0 };

export const addCounts = (a: StreamCounts, b: StreamCounts): StreamCounts => ({
  changes: a.changes + b.changes,
  committed: a.committed + b.committed,
  deleted: a.deleted + b.deleted,
  unchanged: a.unchanged + b.unchanged,
  withheld: a.withheld + b.withheld,
});

export interface StreamPosition extends StreamKey {
  readonly epoch: number;
  readonly sequence: number;
  readonly settled: number;
  readonly delivered: number;
  readonly policy: string;
  readonly loaded: boolean;
  readonly progressAtMs: number;
  readonly currentAtMs: number;
  readonly denied: string;
  readonly counts: StreamCounts;
  /** See the table's `leftovers_from`. */
  readonly leftoversFrom: number;
  readonly openCommit: OpenCommit | undefined;
}

/** A commit that was begun: its label in fences, and its number of bundles. */
export interface OpenCommit {
  readonly label: string;
  readonly bundles: number;
  /** Lanes that its bundles go through. */
  readonly lanes: number;
  /** How it is fenced, for all of its attempts; absent before its first transaction is sent, and where an older program sent it. */
  readonly mode?: FenceMode;
  /** The attempt that plans it, or whose plan is followed; absent where an older program planned it. */
  readonly planner?: string;
  /** Whether that attempt's plan has become the commit's: all others follow it. */
  readonly planned?: boolean;
}

const fresh = (key: StreamKey): StreamPosition => ({
  ...key,
  epoch: 1,
  sequence: 0,
  settled: 0,
  delivered: 0,
  policy: '',
  loaded: false,
  progressAtMs: 0,
  currentAtMs: 0,
  denied: '',
  counts: noCounts,
  leftoversFrom: -1,
  openCommit: undefined,
});

/** The stream's position; a stream that was never touched stands at its beginning. */
export async function readStream(db: Database, key: StreamKey): Promise<StreamPosition> {
  const row = await db
    .selectFrom('streams')
    .selectAll()
    .where('direction', '=', key.direction)
    .where('type', '=', key.type)
    .executeTakeFirst();
  return row === undefined ? fresh(key) : positionOf(row);
}

/** The positions of all streams of a direction that were ever touched. */
export async function listStreams(db: Database, direction: Direction): Promise<StreamPosition[]> {
  const rows = await db.selectFrom('streams').selectAll().where('direction', '=', direction).execute();
  return rows.map(positionOf);
}

function positionOf(row: Selectable<Tables['streams']>): StreamPosition {
  const { loaded, progress_at_ms, current_at_ms, counts, leftovers_from, open_commit, ...rest } = row;
  return {
    ...rest,
    loaded: loaded === 1,
    progressAtMs: progress_at_ms,
    currentAtMs: current_at_ms,
    counts: { ...noCounts, ...(JSON.parse(counts) as Partial<StreamCounts>) },
    leftoversFrom: leftovers_from,
    openCommit: open_commit === '' ? undefined : (JSON.parse(open_commit) as OpenCommit),
  };
}

/** Writes the whole position. Call it within the transaction that makes it true. */
export async function writeStream(db: Database, position: StreamPosition): Promise<void> {
  const { direction, type, loaded, progressAtMs, currentAtMs, counts, leftoversFrom, openCommit, ...rest } = position;
  const row = {
    ...rest,
    loaded: loaded ? 1 : 0,
    progress_at_ms: progressAtMs,
    current_at_ms: currentAtMs,
    counts: JSON.stringify(counts),
    leftovers_from: leftoversFrom,
    open_commit: openCommit === undefined ? '' : JSON.stringify(openCommit),
  };
  await db
    .insertInto('streams')
    .values({ direction, type, ...row })
    .onConflict((conflict) => conflict.columns(['direction', 'type']).doUpdateSet(row))
    .execute();
}

/** Changes some fields of the position, in a transaction of its own. */
export async function updateStream(
  db: Database,
  key: StreamKey,
  change: (position: StreamPosition) => StreamPosition,
): Promise<StreamPosition> {
  return db.transaction().execute(async (tx) => {
    const next = change(await readStream(tx, key));
    await writeStream(tx, next);
    return next;
  });
}
