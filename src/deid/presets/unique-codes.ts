/**
 * Row R: any other number, characteristic or code that is one person's alone. A limited data set may hold these;
 * Safe Harbor may not. Where only a name tells what a value is, nobody can say that it is none of the eighteen.
 */
import type { PolicyRule } from '../policy/document.ts';
import { dropResource, redact } from './rule.ts';

export const uniqueCodes: readonly PolicyRule[] = [
  redact('Specimen.accessionIdentifier', 'R', 'accession numbers'),
  redact("nodesByName('lotNumber')", 'R', 'with a place and a year, a lot leads to few people', 'identifier'),
  redact("nodesByName('preAuthRef')", 'R', 'authorization numbers of an insurer', 'identifier'),
  redact('AuditEvent.agent.altId', 'R', 'user names', 'identifier'),
  redact('MessageHeader.response.identifier', 'R', 'leads to a message at the source', 'identifier'),
  redact("nodesByType('oid')", 'R', 'may be the number of a person, document or study', 'identifier'),
  redact("nodesByType('uuid')", 'R', 'may be the number of a person, document or study', 'identifier'),
  redact('Patient.multipleBirthInteger', 'R', 'the order of birth of quintuplets is one person'),
  dropResource('Parameters', 'R', 'only names tell what the values are'),
  redact('Task.input', 'R', 'only names tell what the values are'),
  redact('Task.output', 'R', 'only names tell what the values are'),
];
