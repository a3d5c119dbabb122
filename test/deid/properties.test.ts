/** What holds for every resource, shown on random ones under random policies. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkOutput } from '../../src/deid/check/output-check.ts';
import { pseudonymForm } from '../../src/deid/pseudonym.ts';
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import type { Json, Resource } from '../../src/fhir/resource.ts';
import { keys, policyOf, run } from './support.ts';

const names = [
  'name',
  'value',
  'valueString',
  'note',
  'text',
  'display',
  'extension',
  '_name',
  'code',
  'item',
  'answer',
  'linkId',
];
const literal = fc.oneof(
  fc.constantFrom(
    'Patient/a',
    'Observation/b',
    'Organization/o',
    'Practitioner/x',
    '#c',
    '#',
    'urn:oid:1.2',
    'http://h/Patient/a',
  ),
  fc.string(),
);
const reference = fc.record(
  {
    reference: literal,
    display: fc.string(),
    type: fc.constantFrom('Patient', 'x y'),
    identifier: fc.record({ value: fc.string() }),
  },
  { requiredKeys: ['reference'] },
);
const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('Name', 'Patient/a'),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    reference,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 4 }),
    fc.record({ resourceType: fc.constantFrom('Patient', 'Device'), id: fc.constantFrom('c', 'd'), name: tie('tree') }),
  ),
}));
const resource = fc
  .record(
    {
      resourceType: fc.constantFrom('Patient', 'Observation', 'QuestionnaireResponse', 'Bundle'),
      id: fc.constantFrom('a', 'b'),
      meta: fc.oneof(fc.constant({ versionId: '1', tag: [{ code: 'x', display: 'y' }] }), fc.string()),
      contained: fc.array(
        fc.record({ resourceType: fc.constantFrom('Patient', 'Device'), id: fc.constantFrom('c', 'd'), name: tree }),
      ),
      members: fc.dictionary(fc.constantFrom(...names, 'entry', 'subject'), tree),
    },
    { requiredKeys: ['resourceType', 'id', 'members'] },
  )
  .map(({ members, ...others }): unknown => JSON.parse(JSON.stringify({ ...members, ...others })));

const path = fc.constantFrom(
  'Patient.name',
  'Patient.name.text',
  'Observation.value',
  'Resource.text',
  'Reference.display',
  'Reference',
  'Patient.contained',
  'Resource.extension.valueString',
  "nodesByName('note')",
  "nodesByName('code')",
  "nodesByName('reference')",
  'Reference.identifier',
  'Bundle.entry',
  'QuestionnaireResponse.item.linkId',
  'Resource.meta.tag',
  "nodesByName('extension')",
  'Resource.name.extension',
);
const rule = fc.oneof(
  fc
    .record({ path, method: fc.constantFrom('keep', 'redact', 'pseudonymize') })
    .filter((one) => one.path !== 'Reference' || one.method !== 'pseudonymize'),
  fc.constantFrom<object>(
    { path: 'Device', method: 'drop-resource' },
    { path: 'Patient', method: 'keep' },
    { path: 'QuestionnaireResponse.item', method: 'redact-answers', params: { texts: ['name'], linkIds: ['Name'] } },
  ),
);
/** A policy's own text, so that a counterexample can be read. */
const policy = fc.record({
  rules: fc.array(rule, { maxLength: 5 }),
  fallback: fc.constantFrom<'keep' | 'drop'>('keep', 'drop'),
});

function compiledOf({ rules, fallback }: { rules: object[]; fallback: 'keep' | 'drop' }): CompiledPolicy {
  try {
    return policyOf(rules, fallback);
  } catch {
    return policyOf(rules.slice(0, 1), fallback); // a rule that an earlier one hides
  }
}

/** The same JSON with its keys in another order. */
function shuffled(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shuffled);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}

const literalsOf = (value: Json | undefined): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(literalsOf)
      : [];

describe('for every resource and policy', () => {
  it('the output check accepts what the engine makes', () => {
    fc.assert(
      fc.property(resource, policy, (input, document) => {
        const compiled = compiledOf(document);
        const result = run(input, compiled);
        if (result.kind === 'resource') expect(checkOutput(result.resource, compiled, keys)).toEqual({ ok: true });
      }),
      { numRuns: 1000 },
    );
  });

  it('the order of keys does not change the bytes, and the input stays as it was', () => {
    fc.assert(
      fc.property(resource, policy, (input, document) => {
        const compiled = compiledOf(document);
        const before = JSON.stringify(input);
        const one = JSON.stringify(run(input, compiled));
        expect(JSON.stringify(input)).toBe(before);
        expect(JSON.stringify(run(shuffled(input as Json), compiled))).toBe(one);
      }),
      { numRuns: 500 },
    );
  });

  it('nothing of a redacted element survives, wherever it stands', () => {
    const secret = 'Zq-secret-Zq';
    const removing = policyOf([
      { path: "nodesByName('name')", method: 'redact' },
      { path: 'Resource.text', method: 'redact' },
    ]);
    const planted = fc.tuple(resource, tree).map(([input, any]) => {
      const text = JSON.stringify({
        ...(input as object),
        text: { div: [secret, any] },
        valueName: { name: { a: [secret] }, _name: secret },
      });
      return JSON.parse(text.replaceAll('"name":"', `"name":"${secret}`)) as Resource;
    });
    fc.assert(
      fc.property(planted, (input) => {
        expect(JSON.stringify(run(input, removing))).not.toContain(secret);
      }),
      { numRuns: 500 },
    );
  });

  it('equal targets stay equal and unlike ones unlike, and no source reference stands', () => {
    const open = policyOf([]);
    const targets = fc.uniqueArray(
      fc.oneof(fc.stringMatching(/^(Patient|Observation|Practitioner)\/[A-Za-z0-9.-]{1,20}$/), fc.webUrl()),
      {
        minLength: 2,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(targets, (all) => {
        const focus = [...all, ...all].map((one) => ({ reference: one }));
        const result = run({ resourceType: 'Observation', id: 'o', focus }, open);
        if (result.kind !== 'resource') throw new Error(result.reason);
        const written = (result.resource.focus as Json[]).map((one) => JSON.stringify(one));
        expect(written.slice(0, all.length)).toEqual(written.slice(all.length));
        expect(new Set(written).size).toBe(all.length);
        const literals = literalsOf(result.resource.focus);
        expect(literals.filter((text) => all.includes(text) && !pseudonymForm.test(text))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
