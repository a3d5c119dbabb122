/**
 * The preset `expert`: a point to start from for an expert's determination under 45 CFR 164.514(b)(1). Dates shifted by
 * patient, notes masked: more use than Safe Harbor, and **not** de-identified by itself. The expert changes it to fit.
 */
import type { PolicyDocument, PolicyRule } from '../policy/document.ts';
import { agesTo89, birthsToYear, timesOfDay } from './dates.ts';
import { directIdentifiers, otherIdentifiers } from './direct-identifiers.ts';
import { freeText } from './free-text.ts';
import { placesToState } from './geography.ts';
import { redact } from './rule.ts';
import { structure } from './structure.ts';
import { uniqueCodes } from './unique-codes.ts';

const determination = "needs an expert's determination under 164.514(b)(1)";

const shifted = (type: string): PolicyRule => ({
  path: `nodesByType('${type}')`,
  method: 'dateShift',
  // Half a year each way: within it, a known admission fits many patients.
  params: { daysMax: 182, ageYearsMax: 89 },
  hipaa: 'C',
  reason: `a shifted date is a date: ${determination}`,
});

const masked = (path: string, what: string): PolicyRule => ({
  path,
  method: 'mask',
  hipaa: 'A',
  reason: `${what}; masking finds numbers, not every name: ${determination}`,
});

/** A pseudonym that several resources share, so that an image is still found from its report. */
const pseudonymous = (path: string): PolicyRule => ({
  path,
  method: 'pseudonymize',
  params: { domain: 'dicom-uid' },
  hipaa: 'M',
  guard: 'identifier',
  reason: `a code that stands for the study's: ${determination}`,
});

const notes: readonly PolicyRule[] = [
  masked("nodesByType('CodeableConcept').text", 'what was typed beside a code'),
  masked("nodesByType('Annotation').text", 'notes'),
  masked("nodesByType('Dosage').text", 'how to take it'),
  masked("nodesByType('Dosage').patientInstruction", 'how to take it'),
  masked('AllergyIntolerance.reaction.description', 'what happened'),
  masked('ClinicalImpression.description', 'findings'),
  masked('ClinicalImpression.summary', 'findings'),
  masked('DiagnosticReport.conclusion', 'findings'),
  masked('Observation.value.ofType(string)', 'findings'),
  masked('Observation.component.value.ofType(string)', 'findings'),
  masked("nodesByType('QuestionnaireResponse.item.answer').value.ofType(string)", 'answers'),
];

export const expert: PolicyDocument = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'expert',
  description: `A start for 45 CFR 164.514(b)(1): ${determination}. Not Safe Harbor.`,
  default: 'drop',
  extensions: 'drop',
  modifierExtensions: 'withhold',
  leakGuard: 'mask',
  rules: [
    pseudonymous('ImagingStudy.series.uid'),
    pseudonymous('ImagingStudy.series.instance.uid'),
    ...directIdentifiers.filter(({ path }) => !path.endsWith('.uid')),
    ...uniqueCodes,
    ...otherIdentifiers,
    ...placesToState,
    redact("nodesByType('Narrative')", 'A', 'repeats the resource in words, also what is removed'),
    ...notes,
    ...agesTo89,
    ...birthsToYear,
    shifted('date'),
    shifted('dateTime'),
    shifted('instant'),
    ...timesOfDay,
    ...structure,
    ...freeText,
  ],
};
