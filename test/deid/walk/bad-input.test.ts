/** Input that no server should send: one defined outcome each, never a crash, never a way past a rule. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import {
  bundleOf,
  dropping,
  keep,
  nested,
  observation,
  output,
  patient,
  policyOf,
  reasonOf,
  redact,
  rest,
  rule,
} from '../support.ts';

const plain = policyOf([]);
const removing = policyOf([redact('Patient.name'), redact('Patient.extension'), redact('Patient.contained')]);

describe('nesting without end', () => {
  const depths: readonly (readonly [string, string, string])[] = [
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
    ['extensions', '{"extension":[', ']}'],
    ['names', '{"name":[', ']}'],
  ];
  const places = [
    'name',
    'extension',
    'contained',
    'birthDate',
    '_birthDate',
    'meta',
    'text',
    'link',
    'unknown',
    '_id',
  ];

  it.each(depths)('of %s is withheld wherever it stands, also where a rule removes', (_name, open, close) => {
    const inner = open.endsWith('[') ? '' : '1';
    for (const place of places) {
      const value = nested(10_000, open, close, inner);
      for (const policy of [plain, removing, dropping([keep('Patient.active')])]) {
        expect([place, reasonOf(patient({ [place]: value, active: true }), policy)]).toEqual([
          place,
          expect.stringMatching(/^(?:too-deep|wrong-json-type)$/),
        ]);
      }
    }
  });

  it.each(['subject', 'patient', 'encounter', 'performer', 'entry'])('in %s, which says whose data it is', (key) => {
    const drops = policyOf([rule('Observation', 'dropResource')]);
    const reasons = [plain, drops].map((policy) => reasonOf(observation({ [key]: nested(10_000) }), policy));
    expect(reasons).toEqual([expect.stringMatching(/^(?:too-deep|wrong-json-type)$/), 'too-deep']);
  });

  it('in what a condition looks at', () => {
    const policy = policyOf([redact("Patient.name.where(use = 'official')")]);
    const hidden = policyOf([redact('Patient.name.use'), redact("Patient.name.where(period.start = '2020')")]);
    for (const value of [nested(10_000), nested(10_000, '{"start":', '}', '1')]) {
      expect(reasonOf(patient({ name: [{ use: value }] }), policy)).toMatch(/^(?:too-deep|wrong-json-type)$/);
      expect(reasonOf(patient({ name: [{ use: value, period: value }] }), hidden)).toMatch(
        /^(?:too-deep|wrong-json-type)$/,
      );
    }
  });

  it('in what general FHIRPath goes through, and in answers', () => {
    const policy = policyOf([redact("Patient.descendants().where($this = 'a')")]);
    expect(reasonOf(patient({ contact: [nested(5_000, '{"extension":[', ']}')] }), policy)).toMatch(
      /^(?:too-deep|rule-failed|wrong-json-type)$/,
    );
    const answers = policyOf([], { extends: 'aidbox-default' });
    for (const open of ['[{"item":', '[{"answer":']) {
      const item = nested(5_000, open, '}]', '[]');
      expect(reasonOf({ resourceType: 'QuestionnaireResponse', id: 'q', item }, answers)).toBe('too-deep');
    }
  });

  it('of types that do not pass: the depth is what is told', () => {
    expect(reasonOf({ resourceType: 'Foo', id: 'a', x: nested(10_000) }, plain)).toBe('too-deep');
  });

  it('passes up to the limit', () => {
    const deep = nested(90, '{"extension":[', ']}', '{"url":"http://x","valueCode":"c"}');
    const text = JSON.stringify(deep).replaceAll('{"extension"', '{"url":"http://x","extension"');
    expect(reasonOf(patient({ extension: [JSON.parse(text)] }), plain)).toBeUndefined();
  });
});

describe('keys of JavaScript’s own', () => {
  const holders: readonly (readonly [string, (key: string) => string])[] = [
    ['the resource', (key) => `"${key}":1`],
    ['an element', (key) => `"name":[{"${key}":{"polluted":1}}]`],
    ['an extension', (key) => `"extension":[{"url":"http://x","${key}":1}]`],
    ['a primitive’s sibling', (key) => `"_birthDate":{"${key}":1}`],
    ['a contained resource', (key) => `"contained":[{"resourceType":"Patient","${key}":1}]`],
    ['an attribute of the server’s own', (key) => `"custom":[{"a":{"${key}":1}}]`],
    ['a reference', (key) => `"managingOrganization":{"reference":"Organization/a","${key}":1}`],
    ['meta', (key) => `"meta":{"tag":[{"${key}":1}]}`],
    ['meta itself', (key) => `"meta":{"${key}":1}`],
    ['the id’s sibling', (key) => `"_id":{"${key}":1}`],
  ];

  it.each(['__proto__', 'constructor', 'prototype'])('%s is withheld, in kept and in removed places', (key) => {
    const policies = [
      plain,
      removing,
      dropping([keep('Patient.custom', { custom: true })]),
      dropping([keep('Patient.active')]),
    ];
    for (const [name, member] of holders) {
      const resource: unknown = JSON.parse(`{"resourceType":"Patient","id":"a",${member(key)}}`);
      const reasons = policies.map((policy) => reasonOf(resource, policy));
      expect([name, ...reasons]).toEqual([name, 'forbidden-key', 'forbidden-key', 'forbidden-key', 'forbidden-key']);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  const odd = { toString: 'a', hasOwnProperty: { valueOf: 'b' }, isPrototypeOf: [{ toJSON: 'c' }] };

  it('toString and the like are ordinary unknown keys', () => {
    expect(rest(patient(odd), plain)).toEqual(odd);
    expect(rest(patient({ active: true, ...odd }), dropping([keep('Patient.active')]))).toEqual({ active: true });
    expect(rest(patient(odd), policyOf([redact('Patient.toString', { custom: true })]))).not.toHaveProperty(
      'toString',
      'a',
    );
  });

  it('a resource whose type is one of them is unknown', () => {
    for (const resourceType of ['Object', 'Constructor', 'Function']) {
      expect(reasonOf({ resourceType, id: 'a' }, plain)).toBe('unknown-type');
      expect(reasonOf(bundleOf({ resource: { resourceType } }), plain)).toBe('unknown-type');
    }
  });
});

describe('resourceType in odd places', () => {
  it.each(['constructor', 'john smith', '', 5, null, ['Patient'], { a: 1 }])(
    '%j inside is withheld or nobody’s type',
    (resourceType) => {
      for (const member of [{ contained: [{ resourceType, id: 'x' }] }, { contained: [{ resourceType }] }]) {
        expect(reasonOf(observation(member), plain)).toBe('wrong-json-type');
      }
      expect(reasonOf(bundleOf({ resource: { resourceType } }), plain)).toBe('wrong-json-type');
    },
  );

  it('Aidbox’s own form of a reference is withheld where R4 has a data type, and no id passes in clear', () => {
    const own = { resourceType: 'Patient', id: 'raw-id-1' };
    expect(reasonOf(observation({ subject: own }), plain)).toBe('wrong-json-type');
    const places: object[] = [
      { foo: own },
      { foo: [{ bar: own }] },
      { extension: [{ url: 'http://x', ...own }] },
      { extension: [{ url: 'http://x', valueReference: own }] },
      { status: 'final', _status: own },
      { code: { coding: [own] } },
      { component: [own] },
    ];
    for (const members of places) {
      const resource = observation(members);
      if (reasonOf(resource, plain) !== undefined) continue;
      expect([members, JSON.stringify(output(resource, plain)).includes('raw-id-1')]).toEqual([members, false]);
    }
  });

  it('a resource in an unknown attribute is judged as a resource, and withheld where its type is unknown', () => {
    const policy = policyOf([redact('Patient.name')]);
    const value = rest(
      observation({ foo: { resourceType: 'Patient', id: 'x', name: [{ family: 'secret' }], active: true } }),
      policy,
    );
    expect(JSON.stringify(value)).not.toContain('secret');
    expect(reasonOf(observation({ foo: { resourceType: 'User', id: 'x' } }), policy)).toBe('unknown-type');
  });
});

describe('values of strange size', () => {
  it('lone surrogates pass as they are', () => {
    expect(rest(observation({ valueString: '\ud800', note: [{ text: 'a\udfff' }] }), plain)).toEqual({
      valueString: '\ud800',
      note: [{ text: 'a\udfff' }],
    });
  });

  // Work that grows with the square of the size would not end within Jest's limit, here and where else nothing is timed.
  it('huge texts and many keys take no long time', () => {
    const text = 'ab12 '.repeat(200_000);
    const policy = policyOf([rule("nodesByType('string')", 'mask'), redact('Observation.extra', { custom: true })]);
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${String(index)}`, index]));
    expect(reasonOf(observation({ valueString: text, ...many }), policy)).toBeUndefined();
  });

  it('numbers that JSON cannot write do not become null', () => {
    for (const text of ['1e400', '-1e400']) {
      const source = observation({ status: 'final', valueQuantity: { value: JSON.parse(text) as Json, unit: 'mg' } });
      for (const policy of [plain, policyOf([keep('Observation.value')])]) {
        const reason = reasonOf(source, policy);
        if (reason === undefined) expect(JSON.stringify(output(source, policy))).not.toContain('null');
        else expect(reason).toBe('wrong-json-type');
      }
    }
    expect(JSON.stringify(rest(observation({ valueInteger: -0 }), plain))).toBe('{"valueInteger":0}');
    expect(rest(observation({ valueQuantity: { value: 1e308 } }), plain)).toEqual({ valueQuantity: { value: 1e308 } });
  });

  it('duplicate ids are no harm', () => {
    const one = { resourceType: 'Patient', id: 'c', active: true };
    const { contained } = rest(observation({ contained: [one, one] }), plain);
    expect(contained).toHaveLength(2);
    expect(rest(bundleOf({ resource: one }, { resource: one }), plain).entry).toHaveLength(2);
  });
});
