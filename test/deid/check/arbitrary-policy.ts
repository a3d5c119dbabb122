/**
 * Random policies. Rules meet only where they lead to the same elements, so most policies have a subject: names, codings,
 * references and ids, or extensions; and rules of other subjects beside.
 */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** Paths of one subject: those that the plan follows, and those that the FHIRPath library evaluates. */
interface Subject {
  readonly plain: readonly string[];
  readonly general: readonly string[];
}

const ofType = (...types: readonly string[]): readonly string[] => types.map((type) => `nodesByType('${type}')`);
const ofName = (...names: readonly string[]): readonly string[] => names.map((name) => `nodesByName('${name}')`);

const names: Subject = {
  plain: [
    ...['Patient.name', 'Patient.name.family', 'Patient.name.given', 'Patient.name.text', 'Patient.name.period'],
    ...['Patient.contact', 'Patient.contact.name', 'Patient.contact.name.family', 'HumanName.given'],
    ...ofType('HumanName', 'Patient.contact', 'Period'),
    ...ofName('family', 'given', 'name', 'use', 'prefix'),
    "nodesByType('HumanName').where(use = 'official').family",
    "nodesByType('HumanName').where(given = 'Ann')",
    "Patient.name.where(use = 'home').given",
  ],
  general: [
    "Patient.name.where(use = 'official' or use = 'home')",
    "Patient.name.where(use = 'official' or given.exists()).family",
    ...['Patient.name.first()', 'Patient.name.last().family', 'Patient.name.given.first()', 'Patient.name[0].given'],
    ...['Patient.name.where(family.exists()).given', 'Patient.name.given | Patient.name.family'],
    ...['Patient.name.where(family.exists().not()).text', "Patient.name.given.where($this.startsWith('A'))"],
    "nodesByType('HumanName').where(family.exists() and use.exists()).given",
    "nodesByType('HumanName').given.first()",
    "nodesByName('name').where(text.exists()).family",
    "Patient.contact.where(gender = 'male' or name.exists()).name.family",
  ],
};

const codings: Subject = {
  plain: [
    ...['Observation.code', 'Observation.code.coding', 'Observation.code.coding.code', 'Resource.meta.tag'],
    ...['Resource.meta', 'Observation.code.text', 'Encounter.class', 'Coding.version', 'Observation.component.code'],
    ...ofType('Coding', 'CodeableConcept', 'code', 'uri', 'boolean'),
    ...ofName('display', 'coding', 'code', 'system', 'text', 'tag'),
    ...["nodesByType('Coding').display", "nodesByType('Coding').system", "nodesByType('CodeableConcept').text"],
    ...["nodesByType('Coding').where(code = 'c').display", "nodesByType('Coding').where(system = 'urn:s')"],
  ],
  general: [
    "nodesByType('Coding').where(code = 'c' or code = 'male').display",
    "nodesByType('Coding').where(code = 'c' or system.exists())",
    "nodesByType('Coding').where(system.exists()).code",
    "nodesByType('CodeableConcept').coding.first()",
    "nodesByType('CodeableConcept').coding.where(display = 'Ann' or code = 'c').display",
    "nodesByName('coding').where(userSelected.exists() or display.exists())",
    "nodesByName('tag').where(code = 'c' or code = 'R').display",
    "Observation.code.coding.where(system = 'urn:s' or code = 'c')",
    'Observation.code.where(text.exists()).coding.code',
    ...['Observation.code.coding.system | Observation.category', 'Observation.descendants().where($this is Coding)'],
    "Resource.meta.tag.where(code = 'c' or display.exists())",
  ],
};

