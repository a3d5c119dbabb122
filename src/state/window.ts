/** The seen set of each stream's unsettled window. */
import { chunksOf, type Database } from './database.ts';
import { splitLabel } from '../sync/commit-label.ts';
import { readStream, type StreamKey } from './streams.ts';

/** One row of the seen set. Keys are keyed hashes: no source id stands in the state. */
export interface SeenRow {
  readonly rowKey: string;
  readonly idKey: string;
  /** 0 for an id whose current state was read and had no version (a delete): `atMs` is when it was read. */
  readonly version: number;
  /** `meta.lastUpdated` in milliseconds, or 0. */
  readonly atMs: number;
}

/** What the window knows of a batch's rows and ids. */
export interface WindowKnowledge {
  readonly seenRows: ReadonlySet<string>;
  /** Highest delivered version and latest time by id key. */
  readonly known: ReadonlyMap<string, { readonly version: number; readonly lastUpdatedMs: number }>;
}

/**
 * Looks rows up in the seen set: those committed, and those of the batch that is being committed right now.
 * @param inFlight - that batch, or empty
 */
export async function lookUpSeen(
  db: Database,
  stream: StreamKey,
  rows: readonly Pick<SeenRow, 'rowKey' | 'idKey'>[],
  inFlight: string,
): Promise<WindowKnowledge> {
  const seenRows = new Set<string>();
  const known = new Map<string, { version: number; lastUpdatedMs: number }>();
  const batches = inFlight === '' ? [''] : ['', inFlight];
  const idKeys = [...new Set(rows.map((row) => row.idKey))];
  for (const chunk of chunksOf(idKeys)) {
    const found = await db
      .selectFrom('seen')
      .select(['row_key', 'id_key', 'version', 'at_ms'])
      .where('direction', '=', stream.direction)
      .where('type', '=', stream.type)
      .where('id_key', 'in', chunk)
      .where('batch', 'in', batches)
      .execute();
    for (const row of found) {
      seenRows.add(row.row_key);
      const other = known.get(row.id_key) ?? { version: 0, lastUpdatedMs: 0 };
      known.set(row.id_key, {
        version: Math.max(row.version, other.version),
        lastUpdatedMs: Math.max(row.at_ms, other.lastUpdatedMs),
      });
    }
  }
  return { seenRows, known };
}

/**
 * Notes a batch's rows as pending; leftovers of batches that were given up are removed, but not those of one that is being
 * committed. From now on no other batch may be committed than this one and the one in flight: an attempt that was given up and
 * goes on may have removed what they had noted.
 */
export async function recordPending(
  db: Database,
  stream: StreamKey,
  batch: string,
  inFlight: string,
  rows: readonly SeenRow[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { openCommit } = await readStream(tx, stream);
    const committing = openCommit === undefined ? '' : splitLabel(openCommit.label)[0];
    await tx
      .deleteFrom('seen')
      .where('direction', '=', stream.direction)
      .where('type', '=', stream.type)
      .where('batch', 'not in', ['', inFlight, committing])
      .execute();
    await tx
      .deleteFrom('pending_batches')
      .where('direction', '=', stream.direction)
      .where('type', '=', stream.type)
      .execute();
    for (const one of new Set([inFlight, batch].filter((name) => name !== ''))) {
      await tx
        .insertInto('pending_batches')
        .values({ direction: stream.direction, type: stream.type, batch: one })
        .execute();
    }
    for (const chunk of chunksOf(rows)) {
      await tx
        .insertInto('seen')
        .values(
          chunk.map((row) => ({
            direction: stream.direction,
            type: stream.type,
            row_key: row.rowKey,
            id_key: row.idKey,
            version: row.version,
            at_ms: row.atMs,
            batch,
          })),
        )
        // A row that is seen already keeps its place: it must not become pending again.
        .onConflict((conflict) => conflict.columns(['direction', 'type', 'row_key']).doNothing())
        .execute();
    }
  });
}

/** Whether a batch is one of those that were fetched last. */
export async function isPending(db: Database, { direction, type }: StreamKey, batch: string): Promise<boolean> {
  const row = await db
    .selectFrom('pending_batches')
    .select('batch')
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('batch', '=', batch)
    .executeTakeFirst();
  return row !== undefined;
}

/** Rows of the unsettled window, committed ones and those in flight. */
export async function windowRows(db: Database, stream: StreamKey, settled: number): Promise<number> {
  const row = await db
    .selectFrom('seen')
    .select((eb) => eb.fn.countAll<number>().as('rows'))
    .where('direction', '=', stream.direction)
    .where('type', '=', stream.type)
    .where('version', '>', settled)
    .executeTakeFirstOrThrow();
  return row.rows;
}

/**
 * A batch was committed: its rows are seen. Forgotten is what is settled *and* so old that nothing new can have been
 * in flight together with it: a batch may end between two versions of one id that committed the other way round.
 *
 * What is new has a version above `settled`, so it began after any row of a version up to `settled` took its own; the
 * time of such a row, and of no other, says how late it is in the source. That time may be any moment of the row's
 * transaction, hence twice `settleMs`. Rows without a time are never compared and need not be kept.
 */
export async function settleSeen(
  db: Database,
  stream: StreamKey,
  batch: string,
  settled: number,
  settleMs: number,
): Promise<void> {
  await db
    .updateTable('seen')
    .set({ batch: '' })
    .where('direction', '=', stream.direction)
    .where('type', '=', stream.type)
    .where('batch', '=', batch)
    .execute();
  const newest = await db
    .selectFrom('seen')
    .select((eb) => eb.fn.max<number | null>('at_ms').as('at_ms'))
    .where('direction', '=', stream.direction)
    .where('type', '=', stream.type)
    .where('version', '>', 0)
    .where('version', '<=', settled)
    .executeTakeFirstOrThrow();
  const oldMs = (newest.at_ms ?? 0) - 2 * settleMs;
  await db
    .deleteFrom('seen')
    .where('direction', '=', stream.direction)
    .where('type', '=', stream.type)
    .where('batch', '=', '')
    .where('version', '<=', settled)
    .where((eb) => eb.or([eb('at_ms', '=', 0), eb('at_ms', '<', oldMs)]))
    .execute();
}

/** A new epoch begins: nothing has been seen. */
export async function forgetSeen(db: Database, stream: StreamKey): Promise<void> {
  await db.deleteFrom('seen').where('direction', '=', stream.direction).where('type', '=', stream.type).execute();
}
