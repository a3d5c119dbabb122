/** JSON of any shape under R4's names: an output or a reason, never an exception, and nothing past a rule that removes. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../../../src/fhir/resource.ts';
import { dropping, keep, policyOf, redact, rule, run } from '../support.ts';
import { seed } from '../../seed.ts';

const settings = { numRuns: 500, seed };

const names = [
  'name',
  '_name',
  'family',
  'given',
  '_given',
  'value',
  'valueString',
  'valueReference',
  'note',
  'text',
  'div',
  'display',
  'extension',
  'modifierExtension',
  '_birthDate',
  'birthDate',
  'code',
  'coding',
  'item',
  'answer',
  'linkId',
  'subject',
  'reference',
  'identifier',
  'url',
  'id',
  'resourceType',
  'contained',
  'entry',
  'resource',
  'fullUrl',
  'meta',
  'tag',
  'parameter',
  'nick',
  '_nick',
  'component',
  'status',
  'toString',
  '0',
];
const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('Patient/a', '#c', 'http://x', 'Patient', 'Observation', 'urn:uuid:1', '2020-02-03', 'official'),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    { weight: 2, arbitrary: leaf },
    { weight: 2, arbitrary: fc.array(tie('tree'), { maxLength: 3 }) },
    { weight: 4, arbitrary: fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 5 }) },
    fc.record({
      resourceType: fc.constantFrom('Patient', 'Device', 'User', 'Observation'),
      id: fc.constantFrom('c', 'd'),
      name: tie('tree'),
    }),
  ),
}));
const anything = fc
  .record({
    members: fc.dictionary(fc.constantFrom(...names), tree, { maxKeys: 8 }),
    resourceType: fc.constantFrom(
      'Patient',
      'Observation',
      'QuestionnaireResponse',
      'Bundle',
      'Parameters',
      'Composition',
    ),
    id: fc.constantFrom('a', 'b'),
  })
  .map(({ members, ...own }) => JSON.parse(JSON.stringify({ ...members, ...own })) as Json);

const policies = [
  policyOf([]),
  policyOf([], { extends: 'aidbox-default' }),
  policyOf([], { extends: 'safe-harbor' }),
  policyOf([], { extends: 'expert' }),
  dropping([keep("nodesByType('string')"), keep("nodesByType('Reference')"), rule("nodesByType('date')", 'dateShift')]),
  policyOf([
    redact("Patient.name.where(use = 'official')"),
    redact('Patient.nick', { custom: true }),
    redact("nodesByType('Extension').where(url = 'http://x')"),
  ]),
  policyOf([
    redact('Patient.name.given.first()'),
    redact('Observation.component.where(code.exists() or value.exists()).code'),
    rule("nodesByType('string')", 'encrypt'),
  ]),
];

describe('JSON of any shape', () => {
  it('gives an output that JSON can write, or a reason', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...policies), (input, policy) => {
        const before = JSON.stringify(input);
        const result = run(input, policy);
        if (result.kind === 'resource') expect(JSON.parse(JSON.stringify(result.resource))).toEqual(result.resource);
        else expect(result.reason).toMatch(/^[a-z-]+$/);
        expect(JSON.stringify(input)).toBe(before);
      }),
      settings,
    );
  });

  it.each([
    ['name', redact("nodesByName('name')")],
    ['note', redact("nodesByName('note')")],
    ['nick', redact("nodesByName('nick')", { custom: true })],
    ['contained', redact("nodesByName('contained')")],
  ])('has nothing left under %s, nor beside it', (key, removing) => {
    const policy = policyOf([removing]);
    const plant = (value: Json, inside = false): Json => {
      if (typeof value === 'string') return inside ? `Zq${value}` : value;
      if (Array.isArray(value)) return value.map((member) => plant(member, inside));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, member]) => [
          name,
          plant(member, inside || name === key || name === `_${key}`),
        ]),
      );
    };
    fc.assert(
      fc.property(anything, (input) => {
        // What holds for a container does not hold for a resource in it, so none stands under the key.
        const source = JSON.parse(JSON.stringify(plant(input)).replaceAll('"resourceType":"Zq', '"kind":"Zq')) as Json;
        const result = run(source, policy);
        if (result.kind === 'resource') expect(JSON.stringify(result.resource)).not.toContain('Zq');
      }),
      settings,
    );
  });

  it('drops under default: drop whatever R4 does not have', () => {
    const policy = dropping([keep('Patient.active'), keep("nodesByName('linkId')"), keep("nodesByType('string')")]);
    fc.assert(
      fc.property(tree, fc.constantFrom('nick', 'foo', 'linkId', 'status'), (value, key) => {
        const source = JSON.parse(
          JSON.stringify({ resourceType: 'Patient', id: 'a', active: true, [key]: value }),
        ) as Json;
        const result = run(source, policy);
        if (result.kind !== 'resource') return;
        const { meta: _, ...members } = result.resource;
        expect(Object.keys(members)).toEqual(['resourceType', 'id', 'active']);
      }),
      settings,
    );
  });
});
