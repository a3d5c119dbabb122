/**
 * The preset `safe-harbor`: 45 CFR 164.514(b)(2)(i), rows A to R, over all of R4. `default: drop`, so what nobody has
 * judged does not pass. It cannot judge 164.514(b)(2)(ii), whether somebody knows who is left: see docs/hipaa.md.
 */
import type { PolicyDocument } from '../policy/document.ts';
import { agesTo89, datesToYear, timesOfDay } from './dates.ts';
import { directIdentifiers, otherIdentifiers } from './direct-identifiers.ts';
import { freeText, narratives } from './free-text.ts';
import { placesToState } from './geography.ts';
import { structure } from './structure.ts';
import { uniqueCodes } from './unique-codes.ts';

export const safeHarbor: PolicyDocument = {
  apiVersion: 'fhir-sluice/v1',
  kind: 'DeidPolicy',
  name: 'safe-harbor',
  description: 'HIPAA Safe Harbor, 45 CFR 164.514(b)(2): years alone, no shifted dates, no free text.',
  default: 'drop',
  extensions: 'drop',
  modifierExtensions: 'withhold',
  leakGuard: 'mask',
  rules: [
    ...directIdentifiers,
    ...uniqueCodes,
    ...otherIdentifiers,
    ...placesToState,
    ...narratives,
    ...agesTo89,
    ...datesToYear,
    ...timesOfDay,
    ...structure,
    ...freeText,
  ],
};
