import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat, anonymizeCompatText } from '../../../src/deid/compat/index.ts';
import { codeOf, engineOf, jsonConfig, run } from './support.ts';

const through = (resource: unknown): unknown => run([], resource as object);

describe('what the parser takes and gives back', () => {
  it('gives back what it read, primitives with what stands beside them', () => {
    const patient = {
      resourceType: 'Patient',
      id: 'p1',
      _birthDate: { id: 'b', extension: [{ url: 'http://x.org/e', valueDateTime: '2000-01-01T01:01:01-01:00' }] },
      name: [{ given: ['A', 'B'], _given: [null, { id: 'g' }] }, { text: '𝄞 “x” <&>' }],
      multipleBirthInteger: 2,
      active: false,
      contained: [{ resourceType: 'Organization', name: 'O' }],
    };
    expect(through(patient)).toEqual(patient);
  });

  it('drops nulls, blank texts, empty objects and fhir_comments', () => {
    const patient = {
      resourceType: 'Patient',
      fhir_comments: ['c'],
      id: null,
      language: '  ',
      name: [{}, { family: '' }, { family: 'F' }],
      unknownButNull: null,
    };
    expect(through(patient)).toEqual({ resourceType: 'Patient', name: [{ family: 'F' }] });
  });

  it('trims texts', () => {
    expect(through({ resourceType: 'Patient', name: [{ family: '\u00a0 A b\n' }] })).toEqual({
      resourceType: 'Patient',
      name: [{ family: 'A b' }],
    });
  });

  it('writes numbers and booleans by their type, whatever the JSON had', () => {
    const observation = {
      resourceType: 'Observation',
      status: 5,
      valueQuantity: { value: '1.50', unit: true },
      referenceRange: [{ low: { value: 1e3 } }],
    };
    expect(through(observation)).toEqual({
      resourceType: 'Observation',
      status: '5',
      valueQuantity: { value: 1.5, unit: 'true' },
      referenceRange: [{ low: { value: 1000 } }],
    });
  });

  it('takes a single value for a list, and of a list where one may stand the first', () => {
    const patient = { resourceType: 'Patient', name: { family: ['F', 'G'] }, gender: ['male'] };
    expect(through(patient)).toEqual({ resourceType: 'Patient', name: [{ family: 'F' }], gender: 'male' });
  });

  it('takes resourceType within ExampleScenario.instance for an element', () => {
    const scenario = {
      resourceType: 'ExampleScenario',
      status: 'draft',
      instance: [{ resourceId: 'i', resourceType: 'Patient' }],
    };
    expect(through(scenario)).toEqual(scenario);
  });

  it.each([
    ['no object', [], 'input-not-a-resource'],
    ['no type', { id: 'x' }, 'input-not-a-resource'],
    ['an unknown type', { resourceType: 'DeviceComponent' }, 'input-not-a-resource'],
    ['an abstract type', { resourceType: 'DomainResource' }, 'input-not-a-resource'],
    ['a data type', { resourceType: 'HumanName', family: 'F' }, 'input-not-a-resource'],
    ['an unknown element', { resourceType: 'Patient', nickname: 'N' }, 'input-unknown-element'],
    ['an unknown element of a primitive', { resourceType: 'Patient', _gender: { x: 1 } }, 'input-unknown-element'],
    ['an unknown choice', { resourceType: 'Patient', deceasedString: 'x' }, 'input-unknown-element'],
    ['a key of every object', { resourceType: 'Patient', constructor: 'y' }, 'input-unknown-element'],
    ['a text for an object', { resourceType: 'Patient', name: ['F'] }, 'input-wrong-type'],
    ['a text for a boolean', { resourceType: 'Patient', active: 'yes' }, 'input-wrong-type'],
    ['a fraction for an integer', { resourceType: 'Patient', multipleBirthInteger: 1.5 }, 'input-wrong-type'],
    ['a day that is none', { resourceType: 'Patient', birthDate: '2015-02-30' }, 'input-wrong-type'],
    ['a time in a date', { resourceType: 'Patient', birthDate: '2015-02-03T10:00:00Z' }, 'input-wrong-type'],
    [
      'a resource for an element',
      { resourceType: 'Patient', contact: [{ resourceType: 'Patient' }] },
      'input-wrong-type',
    ],
    ['an element for a resource', { resourceType: 'Patient', contained: [{ id: 'x' }] }, 'input-wrong-type'],
    ['an unknown type within', { resourceType: 'Patient', contained: [{ resourceType: 'X' }] }, 'input-not-a-resource'],
    ['content twice', { resourceType: 'Patient', contact: [{ id: 'a' }], _contact: [{ id: 'b' }] }, 'input-wrong-type'],
  ])('throws on %s, and never quotes it', (_title, input, code) => {
    expect(codeOf(() => through(input))).toBe(code);
  });

  it('throws on input nested too deep instead of running out of stack', () => {
    let extension: object = { url: 'u' };
    for (let depth = 0; depth < 5000; depth++) extension = { url: 'u', extension: [extension] };
    expect(codeOf(() => through({ resourceType: 'Patient', extension: [extension] }))).toBe('input-too-deep');
  });

  it.each([
    '2015',
    '2015-02',
    '2015-02-07T13:28',
    '2015-02-07T13:28:17',
    '2015-02-07T13:28:17.239-05:00',
    '2015-02-07Z',
  ])('takes the dateTime %s as it is', (text) => {
    const observation = { resourceType: 'Observation', effectiveDateTime: text };
    expect(through(observation)).toEqual(observation);
  });

  it('leaves the input as it is', () => {
    const patient = { resourceType: 'Patient', name: [{ family: 'F' }] };
    run([{ path: 'Patient.name', method: 'redact' }], patient);
    expect(patient).toEqual({ resourceType: 'Patient', name: [{ family: 'F' }] });
  });
});

describe('texts', () => {
  const hashing = engineOf(jsonConfig([{ path: 'Observation.value.value', method: 'cryptoHash' }]));
  const valueOf = (text: string): unknown => {
    const result = anonymizeCompatText(hashing, text);
    return result.kind === 'resource' ? JSON.parse(result.text).valueQuantity.value : undefined;
  };
  const observation = (value: string): string => `{"resourceType":"Observation","valueQuantity":{"value":${value}}}`;

  it('hash decimals with the digits that they were written with', () => {
    expect(valueOf(observation('1.50'))).not.toBe(valueOf(observation('1.5')));
    const plain: any = anonymizeCompat(hashing, JSON.parse(observation('1.50')));
    expect(plain.resource.valueQuantity.value).toBe(valueOf(observation('1.5')));
  });

  it('write decimals with a point and all their digits', () => {
    const result = anonymizeCompatText(
      engineOf(jsonConfig([])),
      observation('5').replace('}}', '},"component":[{"code":{"text":"c"},"valueQuantity":{"value":2.500}}]}'),
    );
    expect(result).toMatchObject({ text: expect.stringContaining('"value":5.0}') });
    expect(result).toMatchObject({ text: expect.stringContaining('"value":2.500}') });
  });

  it('that are no JSON are refused without being quoted', () => {
    expect(codeOf(() => anonymizeCompatText(hashing, '{"resourceType": "Secret"'))).toBe('input-not-json');
  });
});
