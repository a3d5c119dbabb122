/**
 * Parked resources: de-identified, sealed, waiting for a reference target. Parking is the instance's, not the
 * stream's: references cross types, and some sets of types refer to each other in circles.
 */
import { closure, type Candidate, type Closure } from '../sync/closure.ts';
import { chunksOf, type Database } from './database.ts';
import { type LedgerEntry, readLedger } from './ledger.ts';
import { releaseFromQuarantine } from './quarantine.ts';
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

export interface Resolution {
  /** Keys of the batch that may be committed now. */
  readonly ready: ReadonlySet<string>;
  /** Parked resources that may be committed with them; claimed for this batch. */
  readonly released: readonly { key: string; digest: string; bytes: number; needs: readonly string[] }[];
  readonly parked: number;
}

export interface ResolveInput {
  readonly direction: Direction;
  readonly batch: string;
  readonly candidates: readonly ParkCandidate[];
  /** Keys that the batch settles otherwise (deleted, unchanged, refused): nothing may wait for an older state of them. */
  readonly superseded: readonly string[];
  /** Keys of which no older state that was refused is to be tried again. */
  readonly outdates: readonly string[];
  readonly nowMs: number;
  readonly parkedCountMax: number;
}

/**
 * Decides, in one transaction, what of a batch can be committed, which parked resources can go with it, and parks
 * the rest. One transaction, so that two streams that wait for each other cannot both park and forget.
 *
 * @returns `'claimed'` where another stream is committing an older state of one of these ids right now (try later),
 *   `'full'` where parking would exceed `parkedCountMax`
 */
export const resolveReferences = (db: Database, input: ResolveInput): Promise<Resolution | 'claimed' | 'full'> =>
  db.transaction().execute((tx) => resolveWithin(tx, input));

/** `resolveReferences` within a transaction. */
export async function resolveWithin(tx: Database, input: ResolveInput): Promise<Resolution | 'claimed' | 'full'> {
  await undo(tx, input.batch);
  const own = [...input.candidates.map((candidate) => candidate.key), ...input.superseded];
  if (await anyClaimed(tx, input.direction, own)) return 'claimed';
  await removeParked(tx, input.direction, own);
  await releaseFromQuarantine(tx, input.direction, input.outdates);

  const { fromParked, ledger, ready, waiting } = await settle(tx, input);
  const toPark = input.candidates.filter((candidate) => waiting.has(candidate.key));
  if (toPark.length > 0) {
    if ((await countParked(tx, input.direction)) + toPark.length > input.parkedCountMax) return 'full';
    const absent = (need: string): boolean => (ledger.get(need)?.digest ?? '') === '';
    await insertParked(
      tx,
      { ...input, claim: '' },
      toPark.map((candidate) => ({ ...candidate, needs: candidate.needs.filter(absent) })),
    );
  }
  const released = [...fromParked.values()].filter((parked) => ready.has(parked.key));
  for (const chunk of chunksOf(released.map((parked) => parked.key))) {
    await tx
      .updateTable('parked')
      .set({ claim: input.batch })
      .where('direction', '=', input.direction)
      .where('key', 'in', chunk)
      .execute();
  }
  return {
    ready: new Set(input.candidates.map((candidate) => candidate.key).filter((key) => ready.has(key))),
    released,
    parked: toPark.length,
  };
}

interface Settled extends Closure {
  readonly fromParked: ReadonlyMap<string, ParkedCandidate>;
  readonly ledger: ReadonlyMap<string, LedgerEntry>;
}

/**
 * The closure of the batch and the parked resources that are connected with it. A release round, which has no batch,
 * looks on until something can go or everything was looked at.
 */
async function settle(tx: Database, { direction, candidates }: ResolveInput): Promise<Settled> {
  const own = new Map<string, Candidate>(candidates.map((candidate) => [candidate.key, candidate]));
  for (;;) {
    const fromParked = await connectedParked(tx, direction, own);
    const all = [...own.values(), ...fromParked.values()];
    const ledger = await readLedger(
      tx,
      direction,
      all.flatMap((candidate) => candidate.needs),
    );
    const found = closure(all, (key) => (ledger.get(key)?.digest ?? '') !== '');
    const stays = [...fromParked.keys()].filter((key) => !found.ready.has(key));
    for (const chunk of chunksOf(stays)) {
      await tx
        .updateTable('parked')
        .set({ free: 0 })
        .where('direction', '=', direction)
        .where('key', 'in', chunk)
        .where('free', '=', 1)
        .execute();
    }
    if (own.size > 0 || found.ready.size > 0 || stays.length === 0) return { fromParked, ledger, ...found };
  }
}

