import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compilePolicy } from '../../../src/deid/compile.ts';
import { canonicalJson } from '../../../src/deid/policy/canonical-json.ts';
import { presetNames } from '../../../src/deid/policy/document.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { scope } from '../support.ts';

function digest(source: unknown, instance = 'north'): string {
  const reading = readPolicy(source);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return compilePolicy(reading.policy, { ...scope, instance }).digest;
}

const document = {
  apiVersion: 'fhir-sluice/v1',
  default: 'keep',
  rules: [{ path: 'Patient.name', method: 'pseudonymize', params: { domain: 'd' }, reason: 'r' }],
};

describe('the digest', () => {
  it('does not hang on key order, notation or site', () => {
    const text =
      'rules: [{reason: r, params: {domain: d}, method: pseudonymize, path: Patient.name}]\ndefault: keep\napiVersion: fhir-sluice/v1';
    expect(digest(text)).toBe(digest(document));
    expect(digest(document, 'south')).toBe(digest(document));
    expect(digest(document)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with anything that changes what is done', () => {
    const [one] = document.rules;
    const other = { path: 'Patient.photo', method: 'redact' };
    const digests = [
      document,
      { ...document, default: 'drop' },
      { ...document, extensions: 'drop' },
      { ...document, modifierExtensions: 'withhold' },
      { ...document, leakGuard: 'off' },
      { ...document, labels: false },
      { ...document, keys: { pseudonym: 1 } },
      { ...document, rules: [] },
      { ...document, rules: [one, other] },
      { ...document, rules: [other, one] },
      { ...document, rules: [{ ...one, params: { domain: 'e' } }] },
      { ...document, rules: [{ ...one, guard: 'none' }] },
      { ...document, extends: 'aidbox-default', rules: [] },
    ].map((source) => digest(source));
    expect(new Set(digests).size).toBe(13);
  });

  it.each(presetNames)('of %s is that of what it resolves to, again and again', (preset) => {
    const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', extends: preset, keys: { encrypt: 2 } });
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    const first = compilePolicy(reading.policy, scope);
    const second = compilePolicy(JSON.parse(JSON.stringify(first.document)), scope);
    expect(second.digest).toBe(first.digest);
    expect(compilePolicy(structuredClone(second.document) as never, scope).digest).toBe(first.digest);
  });
});

describe('canonical JSON', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, member]) => [key, shuffled(member)]),
    );
  };

  it('is the same whatever the order, and is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});
