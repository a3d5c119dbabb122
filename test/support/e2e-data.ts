/** Synthetic resources for end-to-end tests: small, with PHI, and with references that go in circles. No real person. */
import type { JsonObject, Resource } from '../../src/fhir/resource.ts';

type WithId = Resource & { id: string };

/** Removes what `patient`, `encounter`, `condition` and `observation` hold of a person; keeps the rest. */
export const testPolicy: JsonObject = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'e2e',
  default: 'keep',
  rules: [
    { path: 'Patient.name', method: 'redact' },
    { path: 'Patient.identifier', method: 'redact' },
    { path: 'Patient.telecom', method: 'redact' },
    { path: 'Patient.birthDate', method: 'redact' },
    { path: 'Resource.text', method: 'redact' },
    { path: "nodesByName('note')", method: 'redact' },
  ],
};

/** Another one, that removes more. */
export const stricterPolicy: JsonObject = {
  ...testPolicy,
  name: 'e2e-stricter',
  rules: [...(testPolicy.rules as JsonObject[]), { path: 'Patient.gender', method: 'redact' }],
};

/** Members at a resource's top that `testPolicy` removes, by type: what the checker goes by, not the product. */
export const removedMembers: Readonly<Record<string, readonly string[]>> = {
  Patient: ['name', 'identifier', 'telecom', 'birthDate', 'text'],
  Encounter: ['text'],
  Condition: ['note', 'text'],
  Observation: ['note', 'text'],
};

export const organization = (n: number): WithId => ({
  resourceType: 'Organization',
  id: `org-${String(n)}`,
  name: `Hospital ${String(n)}`,
  ...(n > 1 && { partOf: { reference: `Organization/org-${String(n - 1)}` } }),
});

export const patient = (n: number, change: JsonObject = {}): WithId => ({
  resourceType: 'Patient',
  id: `pat-${String(n)}`,
  name: [{ family: `Sample${String(n)}`, given: ['Ada'] }],
  identifier: [{ system: 'urn:mrn', value: `mrn-${String(10_000 + n)}` }],
  telecom: [{ system: 'phone', value: `555-01${String(n).padStart(2, '0')}` }],
  birthDate: '1970-01-01',
  gender: n % 2 === 0 ? 'female' : 'male',
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">Sample${String(n)}</div>` },
  managingOrganization: { reference: 'Organization/org-1' },
  ...change,
});

/** Refers to its condition, which refers to it. */
export const encounter = (n: number, patientNumber = n): WithId => ({
  resourceType: 'Encounter',
  id: `enc-${String(n)}`,
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: `Patient/pat-${String(patientNumber)}` },
  diagnosis: [{ condition: { reference: `Condition/con-${String(n)}` } }],
});

export const condition = (n: number, patientNumber = n): WithId => ({
  resourceType: 'Condition',
  id: `con-${String(n)}`,
  code: { coding: [{ system: 'http://snomed.info/sct', code: String(38_341_003 + n) }] },
  subject: { reference: `Patient/pat-${String(patientNumber)}` },
  encounter: { reference: `Encounter/enc-${String(n)}` },
  note: [{ text: `Sample${String(patientNumber)} complains` }],
});

export const observation = (n: number, patientNumber = n, change: JsonObject = {}): WithId => ({
  resourceType: 'Observation',
  id: `obs-${String(n)}`,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { reference: `Patient/pat-${String(patientNumber)}` },
  valueQuantity: { value: 60 + (n % 40), unit: 'beats/min' },
  note: [{ text: `Sample${String(patientNumber)} was calm` }],
  ...change,
});

export const range = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + index);

/** Patients, each with an encounter and its condition. */
export const population = (count: number, from = 1): WithId[] =>
  range(count, from).flatMap((n) => [patient(n), encounter(n), condition(n)]);

/** A resource of any type, without references. */
export const note = (type: string, n: number): WithId => ({
  resourceType: type,
  id: `${type.toLowerCase()}-${String(n)}`,
  status: 'completed',
  note: [{ text: `Sample${String(n)} agreed` }],
});
