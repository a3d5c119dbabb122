/** The demo's policy on the demo's data: nothing that names a person may stand in what goes to the hub. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { compilePolicy } from '../../src/deid/compile.ts';
import { readPolicy } from '../../src/deid/read-policy.ts';
import { checkOutput } from '../../src/deid/output-check.ts';
import type { Json, Resource } from '../../src/fhir/resource.ts';
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

function texts(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

function members(value: Json, name: string): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) || value[name] === undefined ? [] : [value[name]];
  return [...own, ...Object.values(value).flatMap((member) => members(member, name))];
}

/** What names the people of these resources: names, identifiers' values, telecoms, address lines, plan numbers. */
function identifying(resources: readonly Resource[]): Set<string> {
  const people = new Set(['Patient', 'RelatedPerson', 'Practitioner']);
  const found = resources.flatMap((resource) => {
    const person = people.has(resource.resourceType);
    const names = [members(resource, 'family'), members(resource, 'given')].flat();
    const identifiers = members(resource, 'identifier').flatMap((one) => members(one, 'value'));
    const reached = person ? members(resource, 'telecom').flatMap((one) => members(one, 'value')) : [];
    const lines = person ? members(resource, 'line') : [];
    return [names, identifiers, reached, lines, resource.subscriberId ?? []].flat(2).flatMap(texts);
  });
  return new Set(found.map((text) => text.trim()).filter((text) => text !== ''));
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** Short names (Li, Pat, Norma) stand inside ordinary words; they count only as words of their own. */
const wholeWordBelow = 6;

/** Where a surname is also a word of a vocabulary: the display of the language en-US. */
const vocabulary = new Set(['English(US)']);

function occurs(text: string, needle: string): boolean {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (needle.length >= wholeWordBelow || (!isWord(text[at - 1]) && !isWord(text[at + needle.length]))) {
      return !vocabulary.has(text);
    }
  }
  return false;
}

describe.each(['north', 'south'])('policies/demo.yaml on data/%s', (instance) => {
  const resources = load(instance);
  const test = resources.length === 0 ? it.skip : it;
  const reading = readPolicy(readFileSync(new URL('policies/demo.yaml', root), 'utf8'));
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const upTypes = new Set(resources.map(({ resourceType }) => resourceType));
  const policy = compilePolicy(reading.policy, { instance, upTypes, downTypes: down });
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
    const distinct = [...literals];
    // One search in all texts first: only what is found there is looked at more closely.
    const everything = distinct.join('\n');
    const leaks = needles
      .filter((needle) => everything.includes(needle))
      .flatMap((needle) => distinct.filter((text) => occurs(text, needle)).map((text) => `${needle} in ${text}`));
    expect(leaks).toEqual([]);
    const ids = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id ?? ''}`));
    expect(distinct.filter((text) => ids.has(text))).toEqual([]);
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
