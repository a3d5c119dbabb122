/**
 * The shortest way from one list of lines to another. Source: Myers, 'An O(ND) Difference Algorithm and Its Variations',
 * Algorithmica 1, 1986; its greedy form.
 */

export type Edit =
  | { readonly kind: 'same'; readonly line: string }
  | { readonly kind: 'gone'; readonly line: string }
  | { readonly kind: 'new'; readonly line: string };

/** Beyond this many edits two lists have little in common, and the search would take long: all of one, all of the other. */
const editsMax = 1000;

export function edits(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end += 1;
  }
  const same = (lines: readonly string[]): Edit[] => lines.map((line) => ({ kind: 'same', line }));
  return [
    ...same(before.slice(0, start)),
    ...between(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function between(before: readonly string[], after: readonly string[]): Edit[] {
  const rows = search(before, after);
  if (rows === undefined) {
    return [
      ...before.map((line): Edit => ({ kind: 'gone', line })),
      ...after.map((line): Edit => ({ kind: 'new', line })),
    ];
  }
  return walkBack(before, after, rows);
}

/** For each count of edits the furthest place in `before` on each diagonal; undefined where it takes too many. */
function search(before: readonly string[], after: readonly string[]): Map<number, number>[] | undefined {
  const rows: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let count = 0; count <= Math.min(before.length + after.length, editsMax); count++) {
    rows.push(furthest);
    const next = new Map(furthest);
    for (let diagonal = -count; diagonal <= count; diagonal += 2) {
      let x = startOn(furthest, diagonal, count);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return rows;
    }
    furthest = next;
  }
  return undefined;
}

const at = (places: ReadonlyMap<number, number>, diagonal: number): number => places.get(diagonal) ?? -1;

/** Whether the last edit that led to a diagonal put in a line of `after`. */
const cameDown = (places: ReadonlyMap<number, number>, diagonal: number, count: number): boolean =>
  diagonal === -count || (diagonal !== count && at(places, diagonal - 1) < at(places, diagonal + 1));

const startOn = (places: ReadonlyMap<number, number>, diagonal: number, count: number): number =>
  cameDown(places, diagonal, count) ? at(places, diagonal + 1) : at(places, diagonal - 1) + 1;

function walkBack(before: readonly string[], after: readonly string[], rows: readonly Map<number, number>[]): Edit[] {
  const found: Edit[] = [];
  let [x, y] = [before.length, after.length];
  for (let count = rows.length - 1; count >= 0; count--) {
    const places = rows[count] ?? new Map<number, number>();
    const diagonal = x - y;
    const isDown = cameDown(places, diagonal, count);
    const start = count === 0 ? 0 : startOn(places, diagonal, count);
    while (x > start && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      found.push({ kind: 'same', line: before[x] ?? '' });
    }
    if (count === 0) break;
    if (isDown) {
      y -= 1;
      found.push({ kind: 'new', line: after[y] ?? '' });
    } else {
      x -= 1;
      found.push({ kind: 'gone', line: before[x] ?? '' });
    }
  }
  return found.reverse();
}
