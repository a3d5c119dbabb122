/** perturb, and generalize by a step, a maximum and a ZIP table. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import { keys, observation, patient, policyOf, rest, rule } from '../support.ts';

const measured = (value: Json, one: object, id = 'o1'): any =>
  rest(observation({ id, valueQuantity: { value } }), policyOf([one])).valueQuantity?.value;
const counted = (value: Json, one: object): any =>
  rest(observation({ valueInteger: value }), policyOf([one])).valueInteger;
const noise = (params: object): object => rule('Observation.value.value', 'perturb', params);

describe('perturb', () => {
  it('stays within half the span, both ways, and rounds', () => {
    const all = Array.from(
      { length: 400 },
      (_, index) => measured(100, noise({ span: 10, roundTo: 1 }), `o${String(index)}`) as number,
    );
    expect(all.every((value) => value >= 95 && value <= 105 && Number(value.toFixed(1)) === value)).toBe(true);
    expect(Math.min(...all)).toBeLessThan(96);
    expect(Math.max(...all)).toBeGreaterThan(104);
    expect(Math.abs(all.reduce((sum, value) => sum + value, 0) / all.length - 100)).toBeLessThan(0.8);
  });

  it('is the same again, and another for another resource, place, instance or key', () => {
    const one = noise({ span: 10 });
    expect(measured(100, one)).toBe(measured(100, one));
    expect(measured(100, one, 'o2')).not.toBe(measured(100, one));
    const component = ['a', 'b'].map((text) => ({ code: { text }, valueQuantity: { value: 100 } }));
    const places = rest(
      observation({ component }),
      policyOf([rule('Observation.component.value.value', 'perturb', { span: 10 })]),
    ).component;
    expect(places[0].valueQuantity.value).not.toBe(places[1].valueQuantity.value);
    const source = observation({ valueQuantity: { value: 100 } });
    const south = policyOf([one], { scope: { instance: 'south' } });
    expect(rest(source, south).valueQuantity.value).not.toBe(measured(100, one));
    const other = { ...keys, pseudonymKey: new Uint8Array(32).fill(8) };
    expect(rest(source, policyOf([one]), undefined, other).valueQuantity.value).not.toBe(measured(100, one));
  });

  it('by proportion goes with the value, negative ones too', () => {
    for (const value of [1000, -1000]) {
      const noisy = measured(value, noise({ span: 0.1, rangeType: 'proportional' })) as number;
      expect(Math.abs(noisy - value)).toBeLessThanOrEqual(50);
      expect(noisy).not.toBe(value);
    }
    expect(measured(0, noise({ span: 0.1, rangeType: 'proportional' }))).toBe(0);
  });

  it('leaves whole numbers whole and in their type’s range', () => {
    for (let value = 1; value < 30; value++)
      expect(Number.isInteger(counted(value, rule('Observation.valueInteger', 'perturb', { span: 9 })))).toBe(true);
    const born = rest(
      patient({ photo: [{ size: 0 }], telecom: [{ rank: 1 }] }),
      policyOf([
        rule("nodesByType('unsignedInt')", 'perturb', { span: 9 }),
        rule("nodesByType('positiveInt')", 'perturb', { span: 9 }),
      ]),
    );
    expect(born.photo[0].size).toBeGreaterThanOrEqual(0);
    expect(born.telecom[0].rank).toBeGreaterThanOrEqual(1);
  });

  it.each([1.7e308, -1.7e308, 1e21, 5e-324, JSON.parse('1e400') as number])(
    'of %d is a number that JSON can write, or nothing',
    (value) => {
      for (const params of [{ span: 10 }, { span: 10, rangeType: 'proportional' }, { span: 1e308 }]) {
        const noisy = measured(value, noise(params));
        expect([params, noisy === undefined || Number.isFinite(noisy)]).toEqual([params, true]);
      }
    },
  );
});

describe('generalize by a step', () => {
  const step = (numberStep: number): object => rule('Observation.value.value', 'generalize', { numberStep });

  it.each([
    [7, 5, 5],
    [5, 5, 5],
    [-1, 5, -5],
    [0, 5, 0],
    [2.75, 0.5, 2.5],
    [0.3, 0.1, 0.3],
    [0.7, 0.1, 0.7],
    [1.1, 0.1, 1.1],
    [4.35, 0.01, 4.35],
    [1e21, 1e20, 1e21],
  ])('%d by %d is %d', (value, by, expected) => {
    expect(measured(value, step(by))).toBe(expected);
  });

  it('of whole numbers stays whole and in range', () => {
    expect(counted(17, rule('Observation.valueInteger', 'generalize', { numberStep: 10 }))).toBe(10);
    expect(
      rest(
        patient({ telecom: [{ rank: 3 }] }),
        policyOf([rule("nodesByType('positiveInt')", 'generalize', { numberStep: 5 })]),
      ).telecom,
    ).toEqual([{ rank: 1 }]);
  });

  it.each([1.7e308, JSON.parse('1e400') as number])('of %d is a number that JSON can write, or nothing', (value) => {
    for (const by of [0.001, 5, 1e308]) {
      const stepped = measured(value, step(by));
      expect([by, stepped === undefined || Number.isFinite(stepped)]).toEqual([by, true]);
    }
  });
});

describe('generalize by a maximum', () => {
  const most = rule('Observation.value.value', 'generalize', { numberMax: 89, as: 90 });

  it.each([
    [89, 89],
    [89.01, 90],
    [90, 90],
    [120, 90],
    [-5, -5],
  ])('%d is %d', (value, expected) => {
    expect(measured(value, most)).toBe(expected);
  });
});

describe('generalize by ZIP', () => {
  const zip = (postalCode: Json, zip3 = 'census-2010'): unknown =>
    rest(
      patient({ address: [{ state: 'MA', postalCode }] }),
      policyOf([rule('Patient.address.postalCode', 'generalize', { zip3 })]),
    ).address[0].postalCode;

  it.each([
    ['02139', '021'],
    ['02139-1234', '021'],
    ['021391234', '021'],
    [' 02139 ', '021'],
    ['03601', '000'],
    ['20301', '000'],
    ['00000', '000'],
    ['0213', undefined],
    ['021', undefined],
    ['SW1A 1AA', undefined],
    ['02139 MIT', undefined],
    ['０２１３９', undefined],
    ['', undefined],
  ])('%j is %s', (text, expected) => {
    expect(zip(text)).toBe(expected);
  });

  it('goes by the table that the policy names', () => {
    expect([zip('06301', 'census-2000'), zip('06301', 'census-2010')]).toEqual(['000', '063']);
    expect([zip('20501', 'census-2000'), zip('20501', 'census-2010')]).toEqual(['205', '000']);
  });
});
