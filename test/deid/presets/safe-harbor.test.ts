/**
 * Safe Harbor over all of R4, by a reading of the rules that shares nothing with the engine: what becomes of each leaf
 * element of each type, and that no text or date passes which nobody has looked at.
 */
import { describe, expect, it } from '@jest/globals';
import { safeHarbor } from '../../../src/deid/presets/safe-harbor.ts';
import { r4TypeNames, r4Type } from '../../../src/deid/r4/model.ts';
import { readPolicyOverR4 } from './reading.ts';
import type { LeafReading } from './reading.ts';
import { changedTexts, removedWithTheirDates, reviewedTexts } from './reviewed.ts';

const { leaves } = readPolicyOverR4(safeHarbor);
const all = [...leaves.values()];
const removing = new Set(['redact', 'dropResource', 'drop']);
const changing = new Set(['dateTruncate', 'generalize']);

const outcomes = ({ methods }: LeafReading): string[] =>
  [...new Set([...methods].map((m) => (removing.has(m) ? 'removed' : changing.has(m) ? 'changed' : m)))].sort();

const ofTypes = (...types: string[]): LeafReading[] => all.filter(({ type }) => types.includes(type));
const leafNames = (found: readonly LeafReading[]): string[] => found.map(({ leaf }) => leaf).sort();

const texts = ['string', 'markdown', 'base64Binary', 'xhtml', 'uri', 'url', 'id', 'oid', 'uuid'];
const dates = ['date', 'dateTime', 'instant'];
const plain = ['code', 'boolean', 'integer', 'positiveInt', 'unsignedInt', 'decimal', 'canonical'];

describe('every leaf element of R4 under safe-harbor', () => {
  it('passes, is changed or is removed, and no type of leaf is forgotten', () => {
    const primitives = r4TypeNames.filter((name) => r4Type(name)?.kind === 'primitive');
    expect([...texts, ...dates, ...plain, 'time'].sort()).toEqual(primitives.sort());
    expect(leaves.size).toBeGreaterThan(3000);
    const known = ['changed', 'keep', 'removed'];
    expect(all.filter((leaf) => outcomes(leaf).some((outcome) => !known.includes(outcome)))).toEqual([]);
  });

  it('is removed if it is a text, but for those that were reviewed', () => {
    const passing = ofTypes(...texts).filter(({ methods }) => methods.has('keep'));
    expect(leafNames(passing)).toEqual(Object.keys(reviewedTexts).sort());
    const changed = ofTypes(...texts).filter((leaf) => outcomes(leaf).includes('changed'));
    expect(leafNames(changed)).toEqual(Object.keys(changedTexts).sort());
  });

  it('is cut to its year if it is a date, or goes with what holds it', () => {
    const cut = ofTypes(...dates).filter(({ methods }) => methods.has('dateTruncate'));
    const others = ofTypes(...dates).filter(({ methods }) => !methods.has('dateTruncate'));
    expect(leafNames(others)).toEqual(Object.keys(removedWithTheirDates).sort());
    expect(ofTypes(...dates).filter((leaf) => outcomes(leaf).includes('keep'))).toEqual([]);
    expect(cut.length).toBeGreaterThan(250);
    const rules = safeHarbor.rules!.filter(({ method }) => method === 'dateTruncate' || method === 'dateShift');
    expect(rules.map((rule) => 'params' in rule && rule.params)).toEqual(
      dates.map(() => ({ to: 'year', ageYearsMax: 89 })),
    );
  });

  it('is removed if it is a time of day, but for those at which something is done day after day', () => {
    expect(leafNames(ofTypes('time').filter(({ methods }) => methods.has('keep')))).toEqual([
      'Timing.repeat.timeOfDay',
    ]);
  });

  it('never passes uncapped if it is an age', () => {
    expect([...leaves.get('Age.value')!.methods].sort()).toEqual(['dropResource', 'generalize', 'redact']);
    expect(leaves.get('Quantity.value')!.methods).toContain('generalize');
    expect(leaves.get('Duration.value')!.methods).toContain('generalize');
  });

  it('is not a position, a genome or the order of a birth', () => {
    const gone = all.filter(({ leaf }) =>
      /^(Location\.position|MolecularSequence|SampledData)\.|\.multipleBirthInteger$/.test(leaf),
    );
    expect(gone.length).toBeGreaterThan(30);
    expect(gone.flatMap(outcomes).filter((outcome) => outcome !== 'removed')).toEqual([]);
  });

  it('passes where research needs it', () => {
    const needed = [
      'Coding.code',
      'Patient.gender',
      'Patient.deceasedBoolean',
      'Observation.status',
      'Quantity.value',
      'Money.value',
    ];
    expect(needed.filter((leaf) => !leaves.get(leaf)?.methods.has('keep'))).toEqual([]);
  });
});

