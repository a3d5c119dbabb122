import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { advance, isDue, maturedHead, nextRead, nextWidth } from '../../src/sync/window.ts';

const at = (settled: number, delivered: number, windowRows = 0) => ({ settled, delivered, windowRows });

describe('the matured head', () => {
  it('is the newest of those seen at least so long ago', () => {
    const heads = [
      { version: 5, atMs: 0 },
      { version: 9, atMs: 100 },
      { version: 12, atMs: 101 },
    ];
    expect(maturedHead(heads, 1_100, 1_000)).toBe(9);
    expect(maturedHead(heads, 999, 1_000)).toBe(0);
    expect(maturedHead([], 1_000, 0)).toBe(0);
  });
});

describe('what is read next', () => {
  it('is nothing where all is delivered and settled', () => {
    expect(nextRead(at(9, 9), 9, 9, 10)).toEqual({ kind: 'caught-up' });
  });

  it('is nothing where what is delivered cannot settle yet', () => {
    expect(nextRead(at(4, 9), 9, 4, 10)).toEqual({ kind: 'caught-up' });
  });

  it('is the window once more, as far as it has matured', () => {
    expect(nextRead(at(4, 9), 9, 7, 10)).toEqual({ kind: 'sweep', range: { lo: 4, hi: 7 } });
    expect(nextRead(at(4, 9), 20, 15, 10)).toEqual({ kind: 'sweep', range: { lo: 4, hi: 9 } });
  });

  it('is what is new, with the window where that is small', () => {
    expect(nextRead(at(4, 9, 10), 12, 4, 10)).toEqual({ kind: 'read', range: { lo: 4, hi: 12 } });
    expect(nextRead(at(4, 9, 11), 12, 4, 10)).toEqual({ kind: 'read', range: { lo: 9, hi: 12 } });
  });

  it('is nothing where the source has gone back', () => {
    expect(nextRead(at(4, 9), 8, 9, 10)).toEqual({ kind: 'source-restored' });
  });

  it('never skips: a range begins at or below what was delivered, and is never empty', () => {
    const natural = fc.nat(30);
    fc.assert(
      fc.property(natural, natural, natural, natural, natural, (settled, more, head, matured, rows) => {
        const next = nextRead(at(settled, settled + more, rows), head, matured, 10);
        if (!('range' in next)) return;
        expect(next.range.lo === settled || next.range.lo === settled + more).toBe(true);
        expect(next.range.hi).toBeGreaterThan(next.range.lo);
        expect(next.range.hi).toBeLessThanOrEqual(head);
        expect(isDue(at(settled, settled + more), head, matured)).toBe(true);
      }),
    );
  });
});

describe('the positions after a batch', () => {
  it('settle as far as the head had matured when the range was read whole from the settled version', () => {
    expect(advance(at(4, 9), { lo: 4, hi: 12 }, 7)).toEqual({ settled: 7, delivered: 12 });
    expect(advance(at(4, 9), { lo: 4, hi: 6 }, 7)).toEqual({ settled: 6, delivered: 9 });
  });

  it('do not settle over a gap', () => {
    expect(advance(at(4, 9), { lo: 9, hi: 12 }, 12)).toEqual({ settled: 4, delivered: 12 });
  });

  it('never go back, and never settle beyond what has matured or was delivered', () => {
    const natural = fc.nat(30);
    fc.assert(
      fc.property(natural, natural, natural, natural, natural, (settled, more, lo, width, matured) => {
        const before = { settled, delivered: settled + more };
        const after = advance(before, { lo, hi: lo + width }, matured);
        expect(after.settled).toBeGreaterThanOrEqual(before.settled);
        expect(after.delivered).toBeGreaterThanOrEqual(before.delivered);
        expect(after.settled).toBeLessThanOrEqual(after.delivered);
        if (after.settled > before.settled) expect(after.settled).toBeLessThanOrEqual(matured);
      }),
    );
  });
});

describe('the width of the next range', () => {
  it('is halved where there were too many rows, down to one version', () => {
    expect(nextWidth(100, 'too-many', 50)).toBe(50);
    expect(nextWidth(1, 'too-many', 50)).toBe(1);
  });

  it('follows the density, a fourth fold at most', () => {
    expect(nextWidth(100, 100, 50)).toBe(40);
    expect(nextWidth(100, 1, 5_000)).toBe(400);
    expect(nextWidth(100, 0, 50)).toBe(400);
  });

  it('finds a width that fits, whatever the density', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000_000 }), (perVersion, first) => {
        let width = first;
        for (let step = 0; step < 40; step++) {
          const rows = width * perVersion;
          width = nextWidth(width, rows > 5_000 ? 'too-many' : rows, 5_000);
        }
        expect(width === 1 || width * perVersion <= 5_000).toBe(true);
        expect(width * perVersion).toBeGreaterThan(perVersion > 2_500 ? 0 : 1_000);
      }),
    );
  });
});
