/** A second opinion is worth something only where it is formed by other means. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const source = join(import.meta.dirname, '../../../src');
const folder = join(source, 'deid/check');

/** Modules that a file loads when it runs: types leave nothing behind. */
function loads(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)';/gms);
  return [...statements].flatMap(([, path = '']) => (path.startsWith('.') ? [join(dirname(file), path)] : []));
}

/** What the check may share with the engine: the policy, R4's types, parsed paths, forms of text, and constants. */
const shared = [
  /^fhir\/resource\.ts$/,
  /^deid\/engine\.ts$/,
  /^deid\/r4\/model\.ts$/,
  /^deid\/path\/path\.ts$/,
  /^deid\/policy\/document\.ts$/,
  /^deid\/presets\/zip3\.ts$/,
  /^deid\/guard\/patterns\.ts$/,
  // The function that makes pseudonyms: its result is compared, not its use.
  /^deid\/(?:keys|pseudonym)\.ts$/,
  /^deid\/check\//,
];

describe('the output check', () => {
  const files = readdirSync(folder).map((name) => join(folder, name));

  it('loads nothing of the plan, the walk or the methods', () => {
    // The way down has no plan and no walk; its check shares the look for forbidden keys.
    const own = files.filter((file) => !file.endsWith('check-down.ts'));
    const loaded = new Set(own.flatMap(loads).map((file) => relative(source, file)));
    expect([...loaded].filter((file) => !shared.some((form) => form.test(file)))).toEqual([]);
  });

  it('has no type of theirs either, but for the compiled policy', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    expect(text).not.toMatch(/from '\.\.\/(?:plan|walk|methods)\//);
    expect(text.match(/from '\.\.\/compiled\.ts'/g)?.length).toBeGreaterThan(0);
  });

  it('does not load them by a detour', () => {
    const seen = new Set<string>();
    const pending = [...files];
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      pending.push(...loads(file));
    }
    const reached = [...seen].map((file) => relative(source, file));
    expect(reached.filter((file) => /^deid\/(?:plan|walk|methods)\//.test(file))).toEqual([]);
    expect(reached).toContain('deid/r4/model.ts');
  });
});
