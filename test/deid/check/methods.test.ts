/** What each method may leave behind, and what it cannot have. */
import { describe, expect, it } from '@jest/globals';
import type { MethodPlugin } from '../../../src/deid/engine.ts';
import { keys, observation, patient, policyOf, rule } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

const upper: MethodPlugin = {
  name: 'upper',
  version: '1',
  types: ['string'],
  apply: (value) => (typeof value === 'string' ? value.toUpperCase() : undefined),
};

/** The verdict on `value` where a rule's method should have left its own. */
function found(
  source: object,
  path: string,
  method: string,
  params: object | undefined,
  value: unknown,
  at: string,
): string {
  const policy = policyOf([rule(path, method, params)], { plugins: [upper] });
  const out = staged(source, policy);
  expect(verdictOn(out, policy)).toBe('ok');
  return verdictOn(plant(out, at, value), policy);
}

const hex = '0123456789abcdef';
const pseudonym = `p1-${'a'.repeat(32)}`;
const encrypted = `e1-${'a'.repeat(40)}`;

describe('on a text', () => {
  it.each<[string, object | undefined, unknown, string]>([
    ['pseudonymize', undefined, 'Ann', 'value-form'],
    ['pseudonymize', undefined, `p2-${'a'.repeat(32)}`, 'value-form'],
    ['pseudonymize', undefined, pseudonym, 'ok'],
    ['cryptoHash', { hexDigits: 16 }, hex + hex, 'value-form'],
    ['cryptoHash', { hexDigits: 16 }, hex.toUpperCase(), 'value-form'],
    ['cryptoHash', { hexDigits: 16 }, hex, 'ok'],
    ['cryptoHash', undefined, hex.repeat(4), 'ok'],
    ['encrypt', undefined, 'Ann', 'value-form'],
    ['encrypt', undefined, encrypted.replace('e1', 'e2'), 'value-form'],
    ['encrypt', { deterministic: true }, encrypted, 'ok'],
    ['mask', undefined, 'call 617-555-0143', 'value-form'],
    ['mask', { kinds: ['email'] }, 'call 617-555-0143', 'ok'],
    ['mask', { kinds: ['email'] }, 'ann@example.org', 'value-form'],
    ['mask', undefined, 'call [phone]', 'ok'],
    ['substitute', { with: 'x' }, 'Ann', 'removed-path'],
    ['substitute', { with: 'x' }, 'x', 'ok'],
    ['plugin', { name: 'upper' }, 'anything', 'ok'],
    ['plugin', { name: 'upper' }, 5, 'json-type'],
    ['redact', undefined, 'Ann', 'removed-path'],
  ])('%s %j leaves no %j: %s', (method, params, value, reason) => {
    const source = patient({ contact: [{ name: { text: 'Ann', family: 'x' } }] });
    expect(found(source, 'Patient.contact.name.text', method, params, value, 'contact.0.name.text')).toBe(reason);
  });

  it('mask looks into narrative', () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml">call 617-555-0143</div>';
    const source = patient({ text: { status: 'generated', div } });
    expect(found(source, 'Resource.text', 'mask', undefined, div, 'text.div')).toBe('value-form');
  });

  it('zip3 leaves three digits, of large areas or zeros', () => {
    const at = (value: string): string => {
      const source = patient({ address: [{ postalCode: '02446' }] });
      return found(
        source,
        'Patient.address.postalCode',
        'generalize',
        { zip3: 'census-2010' },
        value,
        'address.0.postalCode',
      );
    };
    expect(['024', '000', '02446', '036', 'abc'].map(at)).toEqual([
      'ok',
      'ok',
      'value-form',
      'value-form',
      'value-form',
    ]);
  });
});

