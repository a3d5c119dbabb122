/** Random policies over the types that the property tests draw resources of. */
import fc from 'fast-check';
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { resourceOf } from '../r4/arbitrary.ts';
import { policyOf } from '../support.ts';

const types = [
  'Patient',
  'Observation',
  'Encounter',
  'QuestionnaireResponse',
  'MedicationRequest',
  'Claim',
  'DocumentReference',
  'Practitioner',
];
export const resource = resourceOf(...types);

export const rulePaths = [
  'Patient.name',
  'Patient.name.family',
  'Patient.contact',
  'Patient.birthDate',
  'Observation.value',
  'Observation.value.ofType(Quantity)',
  'Observation.component',
  'Observation.referenceRange.text',
  'Resource.text',
  'DomainResource.extension',
  "Resource.extension('http://a')",
  "DomainResource.extension('http://d').extension('one')",
  "nodesByType('HumanName')",
  "nodesByType('Identifier').value",
  "nodesByType('Extension').value.ofType(string)",
  "nodesByType('CodeableConcept').text",
  "nodesByName('note')",
  "nodesByName('identifier')",
  "nodesByType('dateTime')",
  "nodesByType('code')",
  "nodesByType('string')",
  "nodesByType('Reference')",
  'Reference.display',
  'Reference.type',
  "nodesByType('Identifier').where(use = 'code')",
  'Patient.name.given.first()',
  'Observation.component[0]',
  'Encounter.participant.where(period.exists() or individual.exists()).type',
  'Claim.item',
  'QuestionnaireResponse.item.answer',
] as const;
const dates = ["nodesByType('date')", "nodesByType('dateTime')", "nodesByType('instant')"];
const anyRule = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ path: fc.constantFrom(...rulePaths), method: fc.constantFrom('keep', 'redact', 'redact') }),
  },
  fc.record({
    path: fc.constantFrom("nodesByType('string')", "nodesByType('Identifier').value", 'Patient.name'),
    method: fc.constantFrom('cryptoHash', 'pseudonymize', 'encrypt'),
  }),
  fc.record({ path: fc.constantFrom(...dates), method: fc.constantFrom('dateShift', 'dateTruncate') }),
  fc.constantFrom<object>(
    { path: 'Claim', method: 'dropResource' },
    { path: 'Patient', method: 'keep' },
    { path: "nodesByType('decimal')", method: 'perturb', params: { span: 3 } },
  ),
);
export interface Drawn {
  readonly rules: readonly object[];
  readonly default: 'keep' | 'drop';
  readonly extensions: string;
}
export const drawn: fc.Arbitrary<Drawn> = fc.record({
  rules: fc.array(anyRule, { maxLength: 5 }),
  default: fc.constantFrom<'keep' | 'drop'>('keep', 'drop'),
  extensions: fc.constantFrom('keep', 'drop'),
});

/** The policy without the rules that an earlier one hides, which reading refuses. */
export function compiled({ rules, ...setting }: Drawn): CompiledPolicy {
  const kept: object[] = [];
  for (const one of rules) {
    try {
      policyOf([...kept, one], setting);
      kept.push(one);
    } catch {
      // Hidden by those before it.
    }
  }
  return policyOf(kept, { ...setting, scope: { urns: 'rename' } });
}
