import { describe, expect, it } from '@jest/globals';
import { anonymizeCompat } from '../../../src/deid/compat/index.ts';
import { codeOf, engineOf, jsonConfig, labelsOf, run } from './support.ts';

const generalize = (path: string, cases: Record<string, string>, more: object = {}) => ({
  path,
  method: 'generalize',
  cases,
  ...more,
});
const ranges = { '$this>=0 and $this<20': '20', '$this>=20 and $this<40': '40' };
const observation = (value: number) => ({ resourceType: 'Observation', status: 'final', valueQuantity: { value } });
const patient = {
  resourceType: 'Patient',
  gender: 'male',
  birthDate: '1995-05-05',
  address: [{ postalCode: '12345' }],
};

describe('generalize', () => {
  it.each([
    [0, 20],
    [19.99, 20],
    [20, 40],
    [41, undefined],
  ])('takes for %s the value of the first case that holds: %s', (value, expected) => {
    const generalized = run([generalize('Observation.value.value', ranges)], observation(value));
    expect(generalized.valueQuantity?.value).toBe(expected);
    expect(labelsOf(generalized)).toEqual(['GENERALIZED']);
  });

  it('may keep other values', () => {
    const rule = generalize('Observation.value.value', ranges, { otherValues: 'Keep' });
    expect(run([rule], observation(41)).valueQuantity.value).toBe(41);
  });

  it.each([
    ['a set', "$this in ('en-AU' | 'en-GB')", "'en'", 'en-GB', 'en'],
    ['a start', "$this.startsWith('12') or $this.startsWith('23')", "$this.substring(0,2)+'***'", '12345', '12***'],
    ['a pattern', 'true', "$this.replaceMatches('[0-9]', '#')", 'a1', 'a#'],
    ['no value', 'true', '{}', 'x', undefined],
    ['a condition without an answer, which counts as true', '{}', "'y'", 'x', 'y'],
    ['a condition that is no boolean', "'false'", "'y'", 'x', 'y'],
  ])('knows %s', (_title, condition, result, value, expected) => {
    const rule = generalize('Patient.language', { [condition]: result });
    expect(run([rule], { resourceType: 'Patient', id: 'p', language: value }).language).toBe(expected);
  });

  it('compares dates as dates', () => {
    const rule = generalize('Patient.birthDate', {
      '$this >= @1990-01-01 and $this <= @2000-01-01': '@1990',
      '$this > @2000-01-01': '@2010-01-01',
    });
    expect(run([rule], patient).birthDate).toBe('1990');
    expect(run([rule], { ...patient, birthDate: '2005-01-01' }).birthDate).toBe('2010-01-01');
    expect(run([rule], { ...patient, birthDate: '1985-01-01' }).birthDate).toBeUndefined();
  });

  it('counts whole numbers, and writes a long on a decimal as a text, as Firely does', () => {
    const rule = (path: string) => generalize(path, { true: '($this div 10)*10' });
    expect(run([rule('Observation.value.value')], observation(18)).valueQuantity.value).toBe('10');
    expect(
      run([rule('Patient.multipleBirth')], { resourceType: 'Patient', multipleBirthInteger: 18 }).multipleBirthInteger,
    ).toBe(10);
    expect(
      run([generalize('Observation.value.value', { true: '$this * 2' })], observation(18.5)).valueQuantity.value,
    ).toBe(37);
  });

  it('throws on what is no primitive, extensions of primitives included, and is not skipped over', () => {
    const extended = { ...patient, _gender: { extension: [{ url: 'u', valueString: 's' }] } };
    const rules = [generalize('Patient.gender', { true: "'x'" })];
    expect(codeOf(() => run(rules, extended))).toBe('generalize-not-primitive');
    const engine = engineOf(jsonConfig(rules, {}, { processingErrors: 'skip' }));
    expect(codeOf(() => anonymizeCompat(engine, extended))).toBe('generalize-not-primitive');
  });
});

describe('processingErrors', () => {
  const failing = [generalize('Patient.gender', { '$this > 5': "'x'" })];
  const result = (processingErrors: string): unknown =>
    anonymizeCompat(engineOf(jsonConfig(failing, {}, { processingErrors })), patient);

  it('raise throws, and is what is done where nothing is said', () => {
    expect(codeOf(() => result('Raise'))).toBe('generalize-failed');
    expect(codeOf(() => run(failing, patient))).toBe('generalize-failed');
  });

  it('skip leaves an empty resource that says that it was redacted', () => {
    const security = [
      { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED', display: 'redacted' },
    ];
    expect(result('skip')).toEqual({ kind: 'resource', resource: { resourceType: 'Patient', meta: { security } } });
  });

  it('keep withholds: the input never passes as it is', () => {
    expect(result('keep')).toEqual({ kind: 'withheld', reason: 'processing-error' });
  });

  it('is about no other failure', () => {
    const engine = engineOf(jsonConfig(failing, {}, { processingErrors: 'skip' }));
    expect(codeOf(() => anonymizeCompat(engine, { resourceType: 'Nothing' }))).toBe('input-not-a-resource');
  });
});
