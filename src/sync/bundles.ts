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

/** Plans the transactions of a batch. Deletes come after all puts: what they remove may just have been unlinked. */
export function planBundles(items: readonly PlanItem[], bounds: BundleBounds): BundlePlan {
  const puts: number[] = [];
  const deletes: number[] = [];
  items.forEach((item, index) => (item.method === 'PUT' ? puts : deletes).push(index));
  const { levels, tooLarge } = levelSets(items, puts, bounds.bytesMax);
  const bundles: PlannedBundle[] = [];
  levels.forEach((sets, level) => {
    pack(items, sets, level, bounds, bundles);
  });
  pack(
    items,
    deletes.map((index) => [index]),
    levels.length,
    bounds,
    bundles,
  );
  return { bundles, tooLarge };
}

/** Strongly connected sets by dependency level; sets that exceed `bytesMax`, and what needs them, are set apart. */
function levelSets(
  items: readonly PlanItem[],
  puts: readonly number[],
  bytesMax: number,
): { levels: number[][][]; tooLarge: number[] } {
  const indexOf = new Map<string, number>();
  puts.forEach((item, node) => indexOf.set(items[item]?.key ?? '', node));
  const edges = puts.map((item) =>
    (items[item]?.needs ?? []).flatMap((need) => {
      const node = indexOf.get(need);
      return node === undefined ? [] : [node];
    }),
  );
  const levelOf = new Int32Array(puts.length);
  const levels: number[][][] = [];
  const tooLarge: number[] = [];
  const refused = new Set<number>();
  for (const set of components(puts.length, (node) => edges[node] ?? [])) {
    const members = new Set(set);
    const outside = set.flatMap((node) => (edges[node] ?? []).filter((target) => !members.has(target)));
    const bytes = set.reduce((sum, node) => sum + bytesOf(items, puts[node]), 0);
    if (bytes > bytesMax || outside.some((target) => refused.has(target))) {
      for (const node of set) {
        refused.add(node);
        tooLarge.push(puts[node] ?? 0);
      }
      continue;
    }
    const level = outside.reduce((highest, target) => Math.max(highest, (levelOf[target] ?? 0) + 1), 0);
    for (const node of set) levelOf[node] = level;
    (levels[level] ??= []).push(set.map((node) => puts[node] ?? 0).sort((a, b) => a - b));
  }
  return { levels, tooLarge };
}

/** Fills bundles with sets, first fit in order, so that the plan does not depend on anything but the items. */
function pack(
  items: readonly PlanItem[],
  sets: readonly (readonly number[])[],
  level: number,
  bounds: BundleBounds,
  bundles: PlannedBundle[],
): void {
  let open: (readonly number[])[] = [];
  let openEntries = 0;
  let openBytes = 0;
  const close = (): void => {
    if (open.length > 0) bundles.push({ sets: open, level });
    open = [];
    openEntries = openBytes = 0;
  };
  for (const set of sets) {
    const bytes = set.reduce((sum, index) => sum + bytesOf(items, index), 0);
    if (openEntries > 0 && (openEntries + set.length > bounds.entriesMax || openBytes + bytes > bounds.bytesMax))
      close();
    open.push(set);
    openEntries += set.length;
    openBytes += bytes;
  }
  close();
}

const bytesOf = (items: readonly PlanItem[], index: number | undefined): number =>
  index === undefined ? 0 : (items[index]?.bytes ?? 0);
