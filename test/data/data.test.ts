import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { idForm, keyText, typeForm } from '../../src/fhir/resource.ts';
import type { Json, Resource } from '../../src/fhir/resource.ts';

const root = join(import.meta.dirname, '../../data');
const instances = ['north', 'south'];
const downTypes = new Set(['Organization', 'Location']);
const sizeMegabytesMax = 3;

const files = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => /\.ndjson(\.gz)?$/.test(name))
    .map((name) => join(root, folder, name));

const read = (file: string): Resource[] => {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Resource);
};

const load = (folder: string): Resource[] => files(folder).flatMap(read);
const keyOf = (resource: Resource): string => keyText({ type: resource.resourceType, id: resource.id ?? '' });

const references = (value: Json): string[] => {
  if (Array.isArray(value)) return value.flatMap(references);
  if (value === null || typeof value !== 'object') return [];
  const own = typeof value.reference === 'string' ? [value.reference] : [];
  return [...own, ...Object.values(value).flatMap(references)];
};

const hub = load('hub');
const hubKeys = new Set(hub.map(keyOf));

describe('the synthetic data', () => {
  it(`is no larger than ${sizeMegabytesMax} MB in all`, () => {
    const sizes = ['hub', ...instances].flatMap(files).map((file) => statSync(file).size);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(sizeMegabytesMax * 1_000_000);
  });

  it('has a hub whose types no instance has, with countries, states and organizations', () => {
    expect(new Set(hub.map((resource) => resource.resourceType))).toEqual(downTypes);
    expect(hubKeys.size).toBe(hub.length);
    expect(hub.flatMap(references).filter((reference) => !hubKeys.has(reference))).toEqual([]);
    expect(hub).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'country-us' })]));
    expect(references(hub.find(({ id }) => id === 'state-us-vt')!)).toEqual(['Location/country-us']);
  });
});

describe.each(instances)('the data of %s', (instance) => {
  const resources = load(instance);
  const byKey = new Map(resources.map((resource) => [keyOf(resource), resource]));

  it('has a few thousand resources of about 25 types, each once and well named', () => {
    expect(resources.length).toBeGreaterThan(3_000);
    expect(resources.length).toBeLessThan(6_000);
    expect(byKey.size).toBe(resources.length);
    const types = new Set(resources.map((resource) => resource.resourceType));
    expect(types.size).toBeGreaterThanOrEqual(25);
    for (const { resourceType, id } of resources) {
      expect(resourceType).toMatch(typeForm);
      expect(id).toMatch(idForm);
      expect(downTypes.has(resourceType)).toBe(false);
    }
  });

  it('has relative references only, none of them dangling', () => {
    const all = resources.flatMap(references).filter((reference) => !reference.startsWith('#'));
    expect(all.length).toBeGreaterThan(10_000);
    expect(all.filter((reference) => !byKey.has(reference) && !hubKeys.has(reference))).toEqual([]);
  });

  it('has Conditions and Encounters that point at each other', () => {
    const mutual = resources
      .filter((resource) => resource.resourceType === 'Encounter')
      .flatMap((encounter) =>
        references(encounter)
          .filter((reference) => reference.startsWith('Condition/'))
          .filter((reference) => references(byKey.get(reference)!).includes(keyOf(encounter))),
      );
    expect(mutual.length).toBeGreaterThanOrEqual(10);
  });

  it('has handwritten patients whose names stand where they should not', () => {
    const handwritten = read(join(root, instance, 'handwritten.ndjson'));
    const patients = handwritten.filter((resource) => resource.resourceType === 'Patient');
    expect(patients.length).toBeGreaterThanOrEqual(6);
    for (const patient of patients) {
      expect(Object.keys(patient)).toEqual(expect.arrayContaining(['name', 'identifier', 'telecom', 'address', 'text']));
      const [{ family }] = patient.name as [{ family: string }];
      const elsewhere = handwritten.filter((r) => r !== patient && JSON.stringify(r).includes(family));
      expect(new Set(elsewhere.map((r) => r.resourceType)).size).toBeGreaterThanOrEqual(3);
      // Unique: a scan of any output for this name cannot hit by chance.
      const simulated = resources.filter((r) => !r.id!.startsWith('hw-'));
      expect(simulated.some((r) => JSON.stringify(r).includes(family))).toBe(false);
    }
  });

  it('has QuestionnaireResponses with the custom name attributes and all five questions, by text or by linkId', () => {
    const responses = resources.filter((resource) => resource.resourceType === 'QuestionnaireResponse');
    expect(responses.length).toBeGreaterThanOrEqual(6);
    for (const response of responses) {
      for (const attribute of ['patientFirstName', 'patientLastName', 'patientMiddleName']) {
        expect(response[attribute]).toEqual(expect.any(String));
      }
      const text = JSON.stringify(response);
      for (const question of ['Personal Email', 'Name', 'Phone', 'Date of Birth', 'Address']) {
        expect(text).toMatch(new RegExp(`"(linkId|text)":"${question}"`));
      }
    }
  });
});