/** An earlier attempt of this batch may have parked and claimed: begin as if it had not. */
async function undo(tx: Database, batch: string): Promise<void> {
  await tx.deleteFrom('parked').where('batch', '=', batch).where('claim', '=', '').execute();
  await releaseClaims(tx, batch);
}

/** Gives claimed resources back, to be looked at again: the batch that wanted to commit them is given up. */
export async function releaseClaims(db: Database, batch: string): Promise<void> {
  await db.updateTable('parked').set({ claim: '', free: 1 }).where('claim', '=', batch).execute();
}

async function anyClaimed(tx: Database, direction: Direction, keys: readonly string[]): Promise<boolean> {
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

interface ParkedCandidate extends Candidate {
  readonly digest: string;
  readonly bytes: number;
}

/**
 * The unclaimed parked resources that are connected with the batch: those that need something of it or that it
 * needs, and so on, and those of which a target has arrived by now, with what is connected with them.
 */
async function connectedParked(
  tx: Database,
  direction: Direction,
  candidates: ReadonlyMap<string, Candidate>,
): Promise<Map<string, ParkedCandidate>> {
  const found = new Map<string, ParkedCandidate>();
  if ((await countParked(tx, direction)) === 0) return found;
  let wanted = [...candidates.values()].flatMap((candidate) => [candidate.key, ...candidate.needs]);
  const asked = new Set(wanted);
  for (const key of await freeParked(tx, direction)) if (!asked.has(key)) wanted.push(key);
  while (wanted.length > 0) {
    const fresh: string[] = [];
    for (const row of await parkedTouching(tx, direction, wanted)) {
      if (found.has(row.key) || candidates.has(row.key)) continue;
      found.set(row.key, row);
      fresh.push(row.key, ...row.needs);
    }
    wanted = fresh.filter((key) => !asked.has(key));
    for (const key of wanted) asked.add(key);
  }
  return found;
}

/** Parked resources of which a target has arrived since they were looked at. */
async function freeParked(tx: Database, direction: Direction): Promise<string[]> {
  const rows = await tx
    .selectFrom('parked')
    .select('key')
    .where('direction', '=', direction)
    .where('free', '=', 1)
    .where('claim', '=', '')
    .limit(5_000)
    .execute();
  return rows.map((row) => row.key);
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

/** Unclaimed parked resources that are one of the keys or need one of them. */
async function parkedTouching(tx: Database, direction: Direction, keys: readonly string[]): Promise<ParkedCandidate[]> {
  const touched = new Set<string>();
  for (const chunk of chunksOf(keys)) {
    const users = await tx
      .selectFrom('parked_needs')
      .select('key')
      .distinct()
      .where('direction', '=', direction)
      .where('need', 'in', chunk)
      .execute();
    for (const key of chunk) touched.add(key);
    for (const user of users) touched.add(user.key);
  }
  const rows: ParkedCandidate[] = [];
  for (const chunk of chunksOf([...touched])) {
    const parked = await tx
      .selectFrom('parked')
      .select(['key', 'digest', 'bytes'])
      .where('direction', '=', direction)
      .where('key', 'in', chunk)
      .where('claim', '=', '')
      .execute();
    if (parked.length === 0) continue;
    const needs = await tx
      .selectFrom('parked_needs')
      .select(['key', 'need'])
      .where('direction', '=', direction)
      .where(
        'key',
        'in',
        parked.map((row) => row.key),
      )
      .execute();
    const needsOf = Map.groupBy(needs, (need) => need.key);
    for (const row of parked) rows.push({ ...row, needs: (needsOf.get(row.key) ?? []).map((need) => need.need) });
  }
  return rows;
}

/**
 * Parks what the target refused for a missing reference. It stays claimed until the commit is noted: were a newer state
 * of it let in before, the end of this commit would take that one for what it has written.
 */
export async function park(
  tx: Database,
  input: Pick<ResolveInput, 'direction' | 'batch' | 'nowMs'>,
  candidates: readonly ParkCandidate[],
): Promise<void> {
  await insertParked(tx, { ...input, claim: input.batch }, candidates);
}

/** Parks resources with what they wait for (never nothing). */
async function insertParked(
  tx: Database,
  input: Pick<ResolveInput, 'direction' | 'batch' | 'nowMs'> & { readonly claim: string },
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
