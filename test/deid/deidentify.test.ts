import { describe, expect, it } from '@jest/globals';
import { detachedSystem, tagSystems } from '../../src/deid/engine.ts';
import { pseudonymForm, pseudonymId } from '../../src/deid/pseudonym.ts';
import { keep, keys, output, policyOf, redact, run } from './support.ts';

const plain = policyOf([]);
const idOf = (type: string, id: string): string => pseudonymId(keys, 'north', type, id);

/** The members of an Observation's output without those that every resource has. */
function rest(members: object, policy = plain): Record<string, unknown> {
  const {
    resourceType: _type,
    id: _id,
    meta: _meta,
    ...others
  } = output({ resourceType: 'Observation', id: 'o', ...members }, policy);
  return others;
}

describe('every resource', () => {
  it('gets a pseudonymous id, two tags, and keeps only what is portable of meta', () => {
    const meta = {
      versionId: '7',
      lastUpdated: '2026-01-01T00:00:00Z',
      source: 'http://north.example.org',
      extension: [{ url: 'x', valueString: 'y' }],
      profile: ['http://example.org/p', 5],
      tag: [
        { system: tagSystems.policy, code: 'forged' },
        { system: 'http://example.org/t', code: 'mine', extension: [] },
      ],
    };
    const resource = output({ meta, id: 'p1', _id: { extension: [] }, active: true, resourceType: 'Patient' }, plain);
    expect(JSON.stringify(resource)).toBe(
      JSON.stringify({
        resourceType: 'Patient',
        id: idOf('Patient', 'p1'),
        meta: {
          profile: ['http://example.org/p'],
          tag: [
            { code: 'mine', system: 'http://example.org/t' },
            { code: 'north', system: tagSystems.origin },
            { code: plain.digest, system: tagSystems.policy },
          ],
        },
        active: true,
      }),
    );
  });

  it.each([
    null,
    undefined,
    5,
    'Patient',
    [],
    {},
    { resourceType: 'Patient' },
    { resourceType: 'Patient', id: 5 },
    { resourceType: 'Patient', id: 'a b' },
    { resourceType: 'Patient', id: '' },
    { resourceType: ['Patient'], id: 'a' },
    { resourceType: 'john smith', id: 'a' },
  ])('is withheld when it is none: %j', (value) => {
    expect(run(value, plain)).toMatchObject({ kind: 'withheld', reason: 'not-a-resource' });
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'is withheld for the key %s, also under what a rule removes',
    (key) => {
      for (const holder of ['extension', 'name']) {
        const resource: unknown = JSON.parse(
          `{"resourceType":"Patient","id":"a","${holder}":[{"${key}":{"polluted":1}}]}`,
        );
        expect(run(resource, policyOf([redact('Patient.name')]))).toMatchObject({ reason: 'forbidden-key' });
      }
      expect(run(JSON.parse(`{"resourceType":"Patient","id":"a","${key}":1}`), plain)).toMatchObject({
        reason: 'forbidden-key',
      });
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );

  it.each(['name', 'extension', 'contained', 'meta'])('is withheld when it nests 10,000 deep in %s', (key) => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const resource: unknown = JSON.parse(`{"resourceType":"Patient","id":"a","${key}":${deep}}`);
    expect(run(resource, policyOf([redact('Patient.name')]))).toMatchObject({ reason: 'too-deep' });
  });

  it('passes lone surrogates and odd keys without a crash', () => {
    expect(rest({ toString: 'a', hasOwnProperty: { x: '\ud800' }, 0: 'zero' })).toEqual({
      0: 'zero',
      toString: 'a',
      hasOwnProperty: { x: '\ud800' },
    });
  });
});

describe('rules', () => {
  it('redact a path with its primitive sibling, whatever JSON type stands there', () => {
    const policy = policyOf([redact('Observation.value[x]'), redact('Observation.status')]);
    for (const value of ['s', 5, true, null, [], {}, ['s'], { a: { b: 's' } }, [[['s']]]]) {
      expect(rest({ valueString: value, _valueString: value, value, status: value, _status: value }, policy)).toEqual(
        {},
      );
    }
    // Not a choice of `value` or of `status`: no data type ends the name.
    expect(rest({ valueSet: 'a', statusHistory: [{ x: 1 }] }, policy)).toEqual({
      valueSet: 'a',
      statusHistory: [{ x: 1 }],
    });
  });

  it('reach every type by Resource, every place by name, references by type', () => {
    const policy = policyOf([
      redact('Resource.text'),
      redact("nodesByName('note')"),
      redact("nodesByType('Reference').display"),
    ]);
    const subject = { display: 'John' };
    const value = {
      text: { div: 'John' },
      component: [{ note: [{ text: 'John' }], _note: 'John', code: { text: 'ok' } }],
      subject,
      performer: [{ reference: 'Location/l', display: 'John', type: 'Location' }],
      code: { coding: [{ code: 'c', display: 'Heart rate' }] },
    };
    expect(rest(value, policy)).toEqual({
      code: { coding: [{ code: 'c', display: 'Heart rate' }] },
      component: [{ code: { text: 'ok' } }],
      performer: [{ reference: 'Location/l', type: 'Location' }],
    });
  });

  it('decide by the first that touches a node or an element that holds it', () => {
    const address = { address: [{ state: 'MA', city: 'Boston', line: ['1 Row'] }] };
    const both = (...rules: object[]): unknown =>
      output({ resourceType: 'Patient', id: 'a', ...address }, policyOf(rules)).address;
    expect(both(keep('Patient.address.state'), redact('Patient.address'))).toEqual([{ state: 'MA' }]);
    expect(both(redact("nodesByName('city')"), keep('Patient.address'))).toEqual([{ line: ['1 Row'], state: 'MA' }]);
    expect(both(keep("nodesByName('state')"), redact('Patient.address'))).toEqual([{ state: 'MA' }]);
  });

  it('of a site come before those of the preset', () => {
    const policy = policyOf([keep('Patient.address.state')], 'keep', 'aidbox-default');
    const patient = {
      resourceType: 'Patient',
      id: 'a',
      name: [{ family: 'X' }],
      address: [{ state: 'MA', city: 'B' }],
    };
    expect(output(patient, policy)).toMatchObject({ address: [{ state: 'MA' }] });
    expect(output(patient, policy)).not.toHaveProperty('name');
  });

  it('drop a type, alone, contained and in a Bundle', () => {
    const policy = policyOf([{ path: 'Patient', method: 'drop-resource' }]);
    const patient = { resourceType: 'Patient', id: 'a', name: 'John' };
    expect(run(patient, policy)).toMatchObject({ kind: 'withheld', reason: 'policy-drops-type' });
    const observation = { contained: [patient], subject: { reference: '#a' } };
    expect(rest(observation, policy)).toEqual({
      subject: { identifier: { system: detachedSystem, value: expect.anything() } },
    });
    const bundle = { resourceType: 'Bundle', id: 'b', entry: [{ resource: patient, search: { mode: 'match' } }] };
    expect(output(bundle, policy).entry).toEqual([{ search: { mode: 'match' } }]);
  });

  it('pseudonymize values, equal ones alike within a domain, and nothing but values', () => {
    const rule = (path: string, params = {}): object => ({ path, method: 'pseudonymize', params });
    const policy = policyOf([
      rule('Observation.a', { domain: 'mrn' }),
      rule('Observation.b', { domain: 'mrn' }),
      rule('Observation.c'),
    ]);
    const { a, b, c } = rest({ a: 'x', b: ['x', 5], c: 'x', _a: { extension: [{ valueString: 'x' }] } }, policy);
    expect(a).toMatch(pseudonymForm);
    expect(b).toEqual([a, expect.stringMatching(pseudonymForm)]);
    expect(c).not.toBe(a);
    expect(rest({ a: { value: 'x' }, b: [{ value: 'x' }] }, policy)).toEqual({});
  });

  it('redact answers by linkId or text, with everything below them', () => {
    const policy = policyOf([], 'keep', 'aidbox-default');
    const answer = [{ valueString: 'secret', item: [{ linkId: 'deep', answer: [{ valueString: 'secret' }] }] }];
    const item = [
      { linkId: '1', text: ' pHONE ', answer },
      { linkId: 'Personal email', answer, _answer: answer },
      { linkId: '2', text: 'Address', item: [{ linkId: '2.1', text: 'Street', answer }] },
      { linkId: '3', item: [{ linkId: '3.1', answer: [{ item: [{ linkId: 'date of birth', answer }] }] }] },
      { linkId: '4', text: ['Name'], answer },
      { linkId: '5', text: 'Name', answer: 'secret' },
      { linkId: '6', text: 'Smoker', answer: [{ valueBoolean: true }] },
    ];
    const response = {
      resourceType: 'QuestionnaireResponse',
      id: 'q',
      item,
      patientFirstName: 'secret',
      _patientLastName: 'secret',
    };
    const result = output(response, policy);
    expect(JSON.stringify(result)).not.toContain('secret');
    expect(result.item).toContainEqual({ linkId: '6', text: 'Smoker', answer: [{ valueBoolean: true }] });
    expect(result.item).toHaveLength(7);
  });

  it('count what they took', () => {
    const policy = policyOf([redact('Patient.name'), redact('Patient.photo')]);
    const { report } = run(
      { resourceType: 'Patient', id: 'a', name: [{ family: 'X' }, { family: 'Y' }], _name: [] },
      policy,
    );
    const counted = Object.entries(report.taken).map(([index, count]) => [policy.rules[Number(index)]?.text, count]);
    expect(counted).toEqual([['Patient.name', 2]]);
  });
});

describe('default: drop', () => {
  it('passes what a rule keeps and nothing else', () => {
    const policy = policyOf(
      [keep('Observation.status'), keep('Observation.code.coding.code'), keep("nodesByName('unit')")],
      'drop',
    );
    const value = {
      status: 'final',
      code: { text: 't', coding: [{ code: 'c', display: 'd' }] },
      valueQuantity: { unit: 'mg', value: 5 },
      x: 'y',
    };
    expect(rest(value, policy)).toEqual({
      status: 'final',
      code: { coding: [{ code: 'c' }] },
      valueQuantity: { unit: 'mg' },
    });
  });

  it('judges a contained resource by its own type', () => {
    const policy = policyOf([keep('Observation'), keep('Patient.gender')], 'drop');
    const contained = [{ resourceType: 'Patient', id: 'c', gender: 'male', name: 'John' }];
    expect(rest({ contained }, policy)).toEqual({
      contained: [{ resourceType: 'Patient', id: expect.stringMatching(pseudonymForm), gender: 'male' }],
    });
  });

  it('withholds what would lose a modifier, and only that', () => {
    const modifierExtension = [{ url: 'http://example.org/not', valueBoolean: true }];
    const rules = [keep('Observation.status'), keep('Observation.component.code')];
    const policy = policyOf(rules, 'drop');
    const component = [{ modifierExtension, code: 'c' }];
    for (const value of [{ modifierExtension }, { component }]) {
      expect(run({ resourceType: 'Observation', id: 'o', status: 'x', ...value }, policy)).toMatchObject({
        reason: 'modifier-extension',
      });
    }
    expect(rest({ status: 'x', component: [{ modifierExtension }] }, policy)).toEqual({ status: 'x' });
    expect(rest({ modifierExtension }, policyOf([keep("nodesByName('modifierExtension')")], 'drop'))).toEqual({
      modifierExtension,
    });
    expect(rest({ modifierExtension })).toEqual({ modifierExtension });
  });
});

describe('references', () => {
  const detached = (type?: string): object => ({
    identifier: { system: detachedSystem, value: expect.stringMatching(pseudonymForm) },
    ...(type === undefined ? {} : { type }),
  });
  const referenceTo = (reference: unknown, more: object = {}): unknown =>
    rest({ subject: { reference, ...more } }).subject;

  it.each([
    ['Patient/a', { reference: `Patient/${idOf('Patient', 'a')}` }],
    ['Patient/a/_history/3', { reference: `Patient/${idOf('Patient', 'a')}` }],
    ['Organization/o/_history/3', { reference: 'Organization/o' }],
    [
      'Practitioner/a',
      { identifier: { system: detachedSystem, value: idOf('Practitioner', 'a') }, type: 'Practitioner' },
    ],
    ['https://north.example.org/fhir/Patient/a', detached('Patient')],
    ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', detached()],
    ['urn:oid:1.2.3', detached()],
    ['Patient?identifier=mrn|77', detached('Patient')],
    ['John Smith', detached()],
    ['', detached()],
    ['#', { reference: '#' }],
    ['#nothing', detached()],
  ])('%s', (literal, expected) => {
    expect(referenceTo(literal)).toEqual(expected);
  });

  it('that are detached keep their display, lose their identifier, and tell equal targets alike', () => {
    const one = 'http://h/Patient/a';
    expect(referenceTo(one, { display: 'd', identifier: { value: 'MRN' } })).toEqual({
      display: 'd',
      ...detached('Patient'),
    });
    expect(referenceTo(one)).toEqual(referenceTo(`${one}/_history/2`));
    expect(referenceTo(one)).not.toEqual(referenceTo('http://i/Patient/a'));
  });

  it.each([5, true, ['Patient/a'], [['Patient/a']], [{}, 'Patient/a']])(
    'of a wrong type do not pass: %j',
    (literal) => {
      expect(referenceTo(literal)).toBeUndefined();
    },
  );

  it('hidden in URLs and text are rewritten too', () => {
    expect(rest({ a: 'Patient/a', url: 'Binary/b', x: 'Male/Female', u: 'Location/l' })).toEqual({
      a: `Patient/${idOf('Patient', 'a')}`,
      url: `Binary/${idOf('Binary', 'b')}`,
      x: 'Male/Female',
      u: 'Location/l',
    });
    expect(output({ resourceType: 'Observation', id: 'o', reference: 'http://h/Patient/a' }, plain)).not.toHaveProperty(
      'reference',
    );
  });

  it('to contained resources follow their new ids, which do not link containers', () => {
    const value = {
      contained: [{ resourceType: 'Patient', id: 'c', link: { reference: '#' } }],
      subject: { reference: '#c' },
    };
    const here = output({ resourceType: 'Observation', id: 'o', ...value }, plain);
    const there = output({ resourceType: 'Observation', id: 'other', ...value }, plain);
    const [one] = here.contained as { id: string }[];
    expect(here.subject).toEqual({ reference: `#${one?.id ?? ''}` });
    expect(here.subject).not.toEqual(there.subject);
  });

  it('in a Bundle agree with its entries; literal URLs of entries go', () => {
    const entry = [
      {
        fullUrl: 'http://h/Patient/a',
        resource: { resourceType: 'Patient', id: 'a' },
        request: { url: 'Patient/a' },
        response: { location: 'Patient/a' },
      },
      {
        resource: { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/a' } },
        link: [{ url: 'http://h' }],
      },
    ];
    const bundle = output({ resourceType: 'Bundle', id: 'b', link: [{ url: 'http://h' }], entry }, plain);
    expect(bundle).not.toHaveProperty('link');
    expect(bundle.entry).toEqual([
      { resource: { resourceType: 'Patient', id: idOf('Patient', 'a') } },
      {
        resource: {
          resourceType: 'Observation',
          id: idOf('Observation', 'o'),
          subject: { reference: `Patient/${idOf('Patient', 'a')}` },
        },
      },
    ]);
  });

  it('keep holes in lists beside their siblings', () => {
    const policy = policyOf([redact("nodesByName('valueString')")]);
    const value = { given: ['a', null, 'c'], _given: [{ extension: [{ valueString: 's' }] }, { id: 'x' }, null] };
    expect(rest(value, policy)).toEqual({ given: ['a', null, 'c'], _given: [null, { id: 'x' }, null] });
  });
});
