import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { NetDecimal } from '../../../src/deid/compat/tree/decimal.ts';
import { codeOf, labelsOf, run, withoutMeta } from './support.ts';

const at = (unit: number) => ({ random: { unit: () => unit, bytes: (count: number) => new Uint8Array(count) } });
const perturb = (path: string, more: object = {}) => [{ path, method: 'perturb', span: 4, ...more }];
const observation = (value: object) => ({ resourceType: 'Observation', status: 'final', ...value });

describe('perturb', () => {
  it.each([
    [0, 18],
    [0.5, 20],
    [0.75, 21],
  ])('adds noise from -span/2 to span/2: at %s', (unit, expected) => {
    const perturbed = run(
      perturb('Observation.value'),
      observation({ valueQuantity: { value: 20, unit: 'kg' } }),
      {},
      at(unit),
    );
    expect(perturbed.valueQuantity).toEqual({ value: expected, unit: 'kg' });
    expect(labelsOf(perturbed)).toEqual(['PERTURBED']);
  });

  it('may take a share of the value for its span', () => {
    const rule = perturb('Observation.value', { rangeType: 'Proportional', span: 0.2 });
    expect(run(rule, observation({ valueQuantity: { value: 200 } }), {}, at(0)).valueQuantity.value).toBe(180);
  });

  it.each([
    ['Age', { resourceType: 'Condition', onsetAge: { value: 20 } }],
    ['Money', { resourceType: 'Invoice', status: 'issued', totalNet: { value: 20, currency: 'EUR' } }],
    ['Duration', { resourceType: 'Encounter', status: 'finished', length: { value: 20 } }],
    ['Count', { resourceType: 'Observation', extension: [{ url: 'u', valueCount: { value: 20 } }] }],
    ['Distance', { resourceType: 'Observation', extension: [{ url: 'u', valueDistance: { value: 20 } }] }],
    ['decimal', { resourceType: 'Location', position: { longitude: 20 } }],
    ['integer', observation({ valueInteger: 20 })],
    ['positiveInt', { resourceType: 'Patient', telecom: [{ rank: 20 }] }],
    ['unsignedInt', { resourceType: 'Bundle', type: 'searchset', total: 20 }],
  ])('works on %s', (type, resource) => {
    const perturbed = run(perturb(`nodesByType('${type}')`), resource, {}, at(0));
    expect(JSON.stringify(withoutMeta(perturbed))).toBe(JSON.stringify(resource).replace('20', '18'));
  });

  it('goes down to numbers in what is none', () => {
    const range = observation({ valueRange: { low: { value: 20 }, high: { value: 30, code: 'x' } } });
    const perturbed = run(perturb('Observation'), range, {}, at(0));
    expect(perturbed.valueRange).toEqual({ low: { value: 18 }, high: { value: 28, code: 'x' } });
  });

  it.each([
    [{ roundTo: 0 }, 2.5, 2],
    [{ roundTo: 0 }, 3.5, 4],
    [{ roundTo: 2 }, 1.005, 1],
    [{}, 1.015, 1.02],
    [{ roundTo: 3 }, 1.0625, 1.062],
  ])('rounds halves to even: %j of %s', (more, value, expected) => {
    const rule = perturb('Observation.value', { span: 0, ...more });
    expect(run(rule, observation({ valueQuantity: { value } })).valueQuantity.value).toBe(expected);
  });

  it.each([
    ['positiveInt', { resourceType: 'Patient', telecom: [{ rank: 1 }] }, 1],
    ['unsignedInt', { resourceType: 'Bundle', type: 'searchset', total: 1 }, 0],
    ['integer', observation({ valueInteger: 1 }), -1],
  ])('keeps %s within its type', (type, resource, expected) => {
    const perturbed = run(perturb(`nodesByType('${type}')`, { roundTo: 3 }), resource, {}, at(0));
    expect(perturbed.telecom?.[0].rank ?? perturbed.total ?? perturbed.valueInteger).toBe(expected);
  });

  it('throws on a negative value with a share for a span, as the generator that Microsoft uses', () => {
    const rule = perturb('Observation.value', { rangeType: 'proportional' });
    expect(codeOf(() => run(rule, observation({ valueQuantity: { value: -1 } })))).toBe('perturb-negative-range');
  });

  it('leaves alone what an earlier rule has had', () => {
    const rules = [{ path: 'Observation.value.value', method: 'keep' }, ...perturb('Observation.value')];
    expect(run(rules, observation({ valueQuantity: { value: 20 } }), {}, at(0)).valueQuantity.value).toBe(20);
  });

  it('stays within its range, and draws anew each time', () => {
    const value = (): number =>
      run(
        perturb('Observation.value'),
        observation({ valueQuantity: { value: 20 } }),
        {},
        { random: undefined as never },
      ).valueQuantity.value;
    const values = Array.from({ length: 50 }, value);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(18);
    expect(Math.max(...values)).toBeLessThanOrEqual(22);
    expect(new Set(values).size).toBeGreaterThan(5);
  });
});

describe('decimals', () => {
  const texts = fc
    .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.nat(8))
    .map(([digits, scale]) => new NetDecimal(digits, scale).toString());

  it('come back as they were written', () => {
    fc.assert(fc.property(texts, (text) => NetDecimal.parse(text)?.toString() === text));
  });

  it('add up exactly', () => {
    expect(NetDecimal.parse('0.1')?.add(NetDecimal.parse('0.20')!).toString()).toBe('0.30');
  });

  it.each([
    ['1e3', '1000'],
    ['1.50E1', '15.0'],
    ['-2.5e-3', '-0.0025'],
  ])('read %s as %s', (text, expected) => {
    expect(NetDecimal.parse(text)?.toString()).toBe(expected);
  });
});
