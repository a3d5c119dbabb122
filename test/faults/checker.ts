/** Holds a site at rest against the truth: every resource is where it should be, or in a list that says why it is not. */
import type { DescribedStream } from '../../src/activities/contract.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import type { Database } from '../../src/state/database.ts';
import { historyFaults, type HistoryInput } from './history.ts';
import { canonicalText, type Expected, type Truth } from './truth.ts';

export interface CheckInput extends HistoryInput {
  readonly direction: 'up' | 'down';
  readonly types: readonly string[];
  readonly source: Emulator;
  readonly truth: Truth;
  readonly db: Database;
  /** What carries our tag in the target. */
  readonly isOurs: (resource: Resource) => boolean;
  readonly described: readonly DescribedStream[];
}

/** Keys in the target that the target may have refused: those that were ever poisonous, and whoever goes in circles with one. */
function refusable({ source, truth, types }: CheckInput): ReadonlySet<string> {
  const states = types.flatMap((type) =>
    truth.idsOf(source, type).map((id) => ({
      key: `${type}/${truth.targetId(type, id)}`,
      all: truth.statesOf(source, type, id),
    })),
  );
  const poisonous = states.filter(({ all }) => all.some(({ flaw }) => flaw === 'poison')).map(({ key }) => key);
  const refersTo = new Map(states.map(({ key, all }) => [key, new Set(all.flatMap(({ text }) => referencesIn(text)))]));
  const reach = (from: string): Set<string> => {
    const found = new Set([from]);
    for (const key of found) for (const to of refersTo.get(key) ?? []) found.add(to);
    return found;
  };
  const allowed = new Set<string>();
  for (const key of poisonous) for (const other of reach(key)) if (reach(other).has(key)) allowed.add(other);
  return allowed;
}

const referencesIn = (text: string): string[] =>
  [...text.matchAll(/"reference":"([^"]+)"/g)].map(([, key = '']) => key);

interface Lists {
  readonly parked: ReadonlyMap<
    string,
    { readonly digest: string; readonly claim: string; readonly needs: readonly string[] }
  >;
  readonly quarantine: ReadonlyMap<string, string>;
  readonly refusable: ReadonlySet<string>;
}

/** What is wrong, in words without data; nothing where all is well. */
export async function faultsOf(input: CheckInput): Promise<string[]> {
  const lists = await readLists(input);
  const found: string[] = [];
  for (const type of input.types) {
    const known = new Set<string>();
    for (const id of input.truth.idsOf(input.source, type)) {
      const states = input.truth.statesOf(input.source, type, id);
      const targetId = input.truth.targetId(type, id);
      known.add(targetId);
      const where = `${input.direction} ${type}/${id}`;
      found.push(
        ...placeFaults(input, lists, `${type}/${targetId}`, states.at(-1)).map((fault) => `${where}: ${fault}`),
      );
      found.push(...historyFaults(input, type, targetId, states).map((fault) => `${where}: ${fault}`));
    }
    for (const resource of input.target.list(type)) {
      if (input.isOurs(resource) && !known.has(resource.id ?? '')) found.push(`${type}: a resource that nobody has`);
    }
  }
  return [...found, ...waitingFaults(input, lists), ...countFaults(input, lists), ...(await openFaults(input))];
}

async function readLists(input: CheckInput): Promise<Lists> {
  const { db, direction } = input;
  const needs = await db.selectFrom('parked_needs').selectAll().where('direction', '=', direction).execute();
  const parked = await db
    .selectFrom('parked')
    .select(['key', 'digest', 'claim'])
    .where('direction', '=', direction)
    .execute();
  const quarantine = await db
    .selectFrom('quarantine')
    .select(['key', 'reason'])
    .where('direction', '=', direction)
    .execute();
  const needsOf = Map.groupBy(needs, ({ key }) => key);
  return {
    parked: new Map(
      parked.map((row) => [row.key, { ...row, needs: (needsOf.get(row.key) ?? []).map(({ need }) => need) }]),
    ),
    quarantine: new Map(quarantine.map(({ key, reason }) => [key, reason])),
    refusable: refusable(input),
  };
}

/** Where a resource is, against where it should be. */
function placeFaults(input: CheckInput, lists: Lists, key: string, newest: Expected | undefined): string[] {
  const [type = '', id = ''] = key.split('/');
  const versions = input.target.store.versions(type, id);
  const last = versions.at(-1);
  const parked = lists.parked.get(key);
  const reason = lists.quarantine.get(key);
  const touched = last !== undefined && input.isForeign(type, last.txid);
  const text = last === undefined || last.deleted ? undefined : canonicalText(JSON.parse(last.json) as Resource);
  if (newest === undefined || newest.kind === 'deleted') {
    if (parked !== undefined) return ['deleted at the source, and still parked'];
    if (reason === 'still-referenced') return [];
    if (reason !== undefined) return [`deleted at the source, and still in quarantine (${reason})`];
    return text === undefined || touched ? [] : ['deleted at the source, and still in the target'];
  }
  if (newest.flaw === 'none' && newest.kind === 'resource') {
    if (parked !== undefined) return parked.digest === newest.digest ? [] : ['an older state is parked'];
    if (reason === 'target-refused' && lists.refusable.has(key)) return [];
    if (reason !== undefined) return [`in quarantine (${reason}), and nothing is wrong with it`];
    if (touched || text === newest.text) return [];
    return [text === undefined ? 'lost' : 'an older state is in the target'];
  }
  if (newest.flaw === 'poison' && parked?.digest === newest.digest) return [];
  if (reason === undefined) return [`should be in quarantine (${newest.flaw}), and is not`];
  return parked === undefined ? [] : ['in quarantine, and an older state is parked'];
}

/** Whoever is parked waits for something that is not there. */
function waitingFaults({ target, direction }: CheckInput, { parked }: Lists): string[] {
  const isThere = (key: string): boolean => {
    const [type = '', id = ''] = key.split('/');
    return target.read(type, id) !== undefined;
  };
  return [...parked].flatMap(([key, { needs, claim }]) => [
    ...(needs.some((need) => !isThere(need))
      ? []
      : [`${direction} ${key}: parked, and nothing it waits for is missing`]),
    ...(claim === '' ? [] : [`${direction} ${key}: parked and claimed, by nobody who is left`]),
  ]);
}

function countFaults({ described, direction }: CheckInput, { parked, quarantine }: Lists): string[] {
  return described
    .filter((stream) => stream.direction === direction)
    .flatMap(({ type, totals }) => {
      const of = (keys: Iterable<string>): number => [...keys].filter((key) => key.startsWith(`${type}/`)).length;
      const counted = [of(parked.keys()), of(quarantine.keys())];
      const told = [totals.parked, totals.quarantined];
      return String(counted) === String(told)
        ? []
        : [`${direction} ${type}: ${String(counted)} counted, ${String(told)} told`];
    });
}

async function openFaults({ db, direction }: CheckInput): Promise<string[]> {
  const open = await db
    .selectFrom('streams')
    .select('type')
    .where('direction', '=', direction)
    .where('open_commit', '!=', '')
    .execute();
  return open.map(({ type }) => `${direction} ${type}: a commit is open`);
}