/** Leaves that a row of 164.514(b)(2)(i) is about: each is decided by a rule of that row, and never kept. */
const rows: readonly (readonly [string, ...string[]])[] = [
  ['A', 'HumanName.family', 'HumanName.text', 'ContactDetail.name', 'Contributor.name', 'Reference.display'],
  ['A', 'FamilyMemberHistory.name', 'AuditEvent.agent.name', 'AuditEvent.entity.name', 'Annotation.authorString'],
  [
    'A',
    'Organization.name',
    'CodeableConcept.text',
    'Narrative.div',
    'Annotation.text',
    'Dosage.text',
    'Composition.title',
  ],
  ['A', 'Composition.section.title', 'DocumentReference.description', 'OperationOutcome.issue.diagnostics'],
  ['B', 'Address.line', 'Address.city', 'Address.district', 'Address.text', 'Address.postalCode', 'Location.name'],
  ['B', 'Location.position.latitude', 'Location.position.longitude', 'Location.position.altitude'],
  [
    'C',
    'Patient.birthDate',
    'Patient.deceasedDateTime',
    'Period.start',
    'Timing.event',
    'Observation.issued',
    'Age.value',
  ],
  ['C', 'Provenance.recorded', 'Observation.valueTime', 'QuestionnaireResponse.item.answer.valueDate'],
  ['D', 'ContactPoint.value'],
  ['E', 'ContactPoint.value'],
  ['F', 'ContactPoint.value'],
  ['G', 'Identifier.value', 'Identifier.system'],
  ['H', 'Identifier.value', 'Identifier.system'],
  ['I', 'Identifier.value', 'Coverage.subscriberId', 'Coverage.dependent', 'Coverage.class.value'],
  ['J', 'Identifier.value'],
  ['K', 'Identifier.value'],
  ['L', 'Identifier.value'],
  [
    'M',
    'Device.udiCarrier.carrierHRF',
    'Device.udiCarrier.deviceIdentifier',
    'Device.serialNumber',
    'Device.lotNumber',
  ],
  ['M', 'ImagingStudy.series.uid', 'ImagingStudy.series.instance.uid', 'Identifier.value'],
  [
    'N',
    'Endpoint.address',
    'RelatedArtifact.url',
    'ContactPoint.value',
    'Bundle.link.url',
    'Device.url',
    'Provenance.policy',
  ],
  ['O', 'AuditEvent.agent.network.address'],
  ['P', 'SampledData.data', 'MolecularSequence.observedSeq'],
  ['Q', 'Attachment.data', 'Attachment.title', 'Attachment.hash', 'Binary.data', 'Signature.data'],
  ['R', 'Immunization.lotNumber', 'Medication.batch.lotNumber', 'AuditEvent.agent.altId', 'ClaimResponse.preAuthRef'],
  [
    'R',
    'Parameters.parameter.valueInteger',
    'Task.input.valueString',
    'MessageHeader.response.identifier',
    'Identifier.value',
  ],
];

describe('the rows of 164.514(b)(2)(i)', () => {
  it('are all there', () => {
    const letters = 'ABCDEFGHIJKLMNOPQR'.split('');
    expect([...new Set(rows.map(([row]) => row))]).toEqual(letters);
    expect([...new Set(safeHarbor.rules!.flatMap(({ hipaa }) => hipaa ?? []))].sort()).toEqual(letters);
  });

  it.each(rows)('%s: a rule of the row decides on %s', (row, ...names) => {
    for (const name of names) {
      expect([name, leaves.get(name)?.methods.has('keep')]).toEqual([name, false]);
      expect([name, [...(leaves.get(name)?.rows ?? [])]]).toEqual([name, expect.arrayContaining([row])]);
    }
  });
});

it('counts 90 years in each unit that an age may have', () => {
  const days = 90 * 365.25;
  const units: Record<string, number> = { mo: 90 * 12, wk: days / 7, d: days, h: days * 24, min: days * 24 * 60 };
  const caps = safeHarbor.rules!.flatMap((rule) =>
    rule.method === 'generalize' && 'numberMax' in rule.params ? [[rule.path, rule.params] as const] : [],
  );
  expect(caps.length).toBeGreaterThan(10);
  for (const [path, { numberMax, as }] of caps) {
    const unit = /(?:code|unit) (?:= |in \()'(\w+)'/.exec(path.replace('.trim().lower()', ''))?.[1] ?? 'a';
    expect([path, numberMax]).toEqual([path, Math.ceil(units[unit] ?? 90) - 1]);
    expect([path, as]).toEqual([path, numberMax + 1]);
  }
});
