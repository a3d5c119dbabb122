import { describe, expect, it } from '@jest/globals';

import { tierOf } from '../../src/sync/tiers.ts';

describe('the order of a first load', () => {
  it.each([
    ['Patient', 'Encounter'],
    ['Organization', 'Patient'],
    ['Practitioner', 'PractitionerRole'],
    ['Encounter', 'Observation'],
    ['Observation', 'DiagnosticReport'],
    ['Claim', 'ExplanationOfBenefit'],
    ['DiagnosticReport', 'Provenance'],
  ])('has %s before %s', (first, then) => {
    expect(tierOf(first)).toBeLessThan(tierOf(then));
  });

  it('has types that nobody knows last, and together', () => {
    expect(tierOf('Hospitalism')).toBeGreaterThan(tierOf('AuditEvent'));
    expect(tierOf('Hospitalism')).toBe(tierOf('constructor'));
  });
});
