/** Which of a batch can be committed now, and which parked resources can go with it: the closure over their references. */
import { type Candidate, closure, type Closure } from '../sync/closure.ts';
import { chunksOf, type Database } from './database.ts';
import { type LedgerEntry, readLedger } from './ledger.ts';
import {
  anyClaimed,
  countParked,
  insertParked,
  type ParkCandidate,
  type ParkInput,
  releaseClaims,
  removeParked,
} from './parked.ts';
import { releaseFromQuarantine } from './quarantine.ts';
import type { Direction } from './tables.ts';

export interface Resolution {
  /** Keys of the batch that may be committed now. */
  readonly ready: ReadonlySet<string>;
  /** Parked resources that may be committed with them; claimed for this batch. */
  readonly released: readonly { key: string; digest: string; bytes: number; needs: readonly string[] }[];
  readonly parked: number;
}

export interface ResolveInput extends ParkInput {
  readonly candidates: readonly ParkCandidate[];
  /** Keys that the batch settles otherwise (deleted, unchanged, refused): nothing may wait for an older state of them. */
  readonly superseded: readonly string[];
  /** Keys of which no older state that was refused is to be tried again. */
  readonly outdates: readonly string[];
  readonly parkedCountMax: number;
}

/**
 * Decides what of a batch can be committed, which parked resources can go with it, and parks
 * the rest. To be called in a transaction, so that two streams that wait for each other cannot both park and forget.
 *
 * @returns `'claimed'` where another stream is committing an older state of one of these ids right now (try later),
 *   `'full'` where parking would exceed `parkedCountMax`
 */
export async function resolveReferences(tx: Database, input: ResolveInput): Promise<Resolution | 'claimed' | 'full'> {
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
