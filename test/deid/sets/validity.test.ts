/** What the presets let out of whole sets is valid R4, and nothing is withheld that need not be. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { PresetName } from '../../../src/deid/policy/document.ts';
import { deidentified, displaysOf, passed, sets, withheldCounts } from './outputs.ts';
import type { Pair } from './outputs.ts';
import { empties, newlyMissing } from './required.ts';
import { schemaErrors } from './schema.ts';

const presets: readonly PresetName[] = ['safe-harbor', 'limited-dataset', 'expert'];

/** Each finding once, with how often it occurs, so that a failure stays readable. */
function counted(findings: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const finding of findings) {
    const key = finding.replace(/\/\d+/g, '');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe.each(sets)('the set $name', (set) => {
  describe.each(presets)('under %s', (preset) => {
    let pairs: Pair[];
    beforeAll(() => {
      pairs = deidentified(set, preset);
    });

    it('passes whole: nothing is withheld', () => {
      expect(withheldCounts(pairs)).toEqual({});
    });

    it('is valid by R4’s JSON schema', () => {
      expect(counted(passed(pairs).flatMap(({ output }) => schemaErrors(output)))).toEqual({});
    });

    it('keeps every required element that was there, as a data-absent-reason at least', () => {
      expect(counted(passed(pairs).flatMap(({ source, output }) => newlyMissing(source, output)))).toEqual({});
    });

    it(`says what its codes mean: the guard masks at most ${set.maskedDisplaysMax * 100} % of their displays`, () => {
      const known = new Set(pairs.flatMap(({ source }) => displaysOf(source)));
      const displays = passed(pairs).flatMap(({ output }) => displaysOf(output));
      const masked = displays.filter((display) => !known.has(display));
      expect(displays.length).toBeGreaterThan(1_000);
      expect(masked.length / displays.length).toBeLessThanOrEqual(set.maskedDisplaysMax);
    });

    it('has no empty object, list or text', () => {
      expect(counted(passed(pairs).flatMap(({ output }) => empties(output)))).toEqual({});
    });
  });
});
