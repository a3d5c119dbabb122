/** The Synthea sample: complete in itself, as a server would send it, and in the Bundles that Synthea writes. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { idForm, keyText } from '../../src/fhir/resource.ts';
import type { Json, Resource } from '../../src/fhir/resource.ts';

const folder = join(import.meta.dirname, '../../data/synthea');
const sizeBytesMax = 1_500_000;
const asOf = Date.parse('2025-12-31');

const files = readdirSync(folder);
const text = (file: string): string => gunzipSync(readFileSync(join(folder, file))).toString('utf8');
const lines = (file: string): string[] => text(file).split('\n').slice(0, -1);
const keyOf = (resource: Resource): string => keyText({ type: resource.resourceType, id: resource.id ?? '' });

const byFile = new Map(
  files
    .filter((file) => file.endsWith('.ndjson.gz'))
    .map((file) => [file, lines(file).map((line) => JSON.parse(line) as Resource)]),
);
const resources = [...byFile.values()].flat();
const byKey = new Map(resources.map((resource) => [keyOf(resource), resource]));

const references = (value: Json): string[] => {
  if (Array.isArray(value)) return value.flatMap(references);
  if (value === null || typeof value !== 'object') return [];
  const own = typeof value.reference === 'string' ? [value.reference] : [];
  return [...own, ...Object.values(value).flatMap(references)];
};

interface Life {
  readonly years: number;
  readonly isDead: boolean;
}

/** How old a patient is at the data's end, or was when they died. */
const lifeOf = (patient: Resource): Life => {
  const died = patient.deceasedDateTime as string | undefined;
  const end = died === undefined ? asOf : Date.parse(died);
  const years = Math.floor((end - Date.parse(patient.birthDate as string)) / (365.2425 * 86_400_000));
  return { years, isDead: died !== undefined };
};

describe('the Synthea sample', () => {
  it(`is no larger than ${sizeBytesMax} bytes in all`, () => {
    const sizes = files.map((file) => statSync(join(folder, file)).size);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(sizeBytesMax);
  });

  it('has thousands of resources of all types that Synthea writes, one type a file, sorted by id', () => {
    expect(resources.length).toBeGreaterThanOrEqual(3_000);
    expect(byFile.size).toBe(24);
    expect(byKey.size).toBe(resources.length);
    for (const [file, ofType] of byFile) {
      expect(new Set(ofType.map((resource) => `${resource.resourceType}.ndjson.gz`))).toEqual(new Set([file]));
      const ids = ofType.map((resource) => resource.id!);
      expect(ids.filter((id) => !idForm.test(id))).toEqual([]);
      expect(ids).toEqual(ids.toSorted());
    }
  });

  it('has relative references only, none of them dangling', () => {
    const all = resources.flatMap(references).filter((reference) => !reference.startsWith('#'));
    expect(all.length).toBeGreaterThan(10_000);
    expect(all.filter((reference) => !byKey.has(reference))).toEqual([]);
  });

  it('has children, adults, one who is older than 89, and dead ones, one of them older than 89', () => {
    const lives = byFile.get('Patient.ndjson.gz')!.map(lifeOf);
    expect(lives.filter(({ years }) => years < 18).length).toBeGreaterThanOrEqual(2);
    expect(lives.filter(({ years }) => years >= 18 && years < 90).length).toBeGreaterThanOrEqual(3);
    expect(lives.some(({ years, isDead }) => years > 89 && !isDead)).toBe(true);
    expect(lives.some(({ years, isDead }) => years > 89 && isDead)).toBe(true);
    expect(lives.some(({ years, isDead }) => years < 90 && isDead)).toBe(true);
  });

  it('has its personal data where it hides: narratives, displays, base64 notes, contained resources', () => {
    const [note] = byFile.get('DocumentReference.ndjson.gz')!;
    const data = (note!.content as { attachment: { data: string } }[])[0]!.attachment.data;
    const { reference } = note!.subject as { reference: string };
    const [name] = byKey.get(reference)!.name as { given: string[] }[];
    expect(Buffer.from(data, 'base64').toString('utf8')).toContain(name!.given[0]);
    expect(resources.filter(({ text: narrative }) => narrative !== undefined)).not.toEqual([]);
    expect(resources.filter(({ contained }) => contained !== undefined)).not.toEqual([]);
  });
});

describe('Bundles as Synthea writes them', () => {
  const bundles = files.filter((file) => file.startsWith('bundle-')).map((file) => JSON.parse(text(file)) as Resource);

  it('are transactions of the sample’s resources, with urn:uuid and conditional references', () => {
    expect(bundles).toHaveLength(2);
    for (const bundle of bundles) {
      expect(bundle.type).toBe('transaction');
      const entries = bundle.entry as unknown as { fullUrl: string; resource: Resource; request: { method: string } }[];
      expect(entries.filter(({ request }) => request.method !== 'POST')).toEqual([]);
      expect(entries.filter(({ resource }) => !byKey.has(keyOf(resource)))).toEqual([]);
      const own = new Set(entries.map(({ fullUrl }) => fullUrl));
      const all = entries.flatMap(({ resource }) => references(resource));
      expect(all.filter((reference) => reference.startsWith('urn:') && !own.has(reference))).toEqual([]);
      const conditional = all.filter((reference) => reference.includes('?identifier='));
      expect(new Set(conditional.map((reference) => reference.split('?')[0]))).toEqual(
        new Set(['Practitioner', 'Organization', 'Location']),
      );
    }
  });
});
