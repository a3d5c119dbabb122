/** The limited data set of 164.514(e) and the start for an expert's determination, against Safe Harbor. */
import { describe, expect, it } from '@jest/globals';
import { expert } from '../../../src/deid/presets/expert.ts';
import { limitedDataset } from '../../../src/deid/presets/limited-dataset.ts';
import { safeHarbor } from '../../../src/deid/presets/safe-harbor.ts';
import { readPolicyOverR4 } from './reading.ts';
import type { LeafReading } from './reading.ts';
import { reviewedTexts } from './reviewed.ts';

const texts = ['string', 'markdown', 'base64Binary', 'xhtml', 'uri', 'url', 'id', 'oid', 'uuid'];
const dates = ['date', 'dateTime', 'instant'];
const gone = new Set(['redact', 'dropResource', 'drop']);

const reading = (preset: typeof expert): LeafReading[] => [...readPolicyOverR4(preset).leaves.values()];
const having = (leaves: readonly LeafReading[], types: readonly string[], method: string): string[] =>
  leaves.flatMap(({ leaf, type, methods }) => (types.includes(type) && methods.has(method) ? [leaf] : [])).sort();

describe('limited-dataset', () => {
  const leaves = reading(limitedDataset);

  it('lets pass what Safe Harbor does, towns, ZIP codes and lot numbers, and no other text', () => {
    const more = ['Address.city', 'Address.postalCode', 'Immunization.lotNumber', 'Medication.batch.lotNumber'];
    expect(having(leaves, texts, 'keep')).toEqual([...Object.keys(reviewedTexts), ...more].sort());
  });

  it('removes street, county and position', () => {
    const smaller = leaves.filter(({ leaf }) =>
      /^Address\.(line|district|text)$|^Location\.position\.\w+tude$/.test(leaf),
    );
    expect(smaller).toHaveLength(6);
    expect(smaller.flatMap(({ methods }) => [...methods]).filter((method) => !gone.has(method))).toEqual([]);
  });

  it('lets every date, time and age stay as it is, but where what holds it is removed', () => {
    const changed = leaves.filter(({ methods }) =>
      [...methods].some((method) => method !== 'keep' && !gone.has(method)),
    );
    expect(changed).toEqual([]);
    expect(having(leaves, [...dates, 'time'], 'keep').length).toBeGreaterThan(270);
    expect(leaves.find(({ leaf }) => leaf === 'Age.value')!.methods).toContain('keep');
  });

  it('has a rule for each of the sixteen direct identifiers of 164.514(e)(2)', () => {
    const rows = new Set(limitedDataset.rules!.flatMap(({ hipaa }) => hipaa ?? []));
    expect([...rows].sort()).toEqual('ABDEFGHIJKLMNOPQ'.split(''));
  });
});

describe('expert', () => {
  const leaves = reading(expert);

  it('shifts dates, and cuts births to their year', () => {
    expect(having(leaves, dates, 'keep')).toEqual([]);
    expect(having(leaves, dates, 'dateShift').length).toBeGreaterThan(250);
    expect(having(leaves, dates, 'dateTruncate')).toEqual([
      'FamilyMemberHistory.bornDate',
      'Patient.birthDate',
      'Period.end', // FamilyMemberHistory.bornPeriod
      'Period.start',
      'Person.birthDate',
      'Practitioner.birthDate',
      'RelatedPerson.birthDate',
    ]);
  });

  it('masks what people type where research reads it, and lets no other text pass than Safe Harbor does', () => {
    expect(having(leaves, texts, 'keep')).toEqual(Object.keys(reviewedTexts).sort());
    expect(having(leaves, texts, 'mask')).toEqual([
      'AllergyIntolerance.reaction.description',
      'Annotation.text',
      'ClinicalImpression.description',
      'ClinicalImpression.summary',
      'CodeableConcept.text',
      'DiagnosticReport.conclusion',
      'Dosage.patientInstruction',
      'Dosage.text',
      'Observation.component.valueString',
      'Observation.valueString',
      'QuestionnaireResponse.item.answer.valueString',
    ]);
  });

  it('says of each rule that Safe Harbor would not allow that it needs a determination', () => {
    const allowed = new Set(safeHarbor.rules!.map((rule) => JSON.stringify(rule)));
    const own = expert.rules!.filter((rule) => !allowed.has(JSON.stringify(rule)));
    const unsaid = own.filter(({ method, reason }) => {
      return !['redact', 'dateTruncate'].includes(method) && !reason?.includes('164.514(b)(1)');
    });
    expect(own.length).toBeGreaterThan(10);
    expect(unsaid).toEqual([]);
  });
});
