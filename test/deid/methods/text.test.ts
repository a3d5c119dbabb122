/** mask, generalize by cases, substitute, and a site's own plug-ins. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import type { MethodPlugin } from '../../../src/deid/engine.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { dropping, keep, observation, patient, policyOf, reasonOf, redact, rest, rule, run } from '../support.ts';

describe('mask', () => {
  const masked = (text: string, kinds?: string[]): unknown =>
    rest(observation({ valueString: text }), policyOf([rule('Observation.valueString', 'mask', kinds && { kinds })]))
      .valueString;

  it.each([
    ['mail a.b@example.org now', 'mail [email] now'],
    ['call +1 555 123-4567', 'call [phone]'],
    ['came 2020-01-02', 'came [date]'],
    ['at http://h.example.org/x?y', 'at [url]'],
    ['from 192.168.10.20', 'from [ip]'],
    ['feels well', 'feels well'],
    ['', ''],
  ])('%j is %j', (text, expected) => {
    expect(masked(text)).toBe(expected);
  });

  it('looks for the kinds that it is told', () => {
    expect(masked('a@b.org on 2020-01-02', ['email'])).toBe('[email] on 2020-01-02');
    expect(masked('a@b.org on 2020-01-02', ['date'])).toBe('a@b.org on [date]');
  });

  it('works on texts alone: codes and numbers of its element go', () => {
    expect(
      rest(
        observation({ valueCodeableConcept: { text: 'x', coding: [{ code: 'c' }] } }),
        policyOf([rule('Observation.value', 'mask')]),
      ),
    ).toEqual({
      valueCodeableConcept: { text: 'x' },
    });
  });
});

describe('generalize by cases', () => {
  const born = (cases: object, birthDate: string, otherValues?: string): unknown =>
    rest(
      patient({ birthDate }),
      policyOf([rule('Patient.birthDate', 'generalize', { cases, ...(otherValues && { otherValues }) })]),
    ).birthDate;

  it('takes the first case that is true, and removes other values unless they are kept', () => {
    const cases = { '$this < @1931-01-01': '@1930-01-01', '$this < @1950-01-01': '@1940-01-01' };
    expect(born(cases, '1920-05-05')).toBe('1930-01-01');
    expect(born(cases, '1940-05-05')).toBe('1940-01-01');
    expect(born(cases, '1960-05-05')).toBeUndefined();
    expect(born(cases, '1960-05-05', 'keep')).toBe('1960-05-05');
  });

  it('compares numbers, codes and texts', () => {
    const put = (path: string, cases: object, value: object): unknown =>
      rest(observation(value), policyOf([rule(path, 'generalize', { cases })]));
    expect(
      put('Observation.valueInteger', { '$this > 89': '90', '$this >= 0': '$this' }, { valueInteger: 95 }),
    ).toEqual({ valueInteger: 90 });
    expect(
      put('Observation.valueInteger', { '$this > 89': '90', '$this >= 0': '$this' }, { valueInteger: 12 }),
    ).toEqual({ valueInteger: 12 });
    expect(put('Observation.status', { "$this in ('final' | 'amended')": "'final'" }, { status: 'amended' })).toEqual({
      status: 'final',
    });
    expect(
      put('Observation.valueString', { "$this.startsWith('A')": '$this.substring(0, 1)' }, { valueString: 'Ann' }),
    ).toEqual({ valueString: 'A' });
    expect(
      put(
        'Observation.effectiveDateTime',
        { '$this < @2000': "'1990'" },
        { effectiveDateTime: '1990-05-05T10:00:00Z' },
      ),
    ).toEqual({ effectiveDateTime: '1990' });
  });

  it('writes no value of another JSON type than the element’s', () => {
    const cases = { '$this > 89': "'old'" };
    expect(
      readPolicy({
        apiVersion: 'fhir-sluice/v1',
        default: 'keep',
        rules: [rule('Observation.valueInteger', 'generalize', { cases: { true: '{}' } })],
      }).ok,
    ).toBe(true);
    const result = run(
      observation({ status: 'final', valueInteger: 95 }),
      policyOf([rule('Observation.valueInteger', 'generalize', { cases })]),
    );
    if (result.kind === 'resource') expect(result.resource).not.toHaveProperty('valueInteger', 'old');
    else expect(result.reason).toBe('rule-failed');
  });

  it('withholds where an expression fails on the value', () => {
    const policy = policyOf([
      rule('Observation.valueString', 'generalize', {
        cases: { '$this.toInteger().single() > 5': "'x'", '$this.foo()': "'y'" },
      }),
    ]);
    expect(reasonOf(observation({ valueString: 'secret' }), policy)).toBe('rule-failed');
  });
});

describe('substitute', () => {
  const put = (path: string, value: Json, source: object): Record<string, unknown> =>
    rest(source, policyOf([rule(path, 'substitute', { with: value })]));
  const name = [{ use: 'official', family: 'A', given: ['x', 'y'], _given: [{ id: 'i' }, null] }, { family: 'B' }];

  it('puts a constant for a primitive, for each of a list, with nothing left beside it', () => {
    expect(put('Patient.gender', 'unknown', patient({ gender: 'male', _gender: { id: 'x' } }))).toEqual({
      gender: 'unknown',
    });
    expect(put('Patient.name.given', 'X', patient({ name }))).toEqual({
      name: [{ use: 'official', family: 'A', given: ['X', 'X'] }, { family: 'B' }],
    });
    expect(put('Patient.active', false, patient({ active: true }))).toEqual({ active: false });
    expect(put('Observation.value.value', 0, observation({ valueQuantity: { value: 5 } }))).toEqual({
      valueQuantity: { value: 0 },
    });
  });

  it('puts a constant for a whole element, for each of a list', () => {
    expect(put('Patient.name', { text: 'X' }, patient({ name }))).toEqual({ name: [{ text: 'X' }, { text: 'X' }] });
    expect(put('Patient.maritalStatus', { text: 'X' }, patient({ maritalStatus: { text: 'y' } }))).toEqual({
      maritalStatus: { text: 'X' },
    });
  });

  it('puts it where a condition holds', () => {
    expect(put("Patient.name.where(use = 'official')", { text: 'X' }, patient({ name }))).toEqual({
      name: [{ text: 'X' }, { family: 'B' }],
    });
  });

  it('puts nothing where nothing was, or where an earlier rule removes', () => {
    expect(put('Patient.gender', 'unknown', patient({ active: true }))).toEqual({ active: true });
    expect(put('Patient.name', { text: 'X' }, patient({ name: [] }))).toEqual({});
    const rules = [redact('Patient.name.family'), rule('Patient.name', 'substitute', { with: { family: 'X' } })];
    expect(rest(patient({ name }), policyOf(rules)).name).toEqual([{ family: 'X' }, { family: 'X' }]);
  });
});

describe('a plug-in', () => {
  const plugged = (apply: MethodPlugin['apply'], more: Partial<MethodPlugin> = {}): MethodPlugin => ({
    name: 'x',
    version: '1',
    types: ['string'],
    apply,
    ...more,
  });
  const rules = [rule('Observation.value', 'plugin', { name: 'x', options: { by: 2 } })];
  const under = (plugin: MethodPlugin, value: object = { valueString: 'secret' }): ReturnType<typeof run> =>
    run(observation({ status: 'final', ...value }), policyOf(rules, { plugins: [plugin] }));

  it('gets the value, its type and the rule’s options, and gives the new value', () => {
    const result = under(
      plugged((value, { type, options }) => `${JSON.stringify(value).length}/${type}/${JSON.stringify(options)}`),
    );
    expect(result).toMatchObject({ resource: { status: 'final', valueString: '8/string/{"by":2}' } });
  });

  it('that throws withholds, and quotes nothing', () => {
    const result = under(
      plugged(() => {
        throw new Error('secret');
      }),
    );
    expect(result).toMatchObject({ kind: 'withheld', reason: 'rule-failed' });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it('works on its types alone, and removes by undefined', () => {
    const same = plugged((value) => value, { types: ['code'] });
    expect(under(same)).not.toHaveProperty('resource.valueString');
    expect(under(same, { valueCodeableConcept: { coding: [{ code: 'c' }], text: 't' } })).toMatchObject({
      resource: { valueCodeableConcept: { coding: [{ code: 'c' }] } },
    });
    expect(under(plugged(() => undefined))).not.toHaveProperty('resource.valueString');
  });

  it.each<unknown>([
    { a: 'secret' },
    ['secret'],
    5,
    true,
    null,
    Number.NaN,
    Infinity,
    () => 'x',
    Symbol('x'),
    5n,
    Promise.resolve('x'),
    new Date(0),
  ])('that gives no text for a text lets nothing of it pass: %p', (value) => {
    const result = under(plugged(() => value as Json));
    if (result.kind === 'withheld') expect(result.reason).toBe('rule-failed');
    else expect(Object.keys(result.resource)).not.toContain('valueString');
  });

  it('that is not there stops the policy, and its version is in the digest', () => {
    expect(() => policyOf(rules)).toThrow('a plug-in that is not configured');
    const digest = (version: string): string =>
      policyOf(rules, { plugins: [plugged((value) => value, { version })] }).digest;
    expect(digest('1')).not.toBe(digest('2'));
  });
});

it('dropping what no method works on leaves the rest', () => {
  expect(
    rest(
      observation({ status: 'final', valueQuantity: { value: 5, unit: 'mg' } }),
      dropping([keep('Observation.status'), rule('Observation.value', 'mask')]),
    ),
  ).toEqual({
    status: 'final',
    valueQuantity: { unit: 'mg' },
  });
});
