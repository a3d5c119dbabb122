import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { type Candidate, closure } from '../../src/sync/closure.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const candidatesOf = (needs: Readonly<Record<string, readonly string[]>>): Candidate[] =>
  Object.entries(needs).map(([key, list]) => ({ key, needs: list }));

/** The largest subset that is closed, by trying all of them. */
function bruteForce(candidates: readonly Candidate[], present: (key: string) => boolean): Set<string> {
  let best = new Set<string>();
  for (let bits = 0; bits < 2 ** candidates.length; bits++) {
    const chosen = candidates.filter((_, index) => (bits >> index) % 2 === 1);
    const offered = new Set(chosen.map(({ key }) => key));
    const closed = chosen.every(({ needs }) => needs.every((need) => offered.has(need) || present(need)));
    if (closed && offered.size > best.size) best = offered;
  }
  return best;
}

describe('the closure of references', () => {
  it('lets go what needs nothing, what the target has, and circles', () => {
    const { ready, waiting } = closure(
      candidatesOf({ a: [], b: ['present'], c: ['d'], d: ['c'], e: ['e'] }),
      (key) => key === 'present',
    );
    expect([...ready].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(waiting.size).toBe(0);
  });

  it('holds back what needs something that nobody offers, and all that needs that', () => {
    const { ready, waiting } = closure(
      candidatesOf({ a: ['b', 'x'], b: ['c', 'x'], c: ['gone', 'b'], x: [] }),
      () => false,
    );
    expect([...ready]).toEqual(['x']);
    expect(Object.fromEntries(waiting)).toEqual({ a: ['b'], b: ['c'], c: ['gone', 'b'] });
  });

  it('lets a resource that stands in the target already be held back nonetheless', () => {
    const { ready, waiting } = closure(candidatesOf({ a: ['gone'], b: ['a'] }), (key) => key === 'a');
    expect([...ready]).toEqual(['b']);
    expect(Object.fromEntries(waiting)).toEqual({ a: ['gone'] });
  });

  it('is the greatest closed set, and whoever waits knows what for', () => {
    const graphs = fc.dictionary(
      fc.constantFrom(...keys),
      fc.array(fc.constantFrom(...keys, 'gone'), { maxLength: 3 }),
      { maxKeys: 7 },
    );
    fc.assert(
      fc.property(graphs, fc.subarray(keys), (needs, targets) => {
        const candidates = candidatesOf(needs);
        const present = (key: string): boolean => targets.includes(key);
        const { ready, waiting } = closure(candidates, present);
        expect(ready).toEqual(bruteForce(candidates, present));
        expect([...ready, ...waiting.keys()].sort()).toEqual(Object.keys(needs).sort());
        for (const [key, list] of waiting) {
          expect(list.length).toBeGreaterThan(0);
          for (const need of list) {
            expect(needs[key]).toContain(need);
            expect(present(need) || ready.has(need)).toBe(false);
          }
        }
      }),
    );
  });

  it('follows chains of any length', () => {
    const count = 100_000;
    const chain = Array.from({ length: count }, (_, index) => ({ key: String(index), needs: [String(index + 1)] }));
    expect(closure(chain, () => false).waiting.size).toBe(count);
    expect(closure(chain, (key) => key === String(count)).ready.size).toBe(count);
  });
});
