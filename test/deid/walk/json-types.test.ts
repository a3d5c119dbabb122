/** Every primitive type of R4 against every JSON type: what is not R4's withholds where it is kept, and goes where it is removed. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import { jsonKindOf } from '../../../src/deid/plan/child.ts';
import { r4Type, r4TypeNames } from '../../../src/deid/r4/model.ts';
import { dropping, keep, observation, patient, policyOf, reasonOf, redact, rest, rule, run } from '../support.ts';

const values: readonly Json[] = [
  'secret',
  '',
  5,
  -0,
  1e300,
  true,
  false,
  null,
  {},
  { a: 'secret' },
  [],
  ['secret'],
  [5],
  [null],
  [[]],
  [{}],
];
const primitives = r4TypeNames.filter((name) => r4Type(name)?.kind === 'primitive' && name !== 'xhtml');
const valueTypes = [...(r4Type('Extension')?.elements.values() ?? [])].filter(({ name }) => name === 'value');
const keyOf = (type: string): string => `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;

describe.each(primitives)('%s', (type) => {
  const key = keyOf(type);
  const holder = (value: Json): object => patient({ active: true, extension: [{ url: 'http://x', [key]: value }] });

  it('passes in its own JSON type alone, and anything else withholds', () => {
    expect(valueTypes.some((one) => one.type === type)).toBe(true);
    for (const value of values) {
      const reason = reasonOf(holder(value), policyOf([]));
      const isOwn = value === null || typeof value === jsonKindOf(type);
      expect([value, reason]).toEqual([value, isOwn ? undefined : 'wrong-json-type']);
    }
  });

  it('is removed whatever stands there', () => {
    for (const policy of [policyOf([redact('Patient.extension')]), dropping([keep('Patient.active')])]) {
      for (const value of values) {
        const result = run(holder(value), policy);
        expect([value, result.kind]).toEqual([value, 'resource']);
        expect(JSON.stringify(result)).not.toContain('secret');
      }
    }
  });

  it.each(['pseudonymize', 'cryptoHash', 'dateShift', 'dateTruncate', 'encrypt', 'mask', 'perturb', 'generalize'])(
    'under %s never passes in clear in a wrong JSON type',
    (method) => {
      const params = { perturb: { span: 2 }, generalize: { numberStep: 7 } }[method];
      const policy = policyOf([rule("Patient.extension('http://x')", method, params)]);
      for (const value of values) {
        const result = run(holder(value), policy);
        if (result.kind === 'withheld') expect(result.reason).toBe('wrong-json-type');
        else if (method !== 'mask')
          expect([value, JSON.stringify(result.resource).includes('secret')]).toEqual([value, false]);
      }
    },
  );
});

describe('shapes', () => {
  const wrong: readonly Json[] = [
    'secret',
    5,
    true,
    ['secret'],
    [5],
    [null],
    [[{ family: 'secret' }]],
    { family: 'secret' },
  ];

  it.each(['name', 'contact', 'extension', 'contained', 'identifier'])(
    'a list of objects is nothing else: %s',
    (key) => {
      for (const value of wrong) {
        expect([value, reasonOf(patient({ [key]: value }), policyOf([]))]).toEqual([value, 'wrong-json-type']);
        if (key !== 'contained')
          expect(rest(patient({ [key]: value }), policyOf([redact(`Patient.${key}`)]))).toEqual({});
      }
    },
  );

  it.each(['maritalStatus', 'managingOrganization', 'text'])('an object is nothing else: %s', (key) => {
    for (const value of ['secret', 5, true, [], ['secret'], [{ text: 'secret' }]]) {
      expect([value, reasonOf(patient({ [key]: value }), policyOf([]))]).toEqual([value, 'wrong-json-type']);
      expect(rest(patient({ [key]: value }), policyOf([redact(`Patient.${key}`)]))).toEqual({});
    }
  });

  it('a primitive is no list, and a list no primitive', () => {
    expect(reasonOf(patient({ birthDate: ['1990'] }), policyOf([]))).toBe('wrong-json-type');
    expect(reasonOf(patient({ name: [{ given: 'Ann' }] }), policyOf([]))).toBe('wrong-json-type');
    expect(reasonOf(patient({ name: [{ given: [['Ann']] }] }), policyOf([]))).toBe('wrong-json-type');
    expect(reasonOf(patient({ name: [{ given: 'Ann' }] }), policyOf([rule('Patient.name.given', 'cryptoHash')]))).toBe(
      'wrong-json-type',
    );
  });

  it.each(['x', 5, true, [], [{}], ['x']])('what stands beside a primitive is an Element: %j', (value) => {
    expect(reasonOf(patient({ birthDate: '1990', _birthDate: value }), policyOf([]))).toBe('wrong-json-type');
    expect(rest(patient({ birthDate: '1990', _birthDate: value }), policyOf([redact('Patient.birthDate')]))).toEqual(
      {},
    );
  });

  it.each(['x', 5, {}, [5], ['x'], [[]]])(
    'what stands beside a list of primitives is a list of Elements and nulls: %j',
    (value) => {
      expect(reasonOf(patient({ name: [{ given: ['a'], _given: value }] }), policyOf([]))).toBe('wrong-json-type');
    },
  );
});

describe('one type of a choice element', () => {
  const twice = { valueString: 'a', valueQuantity: { value: 5 } };
  const readings = (members: object): object => observation({ status: 'final', ...members });

  it.each<[string, object]>([
    ['two values', twice],
    ['in the other order', { valueQuantity: { value: 5 }, status: 'final', valueString: 'a' }],
    ['what stands beside a value of another type', { valueString: 'a', _valueInteger: { id: 'i' } }],
    ['two of what stands beside values', { _valueString: { id: 'i' }, _valueInteger: { id: 'i' } }],
    ['in a component', { component: [twice] }],
    ['in an extension', { extension: [{ url: 'http://x', ...twice }] }],
    [
      'in a contained resource',
      { contained: [{ resourceType: 'Patient', deceasedBoolean: true, deceasedDateTime: '2020' }] },
    ],
  ])('has no second one that passes: %s', (_title, members) => {
    const policy = policyOf([keep("Observation.extension('http://x')")]);
    expect(reasonOf(readings(members), policy)).toBe('wrong-json-type');
  });

  it.each<[string, object]>([
    ['a value with what stands beside it', { valueString: 'a', _valueString: { id: 'i' } }],
    ['two choice elements', { effectiveDateTime: '2020', valueString: 'a' }],
    [
      'two choice elements with what stands beside them',
      {
        effectiveDateTime: '2020',
        _effectiveDateTime: { id: 'i' },
        valueString: 'a',
        _valueString: { id: 'i' },
      },
    ],
    ['the same element in two objects', { valueString: 'a', component: [{ code: {}, valueInteger: 5 }] }],
    ['a second one that is null', { valueString: 'a', valueInteger: null }],
  ])('is one: %s', (_title, members) => {
    expect(reasonOf(readings(members), policyOf([]))).toBeUndefined();
  });

  it('is what is left where rules remove the others', () => {
    expect(rest(readings(twice), policyOf([redact('Observation.value.ofType(Quantity)')]))).toEqual({
      status: 'final',
      valueString: 'a',
    });
  });
});

describe('a whole number', () => {
  const members = { valueInteger: 1.5 };

  it.each(['integer', 'positiveInt', 'unsignedInt'])('has no fraction where it passes: %s', (type) => {
    const holder = patient({ extension: [{ url: 'http://x', [keyOf(type)]: 1.5 }] });
    expect(reasonOf(holder, policyOf([]))).toBe('wrong-json-type');
    expect(rest(holder, policyOf([redact('Patient.extension')]))).toEqual({});
    expect(reasonOf(patient({ extension: [{ url: 'http://x', [keyOf(type)]: 2 }] }), policyOf([]))).toBeUndefined();
  });

  it.each(['perturb', 'generalize'])('has no fraction where %s changes it', (method) => {
    const params = { perturb: { span: 2 }, generalize: { numberStep: 7 } }[method];
    expect(reasonOf(observation(members), policyOf([rule('Observation.value', method, params)]))).toBe(
      'wrong-json-type',
    );
  });

  it('is no matter of decimals', () => {
    expect(rest(observation({ valueQuantity: { value: 1.5 } }), policyOf([]))).toEqual({
      valueQuantity: { value: 1.5 },
    });
  });
});

describe('nothing at all', () => {
  const keys = [...(r4Type('Patient')?.elements.keys() ?? [])].filter((key) => key !== 'id');

  it('null is as if the member were not there', () => {
    const nulls = Object.fromEntries(
      keys.flatMap((key) => [
        [key, null],
        [`_${key}`, null],
      ]),
    );
    for (const policy of [
      policyOf([]),
      dropping([keep('Patient')]),
      policyOf([rule('Patient.birthDate', 'dateShift')]),
    ]) {
      expect(rest(patient(nulls), policy)).toEqual({});
    }
  });

  it('no null of a required element becomes a statement that something was there', () => {
    expect(rest(observation({ status: null, code: null, valueString: 'x' }), policyOf([]))).toEqual({
      valueString: 'x',
    });
  });

  it('empty objects and lists go', () => {
    const empty = {
      name: [{}],
      contact: [],
      maritalStatus: {},
      text: {},
      extension: [],
      photo: [{}, {}],
      link: [{ other: {} }],
    };
    expect(rest(patient({ ...empty, foo: {}, bar: [], baz: [[], {}] }), policyOf([]))).toEqual({});
  });
});

describe('lists of primitives with holes', () => {
  const ext = { extension: [{ url: 'http://x', valueCode: 'c' }] };

  it('keep their places beside their siblings', () => {
    const name = [{ given: ['a', null, 'c'], _given: [null, ext, null] }];
    expect(rest(patient({ name }), policyOf([]))).toEqual({ name });
    const siblingless = [{ given: [null, 'b'], _given: [ext, null] }];
    expect(rest(patient({ name: siblingless }), policyOf([redact('Patient.name.given.extension')]))).toEqual({
      name: [{ given: ['b'] }],
    });
  });

  it('keep their places where a method removes a member', () => {
    const holidays = { resourceType: 'Appointment', id: 'a', requestedPeriod: [{ start: '2020' }] };
    expect(reasonOf(holidays, policyOf([]))).toBeUndefined();
    const timing = { event: ['2020', '2020-01-02'], _event: [null, ext] };
    const task = {
      resourceType: 'ServiceRequest',
      id: 's',
      status: 'active',
      intent: 'order',
      occurrenceTiming: timing,
    };
    const { occurrenceTiming } = rest(
      task,
      policyOf([redact("ServiceRequest.occurrenceTiming.event.where($this = '2020' or $this = @2020)")]),
    );
    expect(occurrenceTiming).toEqual({ event: [null, '2020-01-02'], _event: [null, ext] });
  });
});
