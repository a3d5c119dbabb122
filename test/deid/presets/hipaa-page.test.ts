/** docs/hipaa.md against the presets: each row is there once, and each rule that the page names is one. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { presetNames } from '../../../src/deid/policy/document.ts';
import { safeHarbor } from '../../../src/deid/presets/safe-harbor.ts';

const page = readFileSync(new URL('../../../docs/hipaa.md', import.meta.url), 'utf8');

/** Cells of the lines of the table whose first cell begins with a row's letter. */
const rows = page
  .split('\n')
  .filter((line) => /^\| [A-R] /.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, row = '', elements = '']) => ({
    row: row.charAt(0),
    paths: [...elements.matchAll(/`([^`]+)`/g)].map((m) => m[1]!),
  }));

describe('docs/hipaa.md', () => {
  it('has each row of 164.514(b)(2)(i) once, in order', () => {
    expect(rows.map(({ row }) => row)).toEqual('ABCDEFGHIJKLMNOPQR'.split(''));
  });

  it.each(rows)('names for row $row rules of safe-harbor of that row', ({ row, paths }) => {
    const ofRow = safeHarbor.rules!.flatMap(({ path, hipaa }) => (hipaa === row ? [path] : []));
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !ofRow.includes(path))).toEqual([]);
  });

  it('speaks of every preset', () => {
    expect(presetNames.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
