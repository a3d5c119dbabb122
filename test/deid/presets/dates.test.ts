/** Ages over 89 are capped however their unit is spelt; what is no age stays. */
import { describe, expect, it } from '@jest/globals';
import { observation, policyOf, rest } from '../support.ts';

const policy = policyOf([], { extends: 'safe-harbor' });
const valueOf = (quantity: object): unknown =>
  rest(observation({ valueQuantity: quantity }), policy).valueQuantity?.value;

describe('95 years', () => {
  it.each([
    ...['years', 'Years ', ' YEARS', 'YRS', 'yr', 'year(s)', 'y', 'yo', 'y/o', 'years old', '{years}', 'a', 'a_j'],
    ...['Jahre', 'ans', 'Años', 'anni', 'лет', '岁'],
  ])('by the unit %j become 90', (unit) => {
    expect(valueOf({ value: 95, unit })).toBe(90);
  });

  it.each(['a', 'a_j', 'a_t', 'a_g', 'A_J', 'years'])('by the code %j become 90', (code) => {
    expect(valueOf({ value: 95, code })).toBe(90);
  });

  it('in months become 1080', () => {
    for (const unit of ['mo', 'Months', 'mo_j ']) expect(valueOf({ value: 1140, unit })).toBe(1080);
  });

  it('as an Age in a unit that nobody knows become 90', () => {
    const condition = { resourceType: 'Condition', id: 'c1', onsetAge: { value: 95, unit: 'winters' } };
    expect(rest(condition, policy).onsetAge.value).toBe(90);
  });
});

describe('a measurement', () => {
  it.each(['mg', 'A', 'mm[Hg]', 'kg', '/min', 'annual'])('in %j stays', (unit) => {
    expect(valueOf({ value: 95, unit })).toBe(95);
    expect(valueOf({ value: 95, code: unit })).toBe(95);
  });
});