describe('on a date', () => {
  it.each<[string, object | undefined, string, string]>([
    ['dateTruncate', undefined, '1980', 'ok'],
    ['dateTruncate', undefined, '1980-02', 'value-form'],
    ['dateTruncate', { to: 'month' }, '1980', 'ok'],
    ['dateTruncate', { to: 'month' }, '1980-02', 'ok'],
    ['dateTruncate', { to: 'month' }, '1980-02-03', 'value-form'],
    ['dateTruncate', { to: 'day' }, '1980-02-03', 'ok'],
    ['dateTruncate', { to: 'day' }, '1980-02-03T04:05:06Z', 'value-form'],
    ['dateTruncate', { to: 'day' }, '1980-02-30', 'value-form'],
    ['dateShift', undefined, '1980-02-03', 'ok'],
    ['dateShift', undefined, '1980-02-03T04:05:06Z', 'ok'],
    ['dateShift', undefined, '1980-02', 'value-form'],
    ['dateShift', undefined, 'soon', 'value-form'],
    ['dateShift', { timeOfDay: 'zero' }, '1980-02-03T04:05:06Z', 'value-form'],
    ['dateShift', { timeOfDay: 'zero' }, '1980-02-03T00:00:00.00+02:00', 'ok'],
    ['keep', undefined, '1980-13', 'value-form'],
  ])('%s %j and %j: %s', (method, params, value, reason) => {
    const source = observation({ effectiveDateTime: '1980-02-03' });
    expect(found(source, 'Observation.effective', method, params, value, 'effectiveDateTime')).toBe(reason);
  });

  it('an instant keeps its day alone, at midnight', () => {
    const at = (to: string, value: string): string =>
      found(
        observation({ issued: '1980-02-03T04:05:06Z' }),
        'Observation.issued',
        'dateTruncate',
        { to },
        value,
        'issued',
      );
    expect(at('day', '1980-02-03T00:00:00Z')).toBe('ok');
    expect(at('day', '1980-02-03T04:05:06Z')).toBe('value-form');
    expect(at('month', '1980-02-03T00:00:00Z')).toBe('value-form');
  });
});

describe('on a number', () => {
  it.each<[string, object, unknown, string]>([
    ['generalize', { numberStep: 5 }, 35, 'ok'],
    ['generalize', { numberStep: 5 }, 37, 'value-form'],
    ['generalize', { numberStep: 0.1 }, 3.7, 'ok'],
    ['generalize', { numberStep: 0.1 }, 3.75, 'value-form'],
    ['generalize', { numberStep: 5 }, '35', 'json-type'],
    ['generalize', { numberMax: 89, as: 90 }, 89, 'ok'],
    ['generalize', { numberMax: 89, as: 90 }, 90, 'ok'],
    ['generalize', { numberMax: 89, as: 90 }, 91, 'value-form'],
    ['generalize', { cases: { '$this > 5': '10' } }, 10, 'ok'],
    ['generalize', { cases: { '$this > 5': '10' } }, 'ten', 'json-type'],
    ['perturb', { span: 3, roundTo: 1 }, 37.2, 'ok'],
    ['perturb', { span: 3, roundTo: 1 }, 37.25, 'value-form'],
  ])('%s %j and %j: %s', (method, params, value, reason) => {
    const source = observation({ valueQuantity: { value: 37.25 } });
    expect(found(source, 'Observation.value', method, params, value, 'valueQuantity.value')).toBe(reason);
  });

  it('whole numbers stay whole', () => {
    const source = observation({ valueInteger: 37 });
    expect(found(source, 'Observation.value', 'perturb', { span: 3 }, 37.5, 'valueInteger')).toBe('json-type');
    expect(found(source, 'Observation.value', 'generalize', { numberStep: 2.5 }, 37, 'valueInteger')).toBe('ok');
    expect(found(source, 'Observation.value', 'generalize', { numberStep: 2.5 }, 36, 'valueInteger')).toBe(
      'value-form',
    );
  });
});

describe('what a method does not work on', () => {
  it('is removed, and refused where it stands', () => {
    const policy = policyOf([rule('Observation.value', 'dateTruncate')]);
    const out = staged(observation({ valueDateTime: '1980-02-03' }), policy);
    expect(verdictOn(plant(out, 'valueDateTime', undefined) && plant(out, 'valueString', '1980'), policy)).toBe(
      'removed-path',
    );
  });

  it('a constant in place of a whole element is compared whole', () => {
    const policy = policyOf([rule('Patient.name', 'substitute', { with: { text: 'Nobody' } })]);
    const out = staged(patient({ name: [{ family: 'A' }, { family: 'B' }] }), policy);
    expect(verdictOn(out, policy)).toBe('ok');
    expect(verdictOn(plant(out, 'name.1', { text: 'Nobody', family: 'B' }), policy)).not.toBe('ok');
    expect(verdictOn(plant(out, 'name.1', { family: 'B' }), policy)).not.toBe('ok');
  });

  it('an encryption names the version that the policy holds', () => {
    const policy = policyOf([rule('Patient.name.family', 'encrypt')], { keys: { encrypt: 1 } });
    const out = staged(patient({ name: [{ family: 'A' }] }), policy);
    expect(verdictOn(out, policy)).toBe('ok');
    expect(verdictOn(plant(out, 'name.0.family', encrypted.replace('e1', 'e2')), policy, keys)).toBe('value-form');
  });
});
