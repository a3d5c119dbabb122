/**
 * The preset `aidbox-default`: the list of what to clear that Aidbox users start from. It clears this list and nothing
 * else (`default: keep`), so it is **not** HIPAA Safe Harbor (164.514(b)(2)): narrative, notes, dates, attachments and
 * the names in Reference.display pass. A site extends it; policies/demo.yaml shows how far that goes.
 */
import type { PolicyDocument } from '../policy/document.ts';

/** Questions whose answers say who the patient is, by `linkId` or `text`. */
const identifyingQuestions = ['Personal Email', 'Name', 'Phone', 'Date of Birth', 'Address'];

/** Attributes that Aidbox's forms have and R4 has not. */
const nameAttributes = ['patientFirstName', 'patientLastName', 'patientMiddleName'];

export const aidboxDefault: PolicyDocument = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'aidbox-default',
  default: 'keep',
  rules: [
    { path: 'Patient.identifier', method: 'redact', hipaa: 'H', reason: 'medical record and other numbers' },
    { path: 'Patient.name', method: 'redact', hipaa: 'A', reason: 'names' },
    { path: 'Patient.telecom', method: 'redact', hipaa: 'D', reason: 'telephone, fax, e-mail' },
    { path: 'Patient.address', method: 'redact', hipaa: 'B', reason: 'geography below the state' },
    ...nameAttributes.map((name) => ({
      path: `QuestionnaireResponse.${name}`,
      method: 'redact' as const,
      custom: true,
      guard: 'name' as const,
      hipaa: 'A' as const,
      reason: "an attribute of Aidbox's own",
    })),
    {
      path: 'QuestionnaireResponse.item.answer',
      method: 'redact',
      answersTo: { linkIds: identifyingQuestions, texts: identifyingQuestions },
      guard: 'words',
      hipaa: 'A',
      reason: 'answers that name the patient',
    },
  ],
};