const references: Subject = {
  plain: [
    ...['Observation.subject', 'Encounter.participant', 'Encounter.subject.reference', 'Patient.identifier'],
    ...['Patient.identifier.value', 'DomainResource.contained', 'Patient.link', 'Patient.contact.id', 'HumanName.id'],
    ...['Bundle.entry', 'Bundle.entry.resource', 'Bundle.entry.request'],
    ...ofType('Reference', 'Identifier', 'uri', 'string', 'canonical', 'Observation.component'),
    ...ofName('id', 'identifier', 'reference', 'subject', 'display', 'type'),
    ...[
      "nodesByType('Reference').reference",
      "nodesByType('Reference').display",
      "nodesByType('Reference').identifier",
    ],
    ...["nodesByType('Identifier').value", "nodesByType('Identifier').id", "nodesByType('Reference').id"],
    "nodesByType('Identifier').where(use = 'official')",
    "nodesByType('Reference').where(reference = 'Patient/a').display",
  ],
  general: [
    "nodesByType('Reference').where(reference.startsWith('Patient/'))",
    "nodesByType('Reference').where(display.exists() or identifier.exists()).display",
    "nodesByType('Reference').where(reference.exists()).identifier",
    "nodesByType('Reference').where(display.exists()).reference",
    "nodesByType('Identifier').where(use = 'official' or use = 'home').value",
    "nodesByName('identifier').first().value",
    "nodesByName('identifier').where(value.exists()).id",
    ...['Observation.subject.where(reference.exists())', 'Patient.identifier.where(value.exists() or use.exists())'],
    ...['Observation.component.where(value.exists()).id', 'Patient.contact.id.first()', 'Patient.name.where(true).id'],
    "DomainResource.contained.where(id = 'c' or id = 'a')",
    'Bundle.entry.where(fullUrl.exists()).resource',
    'Observation.descendants().where($this is Reference)',
  ],
};

const extensions: Subject = {
  plain: [
    ...[
      "Patient.extension('http://a')",
      "Patient.extension('http://a').value",
      "Patient.birthDate.extension('http://b')",
    ],
    ...[
      "Patient.extension('http://a').extension('http://b').value",
      "Patient.extension('http://a').value.ofType(string)",
    ],
    ...['Patient.extension', 'Patient.extension.value', 'Patient.extension.extension', 'Patient.extension.url'],
    ...["nodesByType('HumanName').extension('http://a').value", 'Patient.name.extension.value'],
    ...[
      'DomainResource.extension',
      "Resource.extension('http://b')",
      'Observation.extension.value.ofType(Coding).code',
    ],
    ...ofType('Extension', 'Coding', 'HumanName', 'code', 'string', 'dateTime', 'decimal'),
    ...ofName('extension', 'value', 'url', 'valueCode', 'family'),
    ...[
      "nodesByType('Extension').url",
      "nodesByType('Extension').value",
      "nodesByType('Extension').where(url = 'http://a')",
    ],
    ...['Patient.name', 'Patient.contact', 'Observation.code', 'Observation.component'],
  ],
  general: [
    "Patient.extension.where(url = 'http://a' or url = 'http://b')",
    "Patient.extension('http://a').value.first()",
    'Patient.extension.where(value.exists()).value',
    'Patient.name.extension.first()',
    'Patient.birthDate.extension.where(url.exists())',
    "nodesByType('Extension').where(url = 'http://a' or url = 'http://b').value",
    "nodesByType('Extension').where(value.exists()).extension",
    "nodesByType('HumanName').where(extension.exists()).family",
    "nodesByName('extension').where(url.endsWith('a'))",
    'Patient.descendants().where(url.exists())',
  ],
};

