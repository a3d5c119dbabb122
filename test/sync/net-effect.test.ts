import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { type ChangeRow, type KnownState, netEffect } from '../../src/sync/net-effect.ts';

const settleMs = 1_000;
const effects = (rows: readonly ChangeRow[], known: Record<string, KnownState> = {}) =>
  netEffect(rows, (id) => known[id], settleMs);
const row = (id: string, version: number, lastUpdatedMs: number): ChangeRow => ({ id, version, lastUpdatedMs });
const readCurrent = (id: string) => ({ kind: 'read-current', id });
const take = (id: string, index: number) => ({ kind: 'take', id, row: index });

describe('the net effect of new rows', () => {
  it('is one entry an id, in order of first appearance', () => {
    expect(effects([row('b', 2, 5_000), row('a', 1, 5_000)])).toEqual([take('b', 0), take('a', 1)]);
    expect(effects([])).toEqual([]);
  });

  it('is the newest of rows that are far apart, in whatever order they are listed', () => {
    expect(effects([row('a', 3, 9_000), row('a', 1, 1_000), row('a', 2, 5_000)])).toEqual([take('a', 0)]);
  });

  it('is read from the source where two rows may have been in flight together', () => {
    expect(effects([row('a', 1, 5_000), row('a', 2, 6_000)])).toEqual([readCurrent('a')]);
    expect(effects([row('a', 1, 5_000), row('a', 2, 6_001)])).toEqual([take('a', 1)]);
  });

  it('is read from the source where a higher version has the earlier time', () => {
    expect(effects([row('a', 1, 9_000), row('a', 2, 5_000)])).toEqual([readCurrent('a')]);
  });

  it('is read from the source where a version comes late', () => {
    expect(effects([row('a', 5, 90_000)], { a: { version: 6, lastUpdatedMs: 5_000 } })).toEqual([readCurrent('a')]);
  });

  it('is read from the source where a row is close to what was delivered', () => {
    const known = { a: { version: 4, lastUpdatedMs: 5_000 } };
    expect(effects([row('a', 5, 6_000)], known)).toEqual([readCurrent('a')]);
    expect(effects([row('a', 5, 6_001)], known)).toEqual([take('a', 0)]);
  });

  it('is read from the source where the time of what was delivered is not known', () => {
    expect(effects([row('a', 5, 90_000)], { a: { version: 4, lastUpdatedMs: 0 } })).toEqual([readCurrent('a')]);
  });

  it('is read from the source where a row has no version or no time, be it alone', () => {
    expect(effects([{ id: 'a' }])).toEqual([readCurrent('a')]);
    expect(effects([{ id: 'a', lastUpdatedMs: 5_000 }])).toEqual([readCurrent('a')]);
    expect(effects([{ id: 'a', version: 1 }])).toEqual([readCurrent('a')]);
    expect(effects([row('a', 9, 90_000), { id: 'a' }])).toEqual([readCurrent('a')]);
  });

  it('takes a row that is listed twice for one', () => {
    expect(effects([row('a', 1, 5_000), row('a', 1, 5_000)])).toEqual([take('a', 0)]);
  });

  it('takes a row only where each other row and what was delivered is older by more than the longest transaction', () => {
    const rows = fc.array(
      fc.record({
        id: fc.constantFrom('a', 'b'),
        version: fc.nat(6),
        lastUpdatedMs: fc.nat(6).map((n) => 1 + n * 400),
      }),
      { maxLength: 6 },
    );
    const state = fc.option(fc.record({ version: fc.nat(6), lastUpdatedMs: fc.nat(3_000) }), { nil: undefined });
    fc.assert(
      fc.property(rows, state, (input, known) => {
        const found = netEffect(input, () => known, settleMs);
        expect(found.map((effect) => effect.id)).toEqual([...new Set(input.map(({ id }) => id))]);
        for (const effect of found) {
          if (effect.kind !== 'take') continue;
          const taken = input[effect.row]!;
          const others: Required<ChangeRow>[] = [
            ...input.filter(({ id, version }) => id === effect.id && version !== taken.version),
          ];
          if (known !== undefined) others.push({ id: effect.id, ...known });
          for (const other of others) {
            expect(taken.version).toBeGreaterThan(other.version);
            expect(taken.lastUpdatedMs - other.lastUpdatedMs).toBeGreaterThan(settleMs);
          }
        }
      }),
    );
  });
});
