/** The demo's policy on the demo's data: nothing that names a person may stand in what goes to the hub. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { compilePolicy } from '../../src/deid/compile.ts';
import { checkOutput } from '../../src/deid/check/output-check.ts';
import { readPolicy } from '../../src/deid/policy/read.ts';
import { identifying, leaks, members, texts } from '../../dev/demo/phi-scan.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { keys, run } from './support.ts';

const root = new URL('../../', import.meta.url);
const down = new Set(['Organization', 'Location']);

function load(instance: string): Resource[] {
  const folder = new URL(`data/${instance}/`, root);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.ndjson(\.gz)?$/.test(name)) : [];
  return files.flatMap((name) => {
    const bytes = readFileSync(new URL(name, folder));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line) as Resource]));
  });
}

describe.each(['north', 'south'])('policies/demo.yaml on data/%s', (instance) => {
  const resources = load(instance);
  const test = resources.length === 0 ? it.skip : it;
  const reading = readPolicy(readFileSync(new URL('policies/demo.yaml', root), 'utf8'));
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const upTypes = new Set(resources.map(({ resourceType }) => resourceType));
  const policy = compilePolicy(reading.policy, { instance, upTypes, downTypes: down, urns: 'detach' });
  const results = resources.map((resource) => run(resource, policy));

  test('lets every resource pass, and the output check agrees', () => {
    const reasons = results.flatMap((result) => {
      if (result.kind === 'withheld') return [result.reason];
      const verdict = checkOutput(result.resource, policy, keys);
      return verdict.ok ? [] : [verdict.reason];
    });
    expect(reasons).toEqual([]);
  });

  test('leaves no name, identifier, telephone, e-mail, address line or source id of anybody', () => {
    const literals = new Set<string>();
    for (const result of results) {
      if (result.kind === 'resource') for (const text of texts(result.resource)) literals.add(text);
    }
    const needles = [...identifying(resources)];
    expect(needles.length).toBeGreaterThan(100);
    expect(leaks(needles, literals)).toEqual([]);
    const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id ?? ''}`));
    expect([...literals].filter((text) => ids.has(text))).toEqual([]);
  });

  test('keeps the references: what pointed at each other still does', () => {
    const written = results.flatMap((result) => (result.kind === 'resource' ? [result.resource] : []));
    const present = new Set(written.map(({ resourceType, id }) => `${resourceType}/${id ?? ''}`));
    expect(present.size).toBe(resources.length);
    const dangling = written
      .flatMap((resource) => members(resource, 'reference').flatMap(texts))
      .filter((text) => !text.startsWith('#') && !present.has(text) && !down.has(text.split('/')[0] ?? ''));
    expect(dangling).toEqual([]);
  });
});
