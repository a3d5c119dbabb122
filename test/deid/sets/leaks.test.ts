/** Nothing that names the people of a set stands anywhere in what the HIPAA presets let out of it. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { PresetName } from '../../../src/deid/policy/document.ts';
import type { Resource } from '../../../src/fhir/resource.ts';
import { needlesOf } from './needles.ts';
import type { NeedleKind } from './needles.ts';
import { deidentified, passed, sets } from './outputs.ts';
import { Scanner } from './scan.ts';
import type { Find } from './scan.ts';

/** Texts of vocabularies that hold somebody's surname; of a person they say nothing. */
const vocabulary: ReadonlySet<string> = new Set(['English(US)']);

const summary = (finds: readonly Find[]): string[] => [
  ...new Set(finds.map(({ kind, needle, text }) => `${kind} ${needle}: ${text.slice(0, 200)}`)),
];

/** A patient's surname, of the set itself or of a Bundle in it. */
function someSurname(resources: readonly Resource[]): string {
  const all = resources.flatMap(({ entry }) => (entry as { resource: Resource }[] | undefined) ?? []);
  const patient = [...resources, ...all.map(({ resource }) => resource)].find((one) => one.resourceType === 'Patient');
  const [{ family }] = patient!.name as [{ family: string }];
  return family;
}

/** What a preset has to keep back. The others let lots, towns and dates pass, some of them shifted. */
const kept: readonly { preset: PresetName; kinds: readonly NeedleKind[] }[] = [
  { preset: 'safe-harbor', kinds: ['name', 'identifier', 'lot', 'contact', 'address', 'date', 'id'] },
  { preset: 'limited-dataset', kinds: ['name', 'identifier', 'contact', 'id'] },
  { preset: 'expert', kinds: ['name', 'identifier', 'contact', 'id'] },
];

describe.each(sets)('the set $name', (set) => {
  let all: ReadonlyMap<string, NeedleKind>;
  beforeAll(() => {
    all = needlesOf(set.load(), set.scope.downTypes);
  });

  describe.each(kept)('under $preset', ({ preset, kinds }) => {
    let outputs: Resource[];
    let scanner: Scanner;

    beforeAll(() => {
      scanner = new Scanner(new Map([...all].filter(([, kind]) => kinds.includes(kind))));
      outputs = passed(deidentified(set, preset)).map(({ output }) => output);
    });

    const leaks = (resources: readonly Resource[]): string[] =>
      summary(resources.flatMap((resource) => scanner.scan(resource)).filter(({ text }) => !vocabulary.has(text)));

    it(`has no ${kinds.join(', ')} of the source`, () => {
      expect(JSON.stringify(outputs).length).toBeGreaterThan(100_000);
      expect(leaks(outputs)).toEqual([]);
    });

    it('would not hide a leak: one that is planted in an output is found', () => {
      const family = someSurname(set.load());
      const last = outputs.at(-1)!;
      const planted = [...outputs.slice(0, -1), { ...last, note: [{ text: `${family} again` }] }];
      expect(leaks(planted)).toContain(`name ${family}: ${family} again`);
    });
  });
});
