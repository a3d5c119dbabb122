/** JSON that R4 cannot have: constants of another shape, two choices of one element, parts of whole numbers. */
import { describe, expect, it } from '@jest/globals';
import { dropping, keep, observation, patient, policyOf, rule } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

describe('a constant', () => {
  const put = (path: string, value: unknown): object => rule(path, 'substitute', { with: value });

  it.each<[string, unknown, string, unknown, string]>([
    ['Patient.name.first()', 'x', 'name', ['x'], 'json-type'],
    ['Patient.name.first()', { given: 'x' }, 'name', [{ given: 'x' }], 'json-type'],
    ['Patient.name.first()', { given: ['x'] }, 'name', [{ given: ['x'] }], 'ok'],
    ['Patient.name.first()', { given: ['x'] }, 'name', { given: ['x'] }, 'json-type'],
    ['Patient.multipleBirth.where(true)', 'x', 'multipleBirthInteger', 'x', 'json-type'],
    ['Patient.multipleBirth.where(true)', 1.5, 'multipleBirthInteger', 1.5, 'json-type'],
    ['Patient.gender.where(true)', 'unknown', '_gender', 'unknown', 'json-type'],
    ['Patient.gender.where(true)', 'unknown', 'gender', 'unknown', 'ok'],
    ['Patient.gender.where(true)', 'unknown', 'gender', ['unknown'], 'json-type'],
  ])('%s with %j is no reason for %s: %j', (path, constant, key, value, expected) => {
    const policy = dropping([put(path, constant), keep('Patient.active')]);
    const out = staged(patient({ active: true }), policy);
    expect(verdictOn(plant(out, key, value), policy)).toBe(expected);
  });
});

describe('an element', () => {
  const policy = policyOf([]);
  const spoilt = (members: object): string =>
    verdictOn({ ...staged(observation({ status: 'final' }), policy), ...members }, policy);

  it('has one of its types, also beside its value', () => {
    expect(spoilt({ valueString: 'a', _valueString: { id: 'i' } })).toBe('ok');
    expect(spoilt({ valueString: 'a', valueInteger: 5 })).toBe('json-type');
    expect(spoilt({ valueString: 'a', _valueInteger: { id: 'i' } })).toBe('json-type');
    expect(spoilt({ valueString: 'a', effectiveDateTime: '2020' })).toBe('ok');
    expect(spoilt({ component: [{ valueString: 'a', valueInteger: 5 }] })).toBe('json-type');
  });

  it('has whole numbers where R4 has', () => {
    expect(spoilt({ valueInteger: 5 })).toBe('ok');
    expect(spoilt({ valueInteger: 5.5 })).toBe('json-type');
    expect(spoilt({ valueQuantity: { value: 5.5 } })).toBe('ok');
  });
});
