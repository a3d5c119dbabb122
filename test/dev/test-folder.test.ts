/** Where a run of the tests keeps its files. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { makeTestFolder } from '../../dev/test-folder.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-test-folder-'));
});
afterEach(() => {
  rmSync(parent, { recursive: true });
});

it('is made where it is said, may be passed through by others but not listed, and goes with all that is in it', () => {
  const folder = makeTestFolder(parent);
  const [name] = readdirSync(parent);
  const whole = join(parent, name!);
  expect(folder.path).toBe(whole);
  expect([folder.temporary, folder.compiled, folder.report].map(dirname)).toEqual([whole, whole, whole]);
  for (const path of [whole, folder.temporary]) expect(statSync(path).mode & 0o777).toBe(0o711);
  writeFileSync(join(folder.temporary, 'left behind'), '');
  folder.remove();
  expect(readdirSync(parent)).toEqual([]);
});

it.each([
  ['is not there', () => join(parent, 'no such folder')],
  ['has no room', () => '/proc'],
])('is made among the temporary files where memory %s', (_what, memory) => {
  const folder = makeTestFolder(undefined, memory());
  expect(dirname(folder.path)).toBe(tmpdir());
  folder.remove();
  expect(existsSync(folder.path)).toBe(false);
});

it('is made in memory where programs can be started in there, and nothing but the folder is', () => {
  const folder = makeTestFolder(undefined, parent);
  expect(readdirSync(parent).map((name) => join(parent, name))).toEqual([folder.path]);
  folder.remove();
});
