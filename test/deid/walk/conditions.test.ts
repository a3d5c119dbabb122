/** Rules under conditions, asked of values that have been met before and of values that differ by little. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import { keep, patient, policyOf, redact, rest } from '../support.ts';

const policy = policyOf([
  redact("nodesByType('ContactPoint').where(system = 'phone').value"),
  redact("nodesByType('ContactPoint').where(use = 'home').value"),
  keep('Patient.telecom'),
]);
const removed = (point: object): boolean =>
  !JSON.stringify(rest(patient({ telecom: [point] }), policy)).includes('here');

describe('a rule under a condition', () => {
  it('is decided by the texts that it asks for, however often and in whatever order they come', () => {
    const systems: Json[] = ['phone', 'email', 'phone ', '', 'Phone'];
    const uses: Json[] = ['home', 'work', 'hom', 'ehome'];
    for (let round = 0; round < 3; round++) {
      for (const system of systems) {
        for (const use of uses) {
          expect(removed({ system, use, value: 'here' })).toBe(system === 'phone' || use === 'home');
          expect(removed({ value: 'here', use, system })).toBe(system === 'phone' || use === 'home');
        }
      }
    }
  });

  it('does not take two texts for two others that are the same one behind the other', () => {
    expect(removed({ system: 'phone', use: 'x', value: 'here' })).toBe(true);
    expect(removed({ system: 'phon', use: 'ex', value: 'here' })).toBe(false);
    expect(removed({ system: 'x', use: 'home', value: 'here' })).toBe(true);
    expect(removed({ system: 'xh', use: 'ome', value: 'here' })).toBe(false);
  });

  it('is decided anew where a text is missing', () => {
    expect(removed({ use: 'home', value: 'here' })).toBe(true);
    expect(removed({ system: 'phone', value: 'here' })).toBe(true);
    expect(removed({ use: 'work', value: 'here' })).toBe(false);
  });

  it('holds after more texts than are remembered', () => {
    for (let at = 0; at < 1_100; at++) expect(removed({ system: `s${at}`, use: 'work', value: 'here' })).toBe(false);
    expect(removed({ system: 'phone', use: 'work', value: 'here' })).toBe(true);
  });
});
