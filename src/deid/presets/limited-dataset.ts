/**
 * The preset `limited-dataset`: 45 CFR 164.514(e)(2), for use under a data use agreement. The sixteen direct identifiers
 * go; town, state, ZIP code, all dates and all ages stay, and codes that row R of Safe Harbor would remove. Still PHI.
 */
import type { PolicyDocument, PolicyRule } from '../policy/document.ts';
import { directIdentifiers, otherIdentifiers } from './direct-identifiers.ts';
import { freeText, narratives } from './free-text.ts';
import { placesToTown } from './geography.ts';
import { dropResource, keep, redact } from './rule.ts';
import { structure } from './structure.ts';

const wholeDates: readonly PolicyRule[] = [
  ...['date', 'dateTime', 'instant', 'time'].map((type) =>
    keep(`nodesByType('${type}')`, '164.514(e)(2) lets dates stay'),
  ),
  keep(
    "Patient.birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').value.ofType(dateTime)",
    '164.514(e)(2) lets dates stay',
  ),
];

const otherCodes: readonly PolicyRule[] = [
  keep("nodesByName('lotNumber')", 'a unique code, but none of the sixteen'),
  dropResource('Parameters', 'H', 'only names tell what the values are'),
  redact('Task.input', 'H', 'only names tell what the values are'),
  redact('Task.output', 'H', 'only names tell what the values are'),
];

export const limitedDataset: PolicyDocument = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'limited-dataset',
  description: 'HIPAA limited data set, 45 CFR 164.514(e): needs a data use agreement.',
  default: 'drop',
  extensions: 'drop',
  modifierExtensions: 'withhold',
  leakGuard: 'mask',
  rules: [
    ...directIdentifiers,
    ...otherCodes,
    ...otherIdentifiers,
    ...placesToTown,
    ...narratives,
    ...wholeDates,
    ...structure,
    ...freeText,
  ],
};
