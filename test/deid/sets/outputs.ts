/** The synthetic sets and what the engine makes of them, guard included. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { clean, gather, newKeys, scopeOf } from '../../../bench/deid/guarded.ts';
import type { Cleaned } from '../../../bench/deid/guarded.ts';
import { parseAll, readLines } from '../../../bench/lib/resources.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import type { ReferenceScope } from '../../../src/deid/engine.ts';
import type { PresetName } from '../../../src/deid/policy/document.ts';
import type { Json, Resource } from '../../../src/fhir/resource.ts';

const data = join(import.meta.dirname, '../../../data');

/** Resources and the world that they are de-identified in. */
export interface SampleSet {
  readonly name: string;
  readonly scope: ReferenceScope;
  readonly load: () => Resource[];
  /**
   * Greatest share of code displays that the guard may mask. Not 0: surnames are ordinary words, too, and where a Reference
   * does not say what it points at (Synthea's insurers, all of a Bundle's urns) the engine takes its display for a name.
   */
  readonly maskedDisplaysMax: number;
}

const ofInstance = (name: string): SampleSet => ({
  name,
  scope: scopeOf(['Organization', 'Location']),
  maskedDisplaysMax: 0.01,
  load: () => parseAll(readLines(join(data, name))),
});

/** Synthea's transaction Bundles, each as one resource. */
function loadBundles(): Resource[] {
  const folder = join(data, 'synthea');
  const files = readdirSync(folder).filter((file) => file.startsWith('bundle-'));
  return files.map((file) => JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString('utf8')) as Resource);
}

/** Everything that is committed, handwritten resources included. The Synthea sample has no hub: all of it goes up. */
export const sets: readonly SampleSet[] = [
  ofInstance('north'),
  ofInstance('south'),
  { ...ofInstance('synthea'), scope: scopeOf([]), maskedDisplaysMax: 0.08 },
  { name: 'Synthea’s Bundles', scope: scopeOf([], 'rename'), load: loadBundles, maskedDisplaysMax: 0.2 },
];

export interface Pair {
  readonly source: Resource;
  readonly result: Cleaned;
}

/** A set under a preset, as a site that has read all of it sends it. */
export function deidentified({ scope, load }: SampleSet, preset: PresetName): Pair[] {
  const resources = load();
  const policy = compilePolicy({ apiVersion: 'fhir-sluice/v1', extends: preset }, scope);
  const keys = newKeys();
  const words = gather(resources, policy, keys);
  return resources.map((source) => ({ source, result: clean(source, policy, keys, words) }));
}

/** How many of each type were withheld, by reason: `Binary policy-drops-type: 3`. */
export function withheldCounts(pairs: readonly Pair[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { source, result } of pairs) {
    if (result.kind !== 'withheld') continue;
    const key = `${source.resourceType} ${result.reason}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Source and output of all that passed. */
export const passed = (pairs: readonly Pair[]): { source: Resource; output: Resource }[] =>
  pairs.flatMap(({ source, result }) => (result.kind === 'resource' ? [{ source, output: result.resource }] : []));

/** The displays of all codes in a value, as they are. */
export function displaysOf(value: Json): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(displaysOf);
  const own = typeof value.code === 'string' && typeof value.display === 'string' ? [value.display] : [];
  return [...own, ...Object.values(value).flatMap(displaysOf)];
}
