/**
 * Row B, places smaller than a state. Safe Harbor leaves state, country and three digits of a ZIP whose area is big enough;
 * a limited data set may also hold town and five-digit ZIP, never street, county or position (164.514(e)(2)(ii)).
 */
import type { PolicyRule } from '../policy/document.ts';
import { keep, redact } from './rule.ts';

const hl7 = 'http://hl7.org/fhir/StructureDefinition/';

const larger: readonly PolicyRule[] = [
  keep("nodesByType('Address').state", 'a state is large enough'),
  keep("nodesByType('Address').country", 'a country is large enough'),
];

const smaller: readonly PolicyRule[] = [
  redact("nodesByType('Address').line", 'B', 'street and house'),
  redact("nodesByType('Address').district", 'B', 'county'),
  redact("nodesByType('Address').text", 'B', 'the whole address'),
  redact(`nodesByType('Address').extension('${hl7}geolocation')`, 'B', 'where the house is'),
  redact(`Patient.extension('${hl7}patient-birthPlace')`, 'B', 'town of birth', 'address'),
  redact('Location.position', 'B', 'where the house is'),
  redact('Location.name', 'B', 'names the house or the street'),
  redact('Location.alias', 'B', 'as the name'),
];

/** For Safe Harbor and for an expert's data set. */
export const placesToState: readonly PolicyRule[] = [
  ...larger,
  {
    path: "nodesByType('Address').postalCode",
    method: 'generalize',
    params: { zip3: 'census-2010' },
    hipaa: 'B',
    reason: 'three digits, or 000 where 20,000 people or fewer live',
  },
  redact("nodesByType('Address').city", 'B', 'town'),
  ...smaller,
];

/** For a limited data set. */
export const placesToTown: readonly PolicyRule[] = [
  ...larger,
  keep("nodesByType('Address').city", '164.514(e)(2)(ii) lets town or city stay'),
  keep("nodesByType('Address').postalCode", '164.514(e)(2)(ii) lets the ZIP code stay'),
  ...smaller,
];
