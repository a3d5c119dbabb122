/**
 * What people do at the demo's servers: some changes before the first load, so that the change feeds have a history, and
 * a round of them afterwards. Everybody in here is made up.
 */
import type { Resource } from '../../src/fhir/resource.ts';
import { type Admin, ask } from './snapshot.ts';

type Entry = { readonly put: Resource & { id: string } } | { readonly delete: string };

const put = (resourceType: string, id: string, rest: object): Entry => ({
  put: { resourceType, id, ...rest },
});
const gone = (...keys: string[]): Entry[] => keys.map((key) => ({ delete: key }));

/** At an instance, before anything is synced: creates, updates and deletes. */
export async function firstRoundAtInstance(admin: Admin, instance: string): Promise<void> {
  await write(admin, [
    patient(`${instance}-leaving`, 'Farthingale', 'Isolde', '617-555-0177'),
    patient(`${instance}-staying`, 'Thistlewaite', 'Cornelius', '617-555-0178'),
    patient(`${instance}-mistaken`, 'Wolverstone', 'Desdemona', '617-555-0179'),
    condition(`${instance}-leaving`, 'active'),
    encounter(`${instance}-leaving`, 'in-progress'),
    ...['a', 'b', 'c'].map((name, index) => pulse(`${instance}-${name}`, `${instance}-staying`, 60 + index)),
    pulse(`${instance}-leaving`, `${instance}-leaving`, 90),
  ]);
  await write(admin, [
    // Now the condition knows the encounter that knows the condition.
    condition(`${instance}-leaving`, 'active', true),
    pulse(`${instance}-a`, `${instance}-staying`, 71),
    patient(`${instance}-staying`, 'Thistlewaite-Grimsditch', 'Cornelius', '617-555-0178'),
  ]);
  await write(admin, gone(`Patient/${instance}-mistaken`, `Observation/${instance}-b`));
}

/** At the hub, before anything is synced. */
export async function firstRoundAtHub(admin: Admin): Promise<void> {
  await write(admin, [organization('demo-closing', 'Closing Laboratory'), organization('demo-mistake', 'A Mistake')]);
  await write(admin, [organization('demo-closing', 'Laboratory that closes'), ...gone('Organization/demo-mistake')]);
}

/** At an instance, after the first load. Returns what was deleted that the hub had, as `Type/id`. */
export async function secondRoundAtInstance(admin: Admin, instance: string): Promise<string[]> {
  await write(admin, [
    patient(`${instance}-coming`, 'Abernathy-Quaile', 'Persephone', '617-555-0180'),
    pulse(`${instance}-d`, `${instance}-coming`, 58),
    // A telephone number alone: the hub hears nothing of it.
    patient(`${instance}-staying`, 'Thistlewaite-Grimsditch', 'Cornelius', '617-555-0181'),
    pulse(`${instance}-a`, `${instance}-staying`, 83),
  ]);
  const deleted = [
    `Observation/${instance}-c`,
    `Observation/${instance}-leaving`,
    `Encounter/${instance}-leaving`,
    `Condition/${instance}-leaving`,
    `Patient/${instance}-leaving`,
    `Communication/hw-${instance.charAt(0)}-communication-1`,
  ];
  await write(admin, gone(...deleted));
  // Deleted, and back with another state: the hub must not stop at the delete.
  await write(admin, gone(`Observation/${instance}-d`));
  await write(admin, [pulse(`${instance}-d`, `${instance}-coming`, 59)]);
  return deleted;
}

/** At the hub, after the first load. */
export async function secondRoundAtHub(admin: Admin): Promise<void> {
  await write(admin, [
    organization('demo-opening', 'Laboratory that opens'),
    organization('demo-renamed', 'Laboratory before its renaming'),
  ]);
  await write(admin, [
    organization('demo-renamed', 'Laboratory after its renaming'),
    ...gone('Organization/demo-closing'),
  ]);
}

/** One transaction. */
async function write(admin: Admin, entries: readonly Entry[]): Promise<void> {
  const entry = entries.map((one) =>
    'put' in one
      ? { resource: one.put, request: { method: 'PUT', url: `${one.put.resourceType}/${one.put.id}` } }
      : { request: { method: 'DELETE', url: one.delete } },
  );
  await ask(admin, 'POST', '/fhir', { resourceType: 'Bundle', type: 'transaction', entry });
}

const patient = (id: string, family: string, given: string, phone: string): Entry =>
  put('Patient', id, {
    active: true,
    gender: 'unknown',
    identifier: [{ system: 'http://hospital.example.org/identifiers/mrn', value: `MRN-${id.toUpperCase()}-77` }],
    name: [{ family, given: [given], text: `${given} ${family}` }],
    telecom: [
      { system: 'phone', value: phone },
      { system: 'email', value: `${given}.${family}@mail.example.org`.toLowerCase() },
    ],
    address: [{ line: ['12 Hollyhock Crescent'], city: 'Boston', state: 'MA' }],
  });

const condition = (id: string, clinical: string, withEncounter = false): Entry =>
  put('Condition', id, {
    clinicalStatus: { coding: [{ code: clinical }] },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003' }] },
    subject: { reference: `Patient/${id}` },
    ...(withEncounter && { encounter: { reference: `Encounter/${id}` } }),
  });

const encounter = (id: string, status: string): Entry =>
  put('Encounter', id, {
    status,
    class: { code: 'AMB' },
    subject: { reference: `Patient/${id}` },
    diagnosis: [{ condition: { reference: `Condition/${id}` } }],
  });

const pulse = (id: string, of: string, perMinute: number): Entry =>
  put('Observation', id, {
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
    subject: { reference: `Patient/${of}` },
    valueQuantity: { value: perMinute, unit: '/min' },
  });

const organization = (id: string, name: string): Entry => put('Organization', id, { active: true, name });
