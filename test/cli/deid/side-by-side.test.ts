/** The difference of two texts: the shortest, and shown beside each other. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { edits } from '../../../src/cli/deid/edits.ts';
import { inR4Order } from '../../../src/cli/deid/r4-order.ts';
import { sideBySide } from '../../../src/cli/deid/side-by-side.ts';

/** Length of the longest common subsequence, by the textbook. */
function common(one: readonly string[], other: readonly string[]): number {
  let row = Array<number>(other.length + 1).fill(0);
  for (const line of one) {
    const next = [0];
    for (const [at, against] of other.entries()) {
      next.push(line === against ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!));
    }
    row = next;
  }
  return row.at(-1)!;
}

describe('edits', () => {
  it('lead from one list to the other in as few steps as can be', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const found = edits(before, after);
        expect(found.filter(({ kind }) => kind !== 'new').map(({ line }) => line)).toEqual(before);
        expect(found.filter(({ kind }) => kind !== 'gone').map(({ line }) => line)).toEqual(after);
        expect(found.filter(({ kind }) => kind === 'same')).toHaveLength(common(before, after));
      }),
    );
  });
});

describe('side by side', () => {
  it('shows what is gone to the left, what is new to the right, and what changed in one row', () => {
    const text = sideBySide('a\nb\nc\nd', 'a\nB\nd\ne', { width: 43, colour: false });
    expect(text.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'a │ a',
      'b | B',
      'c <',
      'd │ d',
      ' > e',
    ]);
  });

  it('cuts long lines, and lets no data command the terminal', () => {
    const text = sideBySide(`x${'y'.repeat(90)}`, '\u001B[2Jz', { width: 43, colour: true });
    expect(text).toContain('yyy…');
    for (const piece of text.split('\u001B').slice(1)) expect(piece).toMatch(/^\[(31|32|0)m/);
  });
});

describe('R4’s order', () => {
  it('is that of the definitions, with siblings behind their values and unknown keys last', () => {
    const ordered = inR4Order({
      zzz: 1,
      name: [{ given: ['A'], family: 'B', _family: { id: 'x' } }],
      id: '1',
      gender: 'male',
      resourceType: 'Patient',
      aaa: 2,
    });
    expect(Object.keys(ordered as object)).toEqual(['resourceType', 'id', 'name', 'gender', 'aaa', 'zzz']);
    expect(JSON.stringify(ordered)).toContain('{"family":"B","_family":{"id":"x"},"given":["A"]}');
  });
});
