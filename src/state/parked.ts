/**
 * Parked resources: de-identified, sealed, waiting for a reference target. Parking is the instance's, not the
 * stream's: references cross types, and some sets of types refer to each other in circles. Which of them can go with a batch
 * is decided in `resolve-references.ts`.
 */
import type { Candidate } from '../sync/closure.ts';
import { chunksOf, type Database } from './database.ts';
import type { Direction } from './tables.ts';

/** A resource of the batch that is being resolved. */
export interface ParkCandidate extends Candidate {
  readonly digest: string;
  readonly bytes: number;
  /** Sealed content, asked for only where it has to be parked. */
  readonly sealedContent: () => Uint8Array;
  /** The leak guard's mark of the content, likewise; absent where no guard looks after it. */
  readonly mark?: () => Uint8Array | undefined;
}

/** Whose commit parks, and when. */
export interface ParkInput {
  readonly direction: Direction;
  readonly batch: string;
  readonly nowMs: number;
}

/** Gives claimed resources back, to be looked at again: the batch that wanted to commit them is given up. */
export async function releaseClaims(db: Database, batch: string): Promise<void> {
  await db.updateTable('parked').set({ claim: '', free: 1 }).where('claim', '=', batch).execute();
}

/** Whether one of some parked resources is being committed by another stream. */
export async function anyClaimed(tx: Database, direction: Direction, keys: readonly string[]): Promise<boolean> {
  for (const chunk of chunksOf(keys)) {
    const row = await tx
      .selectFrom('parked')
      .select('key')
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .where('claim', '!=', '')
      .executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}

/**
 * Newer states are refused: nothing older of them may be released any more.
 * @returns false, and nothing is removed, where another stream is committing one of them right now
 */
export async function supersedeParked(tx: Database, direction: Direction, keys: readonly string[]): Promise<boolean> {
  if (await anyClaimed(tx, direction, keys)) return false;
  await removeParked(tx, direction, keys);
  return true;
}

/** Removes parked resources, because a newer state takes their place or they were committed. */
export async function removeParked(db: Database, direction: Direction, keys: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(keys)) {
    await db.deleteFrom('parked').where('direction', '=', direction).where('key', 'in', chunk).execute();
  }
}

/**
 * Targets have arrived: whoever waited for them waits for one thing less, and is looked at again, be there others that
 * it waits for: two that wait for each other may have waited for nothing else. Call it in the transaction that writes
 * the targets to the ledger.
 * @returns how many parked resources are to be looked at again
 */
export async function noteArrived(tx: Database, direction: Direction, keys: readonly string[]): Promise<number> {
  if ((await countParked(tx, direction)) === 0) return 0;
  let again = 0;
  for (const chunk of chunksOf(keys)) {
    const met = await tx
      .deleteFrom('parked_needs')
      .where('direction', '=', direction)
      .where('need', 'in', chunk)
      .returning('key')
      .execute();
    for (const waiting of chunksOf([...new Set(met.map((row) => row.key))])) {
      const result = await tx
        .updateTable('parked')
        .set({ free: 1 })
        .where('direction', '=', direction)
        .where('key', 'in', waiting)
        .where('free', '=', 0)
        .executeTakeFirst();
      again += Number(result.numUpdatedRows);
    }
  }
  return again;
}

/**
 * Parks what the target refused for a missing reference. It stays claimed until the commit is noted: were a newer state
 * of it let in before, the end of this commit would take that one for what it has written.
 */
export async function park(tx: Database, input: ParkInput, candidates: readonly ParkCandidate[]): Promise<void> {
  await insertParked(tx, { ...input, claim: input.batch }, candidates);
}

/** Parks resources with what they wait for (never nothing). */
export async function insertParked(
  tx: Database,
  input: ParkInput & { readonly claim: string },
  candidates: readonly ParkCandidate[],
): Promise<void> {
  for (const candidate of candidates) {
    await tx
      .insertInto('parked')
      .values({
        direction: input.direction,
        key: candidate.key,
        type: candidate.key.slice(0, candidate.key.indexOf('/')),
        digest: candidate.digest,
        content: candidate.sealedContent(),
        bytes: candidate.bytes,
        since_ms: input.nowMs,
        batch: input.batch,
        claim: input.claim,
        guard: candidate.mark?.() ?? null,
      })
      .onConflict((conflict) =>
        conflict.columns(['direction', 'key']).doUpdateSet({ claim: input.claim, free: 0, batch: input.batch }),
      )
      .execute();
    for (const chunk of chunksOf([...new Set(candidate.needs)])) {
      await tx
        .insertInto('parked_needs')
        .values(chunk.map((need) => ({ direction: input.direction, key: candidate.key, need })))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }
}

/** Keys that a commit parked. */
export async function parkedBy(db: Database, direction: Direction, batch: string): Promise<string[]> {
  const rows = await db
    .selectFrom('parked')
    .select('key')
    .where('direction', '=', direction)
    .where('batch', '=', batch)
    .execute();
  return rows.map((row) => row.key);
}

/** Sealed content of parked resources. */
export async function readParked(
  db: Database,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .selectFrom('parked')
      .select(['key', 'content'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const row of rows) contents.set(row.key, row.content);
  }
  return contents;
}

/** Which of some keys are parked. */
export async function parkedAmong(db: Database, direction: Direction, keys: readonly string[]): Promise<Set<string>> {
  const parked = new Set<string>();
  for (const chunk of chunksOf(keys)) {
    const rows = await db
      .selectFrom('parked')
      .select('key')
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .execute();
    for (const { key } of rows) parked.add(key);
  }
  return parked;
}

/** How many resources are parked, of the whole direction or of one type. */
export async function countParked(db: Database, direction: Direction, type?: string): Promise<number> {
  let query = db
    .selectFrom('parked')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('direction', '=', direction);
  if (type !== undefined) query = query.where('type', '=', type);
  return (await query.executeTakeFirstOrThrow()).count;
}

/** Resources of a stream that have been parked since before a time: how many, and since when the oldest. */
export async function agedParked(
  db: Database,
  { direction, type }: { direction: Direction; type: string },
  beforeMs: number,
): Promise<{ readonly count: number; readonly sinceMs: number }> {
  const row = await db
    .selectFrom('parked')
    .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.min<number | null>('since_ms').as('since_ms')])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .where('since_ms', '<', beforeMs)
    .executeTakeFirstOrThrow();
  return { count: row.count, sinceMs: row.since_ms ?? 0 };
}

/** A stream begins anew: what it has parked will be read again. What another stream is committing stays with that one. */
export async function dropParked(db: Database, stream: { direction: Direction; type: string }): Promise<void> {
  await db
    .deleteFrom('parked')
    .where('direction', '=', stream.direction)
    .where('type', '=', stream.type)
    .where('claim', '=', '')
    .execute();
}
