import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { type BundleBounds, type PlanItem, type PlannedBundle, planBundles } from '../../src/sync/bundles.ts';

const item = (key: string, needs: readonly string[] = [], bytes = 10): PlanItem => ({
  key,
  method: 'PUT',
  bytes,
  needs,
});
const gone = (key: string): PlanItem => ({ key, method: 'DELETE', bytes: 10, needs: [] });
const roomy: BundleBounds = { entriesMax: 100, bytesMax: 1_000_000 };

/** Keys of each bundle, set by set. */
const keysOf = (items: readonly PlanItem[], bounds: BundleBounds): string[] =>
  planBundles(items, bounds).bundles.map(
    ({ sets, level }) =>
      `${String(level)}: ${sets.map((set) => set.map((index) => items[index]!.key).join('+')).join(' ')}`,
  );

const batches = fc.integer({ min: 0, max: 14 }).chain((count) =>
  fc.array(
    fc.record({
      method: fc.constantFrom('PUT' as const, 'PUT' as const, 'DELETE' as const),
      bytes: fc.integer({ min: 1, max: 60 }),
      needs: fc.array(fc.nat(count), { maxLength: 2 }),
    }),
    { minLength: count, maxLength: count },
  ),
);
type Drawn = typeof batches extends fc.Arbitrary<infer Value> ? Value : never;

const itemsOf = (drawn: Drawn): PlanItem[] =>
  drawn.map(({ method, bytes, needs }, index) => ({
    key: `k${String(index)}`,
    method,
    bytes,
    needs: method === 'PUT' ? needs.map((need) => `k${String(need)}`) : [],
  }));

const bounds = fc.record({ entriesMax: fc.integer({ min: 1, max: 5 }), bytesMax: fc.integer({ min: 40, max: 150 }) });
const sum = (items: readonly PlanItem[], indices: readonly number[]): number =>
  indices.reduce((total, index) => total + items[index]!.bytes, 0);

interface Place {
  readonly level: number;
  readonly bundle: number;
  readonly set: number;
}

const placesOf = (items: readonly PlanItem[], bundles: readonly PlannedBundle[]): Map<string, Place> =>
  new Map(
    bundles.flatMap(({ sets, level }, bundle) =>
      sets.flatMap((indices, set) => indices.map((index) => [items[index]!.key, { level, bundle, set }] as const)),
    ),
  );

/** Bundles of one level are in flight together; within one the server runs entries in order. */
function precedes(first: Place, then: Place, orTogether: boolean): boolean {
  if (first.bundle !== then.bundle) return first.level < then.level;
  return first.set < then.set || (orTogether && first.set === then.set);
}

describe('the plan of transactions', () => {
  it('puts targets before what refers to them, circles in one set, deletes last', () => {
    const items = [
      gone('old'),
      item('obs', ['enc', 'pat']),
      item('enc', ['cond']),
      item('cond', ['enc', 'pat']),
      item('pat'),
    ];
    expect(keysOf(items, roomy)).toEqual(['0: pat enc+cond obs old']);
    expect(keysOf(items, { ...roomy, entriesMax: 2 })).toEqual(['0: pat', '1: enc+cond', '2: obs old']);
    expect(keysOf(items, { ...roomy, entriesMax: 1 })).toEqual(['0: pat', '1: enc+cond', '2: obs', '3: old']);
  });

  it('cuts by entries and by bytes', () => {
    const items = ['a', 'b', 'c', 'd', 'e'].map((key) => item(key));
    expect(keysOf(items, { entriesMax: 2, bytesMax: 1_000 })).toEqual(['0: a b', '0: c d', '0: e']);
    expect(keysOf(items, { entriesMax: 100, bytesMax: 30 })).toEqual(['0: a b c', '0: d e']);
  });

  it('lets a set have more entries than a transaction should, rather than part it', () => {
    const items = [item('a', ['b']), item('b', ['c']), item('c', ['a']), item('d')];
    expect(keysOf(items, { entriesMax: 2, bytesMax: 1_000 })).toEqual(['0: a+b+c', '0: d']);
  });

  it('sets apart what fits into no transaction, and all that needs it', () => {
    const items = [item('a', [], 99), item('b', ['a']), item('c'), item('d', ['b', 'c'])];
    const { bundles, tooLarge } = planBundles(items, { entriesMax: 10, bytesMax: 50 });
    expect(bundles).toEqual([{ sets: [[2]], level: 0 }]);
    expect([...tooLarge].sort()).toEqual([0, 1, 3]);
  });

  it('does not wait for what is not in the batch, nor for what it deletes', () => {
    expect(keysOf([item('a', ['elsewhere', 'old']), gone('old')], { ...roomy, entriesMax: 1 })).toEqual([
      '0: a',
      '1: old',
    ]);
    expect(planBundles([], roomy)).toEqual({ bundles: [], tooLarge: [] });
  });

  it('holds every item once, in a bundle or too large', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        const items = itemsOf(drawn);
        const { bundles, tooLarge } = planBundles(items, limits);
        const all = [...bundles.flatMap(({ sets }) => sets.flat()), ...tooLarge];
        expect(all.sort((a, b) => a - b)).toEqual(items.map((_, index) => index));
      }),
    );
  });

  it('keeps the bounds, but for the entries of a set that stands alone', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        const items = itemsOf(drawn);
        for (const { sets } of planBundles(items, limits).bundles) {
          const deletes = sets.flat().every((index) => items[index]!.method === 'DELETE');
          if (!(deletes && sets.length === 1)) expect(sum(items, sets.flat())).toBeLessThanOrEqual(limits.bytesMax);
          expect(sets.length === 1 || sets.flat().length <= limits.entriesMax).toBe(true);
        }
      }),
    );
  });

  it('has the target of each reference in an earlier level, earlier in the same transaction, or in the same set', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        const items = itemsOf(drawn);
        const { bundles, tooLarge } = planBundles(items, limits);
        const places = placesOf(items, bundles);
        const refused = new Set(tooLarge.map((index) => items[index]!.key));
        const puts = new Set(items.filter(({ method }) => method === 'PUT').map(({ key }) => key));
        for (const { key, needs } of items) {
          const here = places.get(key);
          if (here === undefined) continue;
          for (const need of needs) {
            expect(refused.has(need)).toBe(false);
            const there = places.get(need);
            if (puts.has(need) && there !== undefined) expect(precedes(there, here, true)).toBe(true);
          }
        }
      }),
    );
  });

  it('has every delete after all that is put', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        const items = itemsOf(drawn);
        const places = placesOf(items, planBundles(items, limits).bundles);
        for (const put of items.filter(({ method }) => method === 'PUT'))
          for (const gone of items.filter(({ method }) => method === 'DELETE')) {
            const there = places.get(put.key);
            if (there !== undefined) expect(precedes(there, places.get(gone.key)!, false)).toBe(true);
          }
      }),
    );
  });

  it('counts levels up from 0 without a gap, in the order in which they first appear', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        const levels = [...new Set(planBundles(itemsOf(drawn), limits).bundles.map(({ level }) => level))];
        expect(levels).toEqual(levels.map((_, index) => index));
      }),
    );
  });

  it('is the same each time', () => {
    fc.assert(
      fc.property(batches, bounds, (drawn, limits) => {
        expect(planBundles(itemsOf(drawn), limits)).toEqual(planBundles(itemsOf(drawn), limits));
      }),
    );
  });
});
