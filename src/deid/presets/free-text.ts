/**
 * What people type. No place in R4 tells whom it names, so a HIPAA preset lets none of it pass but what it lists before
 * these rules. `default: drop` would do the same: the rules say so in reports, and hold where a site changes the default.
 */
import type { PolicyRule } from '../policy/document.ts';
import { redact } from './rule.ts';

/** Whole elements, which may not be left half empty. */
export const narratives: readonly PolicyRule[] = [
  redact("nodesByType('Narrative')", 'A', 'repeats the resource in words'),
  redact("nodesByType('Annotation')", 'A', 'notes name people, places and days'),
];

/** CodeableConcept.text is what was typed before a code was found, so it goes with these. */
export const freeText: readonly PolicyRule[] = [
  redact("nodesByType('string')", 'A', 'names, places and days hide in what people type'),
  redact("nodesByType('markdown')", 'A', 'names, places and days hide in what people type'),
  redact("nodesByType('base64Binary')", 'Q', 'bytes of any kind'),
  redact("nodesByType('uri')", 'N', 'may lead to a record or to a person'),
];
