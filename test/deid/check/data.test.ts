/** The check on what the engine makes of all synthetic data: it accepts all of it, and nothing of the source put back. */
import { describe, expect, it } from '@jest/globals';
import { clean, gather, newKeys } from '../../../bench/deid/guarded.ts';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import type { DeidKeys } from '../../../src/deid/engine.ts';
import { presetNames } from '../../../src/deid/policy/document.ts';
import type { JsonObject, Resource } from '../../../src/fhir/resource.ts';
import { sets } from '../sets/outputs.ts';
import { run } from '../support.ts';
import { handWritten } from './policies.ts';
import { putBacks, verdictOn } from './support.ts';

/** How many outputs there are, and how many of them get each verdict but `ok`. */
function refusals(resources: readonly Resource[], policy: CompiledPolicy, keys: DeidKeys): Record<string, number> {
  const words = gather(resources, policy, keys);
  const counts: Record<string, number> = { outputs: 0 };
  for (const resource of resources) {
    const result = clean(resource, policy, keys, words);
    if (result.kind === 'withheld') continue;
    counts.outputs = (counts.outputs ?? 0) + 1;
    const verdict = verdictOn(JSON.parse(JSON.stringify(result.resource)), policy, keys);
    if (verdict !== 'ok')
      counts[`${resource.resourceType}: ${verdict}`] = (counts[`${resource.resourceType}: ${verdict}`] ?? 0) + 1;
  }
  return counts;
}

describe.each(sets)('on $name', ({ scope, load }) => {
  const resources = load();

  it.each(presetNames)('the check accepts all outputs of %s', (preset) => {
    const policy = compilePolicy({ apiVersion: 'fhir-sluice/v1', extends: preset }, scope);
    const counts = refusals(resources, policy, newKeys());
    expect(counts).toEqual({ outputs: expect.any(Number) });
    expect(counts.outputs).toBeGreaterThan(0);
  });

  it.each(handWritten)('the check accepts all outputs of a policy of $name', ({ compile }) => {
    const some = resources.filter(({ id }, index) => index % 10 === 0 || id?.startsWith('hw-'));
    expect(refusals(some, compile(scope), newKeys())).toEqual({ outputs: expect.any(Number) });
  });
});

/** Shifted dates are dates: whether one is shifted cannot be seen. */
const hasWholeDate = (value: unknown): boolean => /"\d{4}-\d\d-\d\d/.test(JSON.stringify(value) ?? '');

describe('a value of the source that is put back', () => {
  it.each(presetNames)('is refused under %s, whichever it is', (preset) => {
    const [north] = sets;
    const policy = compilePolicy({ apiVersion: 'fhir-sluice/v1', extends: preset }, north!.scope);
    const passed: string[] = [];
    let tried = 0;
    for (const [index, source] of north!.load().entries()) {
      if (index % 8 > 0 && !source.id?.startsWith('hw-')) continue;
      const result = run(source, policy);
      if (result.kind === 'withheld') continue;
      const out = JSON.parse(JSON.stringify(result.resource)) as JsonObject;
      for (const { path, apply } of putBacks(source, out, source.resourceType)) {
        tried++;
        const undo = apply();
        if (verdictOn(out, policy) === 'ok' && !(preset === 'expert' && hasWholeDate(valuesAt(source, path))))
          passed.push(path);
        undo();
      }
    }
    expect(passed).toEqual([]);
    expect(tried).toBeGreaterThan(preset === 'aidbox-default' ? 500 : 4_000);
  });
});

/** What stands at a path of keys, in all members of lists. */
const valuesAt = (source: JsonObject, path: string): unknown[] =>
  path
    .split('.')
    .slice(1)
    .reduce<unknown[]>((found, key) => found.flatMap((one) => (one as JsonObject)[key] ?? []), [source]);
