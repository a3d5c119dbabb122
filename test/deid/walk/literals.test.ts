/** `Type/id` of the source within longer texts and addresses. */
import { describe, expect, it } from '@jest/globals';
import { observation, output, policyOf, rest } from '../support.ts';

const kept = policyOf([], { leakGuard: 'off' });
const id = '9f8b7c6d-1111-4222-8333-123456789abc';
const pseudonym = output({ resourceType: 'Patient', id }, kept).id ?? '';

const noteOf = (text: string): unknown => rest(observation({ note: [{ text }] }), kept).note[0].text;

describe('a literal within a longer text', () => {
  it.each([
    [`see Patient/${id} and more.`, `see Patient/${pseudonym} and more.`],
    [`(Patient/${id})`, `(Patient/${pseudonym})`],
    [`at Patient/${id}/_history/2, twice: Patient/${id}.`, `at Patient/${pseudonym}, twice: Patient/${pseudonym}.`],
    [`http://x.example/fhir/Patient/${id}`, `http://x.example/fhir/Patient/${pseudonym}`],
  ])('%j has the pseudonym in its place', (text, expected) => {
    expect(noteOf(text)).toBe(expected);
  });

  it.each([
    'Patient/family education',
    'Encounter/visit 3',
    'Group/2 sessions a week',
    'Organization/12 of the hub',
    'http://terminology.hl7.org/CodeSystem/v3-ActCode',
    'http://hl7.org/fhir/StructureDefinition/bmi22',
    'patient/123',
  ])('%j is prose, the hub’s or a published name', (text) => {
    expect(noteOf(text)).toBe(text);
  });

  it('is rewritten in systems, profiles and codes as well', () => {
    const url = `http://x.example/Patient/${id}`;
    const code = { coding: [{ system: url, code: `of Patient/${id}` }] };
    const text = JSON.stringify(output(observation({ code, meta: { profile: [url] } }), kept));
    expect(text).not.toContain(id);
    expect(text.match(new RegExp(`Patient/${pseudonym}`, 'g'))).toHaveLength(3);
  });
});
