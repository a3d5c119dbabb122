/** k-anonymity and l-diversity of sets small enough to count by hand, and of random ones against a naive count. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { defaultQuasiIdentifiers, defaultSensitive, readRiskPath } from '../../../src/deid/risk/path.ts';
import type { RiskPath } from '../../../src/deid/risk/path.ts';
import type { RiskResult } from '../../../src/deid/risk/result.ts';
import { RiskSurvey } from '../../../src/deid/risk/survey.ts';

const pathOf = (text: string): RiskPath => {
  const reading = readRiskPath(text);
  if (!reading.ok) throw new Error(reading.expected);
  return reading.path;
};

function measure(
  resources: readonly unknown[],
  quasi: readonly string[],
  { sensitive = [], k = 2 }: { sensitive?: readonly string[]; k?: number } = {},
): RiskResult {
  const survey = new RiskSurvey(quasi.map(pathOf), sensitive.map(pathOf));
  for (const resource of resources) survey.add(resource);
  return survey.result(k);
}

const patient = (id: string, rest: object = {}): object => ({ resourceType: 'Patient', id, ...rest });
const condition = (id: string, code: string, display = code): object => ({
  resourceType: 'Condition',
  id: `${id}-${code}-${display}`,
  subject: { reference: `Patient/${id}` },
  code: { coding: [{ system: 'http://snomed.info/sct', code, display }] },
});

describe('k-anonymity', () => {
  // The classes by gender and year: {a, b, c}, {d, e}, {f}.
  const set = [
    patient('a', { gender: 'female', birthDate: '1980' }),
    patient('b', { gender: 'female', birthDate: '1980' }),
    patient('c', { gender: 'female', birthDate: '1980' }),
    patient('d', { gender: 'male', birthDate: '1980' }),
    patient('e', { gender: 'male', birthDate: '1980' }),
    patient('f', { gender: 'male', birthDate: '1990' }),
  ];

  it('counts classes, small cells, shares and risks', () => {
    const result = measure(set, ['Patient.gender', 'Patient.birthDate'], { k: 3 });
    expect(result).toMatchObject({ patients: 6, classes: 3, smallestK: 1, patientsWithoutResource: 0 });
    expect(result.belowK).toEqual({ classes: 2, patients: 3, share: 0.5 });
    expect(result.distribution).toEqual({
      '1': { classes: 1, patients: 1 },
      '2-4': { classes: 2, patients: 5 },
      '5-10': { classes: 0, patients: 0 },
      '11+': { classes: 0, patients: 0 },
    });
    expect(result.smallCells).toEqual([
      { size: 1, classes: 1, patients: 1 },
      { size: 2, classes: 1, patients: 2 },
    ]);
    expect(result.risk).toEqual({
      prosecutor: { max: 1, average: 0.5 },
      journalist: { max: 1, average: 0.5 },
      marketer: { average: 0.5 },
    });
  });

  it('says what each quasi-identifier adds', () => {
    const { quasiIdentifiers } = measure(set, ['Patient.gender', 'Patient.birthDate'], { k: 3 });
    expect(quasiIdentifiers).toEqual([
      { path: 'Patient.gender', patientsWithValue: 6, values: 2, smallestKWithout: 1, belowKWithout: 1 },
      { path: 'Patient.birthDate', patientsWithValue: 6, values: 2, smallestKWithout: 3, belowKWithout: 0 },
    ]);
  });

  it('takes patients without a value, or with a removed one, for alike', () => {
    const masked = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason' }] };
    const resources = [patient('a'), patient('b', { _birthDate: masked }), patient('c', { birthDate: '1980' })];
    expect(measure(resources, ['Patient.birthDate'])).toMatchObject({ classes: 2, smallestK: 1 });
    expect(measure(resources.slice(0, 2), ['Patient.birthDate']).smallestK).toBe(2);
  });

  it('compares several values without their order, and once each within a resource', () => {
    const states = (...all: string[]): object => ({ address: all.map((state) => ({ state })) });
    const resources = [patient('a', states('MA', 'CA')), patient('b', states('CA', 'MA', 'CA'))];
    expect(measure(resources, ['Patient.address.state']).smallestK).toBe(2);
    expect(measure([...resources, patient('c', states('CA'))], ['Patient.address.state']).smallestK).toBe(1);
  });

  it('knows the US Core race', () => {
    const race = (code: string): object => ({
      extension: [
        {
          url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race',
          extension: [{ url: 'ombCategory', valueCoding: { system: 'urn:oid:2.16.840.1.113883.6.238', code } }],
        },
      ],
    });
    const resources = [patient('a', race('2106-3')), patient('b', race('2106-3')), patient('c', race('2054-5'))];
    expect(measure(resources, ['us-core-race'])).toMatchObject({ classes: 2, smallestK: 1 });
  });

  it('of no patient is unknown', () => {
    expect(measure([], defaultQuasiIdentifiers, { sensitive: defaultSensitive })).toMatchObject({
      patients: 0,
      classes: 0,
      belowK: { share: 0 },
    });
    expect(measure([{ resourceType: 'Organization', id: 'o' }, 7, null], ['Patient.gender']).smallestK).toBeUndefined();
  });

  it('is what a naive count says', () => {
    const people = fc.array(
      fc.record({ gender: fc.constantFrom('a', 'b', undefined), birthDate: fc.constantFrom('1', '2', '3', undefined) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(people, (all) => {
        const result = measure(
          all.map((one, index) => patient(String(index), one)),
          ['Patient.gender', 'Patient.birthDate'],
        );
        const sizes = [...Map.groupBy(all, (one) => JSON.stringify([one.gender, one.birthDate])).values()].map(
          ({ length }) => length,
        );
        expect(result.smallestK).toBe(Math.min(...sizes));
        expect(result.classes).toBe(sizes.length);
        const withoutGender = [...Map.groupBy(all, (one) => one.birthDate).values()].map(({ length }) => length);
        expect(result.quasiIdentifiers[0]!.smallestKWithout).toBe(Math.min(...withoutGender));
      }),
    );
  });
});

describe('patients', () => {
  it('are those of linked resources, too, whatever the form of the reference', () => {
    const visit = (reference: string, start: string): object => ({
      resourceType: 'Encounter',
      subject: { reference },
      period: { start },
    });
    const resources = [
      patient('a'),
      patient('b'),
      visit('Patient/a', '2020'),
      visit('Patient/b/_history/3', '2020'),
      visit('https://fhir.example.org/base/Patient/c', '2021'),
      visit('Organization/o', '2022'),
    ];
    const result = measure(resources, ['Encounter.period.start']);
    expect(result).toMatchObject({ patients: 3, patientsWithoutResource: 1, classes: 2, smallestK: 1 });
  });

  it('of Bundles are found by the urns that the Bundle gives them', () => {
    const bundle = (urn: string, id: string | undefined, start: string): object => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: { resourceType: 'Encounter', subject: { reference: urn }, period: { start } } },
        { fullUrl: urn, resource: { resourceType: 'Patient', ...(id && { id }), gender: 'male' } },
      ],
    });
    const resources = [bundle('urn:uuid:1', 'a', '2020'), bundle('urn:uuid:2', undefined, '2020')];
    expect(measure(resources, ['Patient.gender', 'Encounter.period.start'])).toMatchObject({
      patients: 2,
      patientsWithoutResource: 0,
      classes: 1,
    });
  });

  it('that come twice count once', () => {
    const twice = [patient('a', { gender: 'male' }), patient('a', { gender: 'female' })];
    expect(measure([...twice, patient('b', { gender: 'male' })], ['Patient.gender'])).toMatchObject({
      patients: 2,
      repeatedPatients: 1,
      smallestK: 2,
    });
  });
});

describe('l-diversity', () => {
  const set = ['a', 'b', 'c', 'd'].map((id) => patient(id, { gender: id < 'c' ? 'male' : 'female' }));

  it('is the least diverse class’s, by codes and not by their spelling', () => {
    const resources = [
      ...set,
      condition('a', '1', 'flu'),
      condition('b', '1', 'Influenza'),
      condition('c', '1'),
      condition('d', '2'),
    ];
    const { sensitive } = measure(resources, ['Patient.gender'], { sensitive: ['Condition.code'] });
    expect(sensitive).toEqual([
      {
        path: 'Condition.code',
        patientsWithValue: 4,
        smallestL: 1,
        smallestEntropyL: 1,
        classesOfOneValue: 1,
        patientsInThem: 2,
      },
    ]);
  });

  it('by entropy is below the count of values where one of them is frequent', () => {
    const all = ['a', 'b', 'c', 'd'].map((id) => patient(id));
    const resources = [...all, condition('a', '1'), condition('b', '1'), condition('c', '1'), condition('d', '2')];
    const [found] = measure(resources, ['Patient.gender'], { sensitive: ['Condition.code'] }).sensitive;
    expect(found!.smallestL).toBe(2);
    expect(found!.smallestEntropyL).toBeCloseTo(4 / 27 ** 0.25, 10);
  });

  it('counts a value once a patient, and none as a value', () => {
    const resources = [...set.slice(0, 2), condition('a', '1'), condition('a', '1', 'again')];
    const [found] = measure(resources, ['Patient.gender'], { sensitive: ['Condition.code'] }).sensitive;
    expect(found).toMatchObject({ smallestL: 2, patientsWithValue: 1 });
    expect(found!.smallestEntropyL).toBeCloseTo(2, 10);
  });
});

describe('a path', () => {
  it.each([
    ['Patient.brithDate', 'it has no brithDate'],
    ['Patient.address.zip', 'it has no zip'],
    ['Encounter.period.begin', 'it has no begin'],
    ['Organization.name', 'R4’s Organization does not'.replace('’', "'")],
    ['Patent.gender', 'a path such as'],
    ['gender', 'a path such as'],
    ['Patient', 'a path such as'],
    ['Patient.name.((', 'FHIRPath can read'],
    ['Observation.valueQuantity', 'it has no valueQuantity'],
  ])('%s is refused: a misspelt one would make a set look safe', (text, expected) => {
    const reading = readRiskPath(text);
    expect(reading.ok ? 'read' : reading.expected).toContain(expected);
  });

  it.each([
    ...defaultQuasiIdentifiers,
    ...defaultSensitive,
    'us-core-ethnicity',
    'Encounter.period.start',
    'Observation.value',
    'Observation.value[x]',
    'Observation.value.ofType(Quantity).value',
    'Patient.birthDate.toString().substring(0, 4)',
    "Patient.identifier.where(system = 'x').value",
    "Patient.extension('x').value",
  ])('%s is read', (text) => {
    expect(readRiskPath(text)).toMatchObject({ ok: true });
  });

  it('that fails on a resource is counted, and does not pass for no value in silence', () => {
    const resources = [patient('a', { name: [{ family: 'x' }, { family: 'y' }] }), patient('b')];
    const result = measure(resources, ['Patient.name.family.substring(1)']);
    expect(result.failures).toEqual([{ path: 'Patient.name.family.substring(1)', resources: 1 }]);
  });
});
