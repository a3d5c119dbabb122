/** Hand-written policies that together use every method, form of path and setting; for resources of any type. */
import type { MethodPlugin } from '../../../src/deid/engine.ts';
import { policyOf } from '../support.ts';
import type { Setting } from '../support.ts';
import { keep, redact, rule } from '../support.ts';

/** Turns texts round: what a plug-in does is nobody's business but its own. */
const reverse: MethodPlugin = {
  name: 'reverse',
  version: '1',
  types: ['string'],
  apply: (value) => (typeof value === 'string' ? Array.from(value).reverse().join('') : undefined),
};

interface Written {
  readonly name: string;
  readonly rules: readonly object[];
  readonly setting: Setting;
}

const written: readonly Written[] = [
  { name: 'nothing, kept', rules: [], setting: { default: 'keep' } },
  { name: 'nothing, dropped', rules: [], setting: { default: 'drop' } },
  {
    name: 'keyed values',
    rules: [
      rule("nodesByType('Identifier').value", 'pseudonymize', { domain: 'mrn' }),
      rule("nodesByType('ContactPoint')", 'cryptoHash', { hexDigits: 20 }),
      rule("nodesByType('HumanName').family", 'encrypt', { deterministic: true }),
      rule("nodesByType('HumanName')", 'encrypt'),
      rule('Observation.subject', 'cryptoHash'),
      rule("nodesByName('display')", 'pseudonymize'),
    ],
    setting: { default: 'keep', leakGuard: 'off' },
  },
  {
    name: 'dates',
    rules: [
      rule('Patient.birthDate', 'dateTruncate', { to: 'month', ageYearsMax: 89 }),
      rule("nodesByType('Period')", 'dateShift', { daysMax: 20 }),
      rule("nodesByType('dateTime')", 'dateShift', { timeOfDay: 'zero' }),
      rule("nodesByType('instant')", 'dateTruncate', { to: 'day' }),
      rule("nodesByType('date')", 'dateTruncate'),
    ],
    setting: { default: 'keep' },
  },
  {
    name: 'numbers',
    rules: [
      rule("nodesByType('Quantity').where(code = 'kg').value", 'generalize', { numberStep: 5 }),
      rule("nodesByType('Quantity').value", 'perturb', { span: 2, roundTo: 1 }),
      rule("nodesByType('decimal')", 'generalize', { numberMax: 100, as: 101 }),
      rule("nodesByType('integer')", 'generalize', { cases: { '$this > 1': '2' }, otherValues: 'keep' }),
      rule("nodesByType('positiveInt')", 'generalize', { numberStep: 10 }),
    ],
    setting: { default: 'keep', labels: false },
  },
  {
    name: 'texts',
    rules: [
      rule("nodesByType('Address').postalCode", 'generalize', { zip3: 'census-2000' }),
      rule("nodesByType('Narrative')", 'mask'),
      rule("nodesByType('Annotation').text", 'mask', { kinds: ['phone', 'date'] }),
      rule('Patient.gender', 'substitute', { with: 'unknown' }),
      rule('Patient.name', 'substitute', { with: { text: 'Nobody' } }),
      rule("nodesByName('title')", 'plugin', { name: 'reverse' }),
      rule("nodesByType('string')", 'mask'),
    ],
    setting: { default: 'keep', plugins: [reverse] },
  },
  {
    name: 'dropped, with conditions and extensions',
    rules: [
      redact("nodesByType('Identifier').where(use = 'usual')"),
      keep("nodesByType('Identifier').where(system = 'http://hl7.org/fhir/sid/us-ssn').system"),
      keep("Patient.extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-race')"),
      keep(
        "Patient.extension('http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity').extension('text').value",
      ),
      keep('QuestionnaireResponse.patientFirstName', { custom: true }),
      keep('QuestionnaireResponse.item.answer', { answersTo: { linkIds: ['smoking'] } }),
      keep("Observation.where(status = 'final' and code.exists()).value"),
      redact("Patient.telecom.where(system = 'phone' and use = 'home')"),
      keep("nodesByType('Reference').reference"),
      keep('Patient.telecom'),
      { path: 'Practitioner', method: 'dropResource' },
    ],
    setting: { default: 'drop' },
  },
  {
    name: 'kept, with conditions and extensions',
    rules: [
      redact("nodesByType('Identifier').where(use = 'usual')"),
      redact("Patient.name.where(use = 'official' and family.exists())"),
      redact("nodesByType('Extension').where(url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race')"),
      redact('QuestionnaireResponse.patientFirstName', { custom: true }),
      redact('QuestionnaireResponse.item.answer', { answersTo: { texts: ['name', 'phone'] } }),
      redact('DomainResource.contained'),
      redact('Resource.meta'),
    ],
    setting: { default: 'keep', leakGuard: 'off' },
  },
];

export const handWritten = written.map(({ name, rules, setting }) => ({
  name,
  compile: (scope: Setting['scope']) => policyOf(rules, { ...setting, ...(scope === undefined ? {} : { scope }) }),
}));
