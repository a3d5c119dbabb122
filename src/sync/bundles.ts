/**
 * The plan of a batch's transactions: dependency order, strongly connected sets whole, bounded by entries and
 * bytes. Pure and deterministic: every attempt of a batch makes the same plan.
 */
import { components } from './scc.ts';

/** One write, by its place in the batch. */
export interface PlanItem {
  readonly key: string;
  /** `delete`s need nothing. */
  readonly method: 'PUT' | 'DELETE';
  /** Bytes of the entry in a Bundle. */
  readonly bytes: number;
  /** Keys that must stand in the target first; those not in the batch are there already. */
  readonly needs: readonly string[];
}

export interface BundleBounds {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** One transaction: sets of items (by index) that stay together, in the order in which the server shall run them. */
export interface PlannedBundle {
  readonly sets: readonly (readonly number[])[];
  /** Bundles of one level do not depend on each other; a level waits for those before it. */
  readonly level: number;
}

/** A strongly connected set that fits into no transaction: its items, to be quarantined. */
export interface BundlePlan {
  readonly bundles: readonly PlannedBundle[];
  readonly tooLarge: readonly number[];
}

/**
 * Plans the transactions of a batch. Within one, entries run in order, so a target may stand before what refers to it;
 * deletes come after all puts, since what they remove may just have been unlinked.
 */
export function planBundles(items: readonly PlanItem[], bounds: BundleBounds): BundlePlan {
  const puts: number[] = [];
  const deletes: number[] = [];
  items.forEach((item, index) => (item.method === 'PUT' ? puts : deletes).push(index));
  const { sets, tooLarge } = orderedSets(items, puts, bounds.bytesMax);
  const packed = pack(items, [...sets, ...deletes.map((index) => [index])], bounds);
  return { bundles: withLevels(items, packed), tooLarge };
}

/** Strongly connected sets, targets first; those that exceed `bytesMax`, and what needs them, are set apart. */
function orderedSets(
  items: readonly PlanItem[],
  puts: readonly number[],
  bytesMax: number,
): { sets: number[][]; tooLarge: number[] } {
  const nodeOf = new Map(puts.map((item, node) => [items[item]?.key ?? '', node]));
  const edges = puts.map((item) => (items[item]?.needs ?? []).flatMap((need) => nodeOf.get(need) ?? []));
  const levelOf = new Int32Array(puts.length);
  const byLevel: number[][][] = [];
  const tooLarge: number[] = [];
  const refused = new Set<number>();
  for (const nodes of components(puts.length, (node) => edges[node] ?? [])) {
    const members = new Set(nodes);
    const outside = nodes.flatMap((node) => (edges[node] ?? []).filter((target) => !members.has(target)));
    const set = nodes.map((node) => puts[node] ?? 0).sort((a, b) => a - b);
    if (bytesOf(items, set) > bytesMax || outside.some((target) => refused.has(target))) {
      for (const node of nodes) refused.add(node);
      tooLarge.push(...set);
      continue;
    }
    const level = outside.reduce((highest, target) => Math.max(highest, (levelOf[target] ?? 0) + 1), 0);
    for (const node of nodes) levelOf[node] = level;
    (byLevel[level] ??= []).push(set);
  }
  return { sets: byLevel.flat(), tooLarge };
}

/** Fills bundles with sets in order, so that the plan does not depend on anything but the items. */
function pack(items: readonly PlanItem[], sets: Sets, bounds: BundleBounds): Sets[] {
  const bundles: Sets[] = [];
  let open: (readonly number[])[] = [];
  let openEntries = 0;
  let openBytes = 0;
  for (const set of sets) {
    const bytes = bytesOf(items, set);
    const full = openEntries + set.length > bounds.entriesMax || openBytes + bytes > bounds.bytesMax;
    if (openEntries > 0 && full) {
      bundles.push(open);
      open = [];
      openEntries = openBytes = 0;
    }
    open.push(set);
    openEntries += set.length;
    openBytes += bytes;
  }
  if (open.length > 0) bundles.push(open);
  return bundles;
}

/** A bundle's level is above those of all bundles that hold what it needs; deletes are above everything. */
function withLevels(items: readonly PlanItem[], packed: readonly Sets[]): PlannedBundle[] {
  const levelOf = new Map<string, number>();
  let highestPut = -1;
  return packed.map((sets) => {
    const inside = sets.flat().flatMap((index) => items[index] ?? []);
    const own = new Set(inside.map((item) => item.key));
    const needs = inside.flatMap((item) => item.needs.filter((need) => !own.has(need)));
    const deletes = inside.some((item) => item.method === 'DELETE');
    const level = deletes
      ? highestPut + 1
      : needs.reduce((above, need) => Math.max(above, (levelOf.get(need) ?? -1) + 1), 0);
    for (const key of own) levelOf.set(key, level);
    // Deletes wait for all puts, not for each other.
    if (inside.some((item) => item.method === 'PUT')) highestPut = Math.max(highestPut, level);
    return { sets, level };
  });
}

type Sets = readonly (readonly number[])[];

const bytesOf = (items: readonly PlanItem[], set: readonly number[]): number =>
  set.reduce((sum, index) => sum + (items[index]?.bytes ?? 0), 0);