const others: Subject = {
  plain: [
    ...['Patient.birthDate', 'Patient.address.postalCode', 'Patient.gender', 'Observation.value', 'Encounter.period'],
    ...['Observation.value.ofType(Quantity)', 'Observation.component', 'Observation.effective', 'Observation.note'],
    ...['ServiceRequest.occurrence', 'QuestionnaireResponse.item', 'QuestionnaireResponse.item.text', 'Resource.text'],
    ...['QuestionnaireResponse.item.answer', 'QuestionnaireResponse.item.linkId'],
    ...ofType('Annotation', 'Period', 'Quantity', 'ContactPoint', 'string', 'code', 'dateTime', 'date', 'decimal'),
    ...ofType('integer', 'boolean', 'instant', 'markdown'),
    ...ofName('text', 'id', 'value', 'status', 'note'),
    ...["nodesByType('ContactPoint').where(system = 'c').value", "nodesByType('Quantity').where(code = 'c').value"],
  ],
  general: [
    'Patient.telecom.where(value.exists()).value',
    'Observation.component.where(value.exists() and code.exists())',
    'Observation.component.first().value',
    'Observation.descendants().where($this is string)',
    'Observation.value.where($this is Quantity).value',
    "Observation.note.where(text.contains('call'))",
    "QuestionnaireResponse.item.where(linkId = 'q1' or text.exists()).answer",
    'QuestionnaireResponse.descendants().where(linkId.exists()).text',
  ],
};

const params: Readonly<Record<string, readonly (object | undefined)[]>> = {
  keep: [undefined],
  redact: [undefined],
  pseudonymize: [undefined, { domain: 'd' }],
  cryptoHash: [undefined, { hexDigits: 16 }],
  dateShift: [undefined, { daysMax: 10, ageYearsMax: 89 }, { timeOfDay: 'zero' }],
  dateTruncate: [undefined, { to: 'month' }, { to: 'day', ageYearsMax: 89 }],
  generalize: [{ zip3: 'census-2010' }, { numberStep: 5 }, { numberStep: 0.5 }, { numberMax: 89, as: 90 }],
  perturb: [{ span: 3 }, { span: 0.1, rangeType: 'proportional', roundTo: 0 }],
  substitute: [{ with: 'x' }, { with: 5 }, { with: { text: 'x' } }, { with: { value: 'x' } }],
  encrypt: [undefined, { deterministic: true }],
  mask: [undefined, { kinds: ['phone'] }],
};

const methods = ['keep', 'keep', 'keep', 'redact', 'redact', 'mask', ...Object.keys(params)];

const ruleOn = (paths: readonly string[]): Arbitrary<object> =>
  fc
    .record({ path: fc.constantFrom(...paths), method: fc.constantFrom(...methods) })
    .chain(({ path, method }) =>
      fc
        .constantFrom(...(params[method] ?? []))
        .map((one): object => ({ path, method, ...(one === undefined ? {} : { params: one }) })),
    );

const oddRules: readonly object[] = [
  { path: 'Observation', method: 'dropResource' },
  { path: 'Patient', method: 'keep' },
  { path: 'Patient.odd', method: 'redact', custom: true },
  { path: 'Observation.odd', method: 'keep', custom: true },
  { path: 'QuestionnaireResponse.item.answer', method: 'redact', answersTo: { linkIds: ['q1'], texts: ['name'] } },
  { path: 'QuestionnaireResponse.item.answer', method: 'keep', answersTo: { texts: ['Ann'] } },
];

const subjects = [names, codings, references, extensions, others];
const anyPlain = ruleOn(subjects.flatMap(({ plain }) => plain));
const anyGeneral = ruleOn(subjects.flatMap(({ general }) => general));

const rulesOf = ({ plain, general }: Subject): Arbitrary<object[]> =>
  fc.array(
    fc.oneof(
      { arbitrary: ruleOn(plain), weight: 5 },
      { arbitrary: ruleOn(general), weight: 2 },
      { arbitrary: anyPlain, weight: 4 },
      anyGeneral,
      fc.constantFrom(...oddRules),
    ),
    { maxLength: 7 },
  );

/** A random policy's document, which `readPolicy` may still refuse. */
export const policy: Arbitrary<Record<string, unknown>> = fc.record({
  rules: fc.oneof(...subjects.map(rulesOf)),
  default: fc.constantFrom('keep', 'drop'),
  extensions: fc.constantFrom(undefined, 'keep', 'drop', 'withhold'),
  labels: fc.constantFrom(true, true, false),
  leakGuard: fc.constantFrom('mask', 'off'),
});
