/** The checks of this folder's tests find what they are for. */
import { describe, expect, it } from '@jest/globals';
import { empties, missingRequired, newlyMissing } from './required.ts';
import { schemaErrors } from './schema.ts';

describe('the checks themselves', () => {
  const observation = {
    resourceType: 'Observation',
    id: 'a',
    status: 'final',
    code: { text: 'weight' },
    component: [{ code: { text: 'part' } }],
  };

  it('accept a valid resource, and what it contains', () => {
    const contained = { ...observation, contained: [{ resourceType: 'Patient', id: 'p' }] };
    expect([schemaErrors(contained), missingRequired(contained), empties(contained)]).toEqual([[], [], []]);
  });

  it('find what R4 does not have, also in a contained resource', () => {
    expect(schemaErrors({ ...observation, nonsense: 1 })).toEqual(['Observation additionalProperties nonsense']);
    expect(schemaErrors({ ...observation, contained: [{ ...observation, code: 1 }] })).not.toEqual([]);
    expect(schemaErrors({ ...observation, effectiveDateTime: '2020-1-1' })).not.toEqual([]);
    expect(schemaErrors({ ...observation, resourceType: 'Nonsense' })).not.toEqual([]);
  });

  it('miss what is required, a primitive too, at any depth, unless its place is taken', () => {
    expect(missingRequired({ ...observation, status: undefined!, component: [{}] })).toEqual([
      'Observation.status',
      'Observation.component.code',
    ]);
    expect(missingRequired({ ...observation, status: undefined!, _status: { extension: [] } })).toEqual([]);
    expect(missingRequired({ resourceType: 'MedicationRequest', id: 'a' })).toContain('MedicationRequest.medication');
    expect(newlyMissing({ ...observation, component: [{}, {}] }, { ...observation, component: [{}] })).toEqual([]);
    expect(newlyMissing(observation, { ...observation, component: [{}] })).toEqual(['Observation.component.code']);
  });

  it('find emptiness', () => {
    expect(empties({ a: [], b: [{}], c: { d: '' }, e: [null, 1] })).toEqual(['/a', '/b', '/c/d']);
  });
});
