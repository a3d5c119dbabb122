/**
 * What passes under a HIPAA preset: R4's coded and counted values by their types, and the few texts without which those
 * mean nothing. Whatever is not in here is dropped. Each entry is reviewed in test/deid/presets/safe-harbor.test.ts.
 */
import type { PolicyRule } from '../policy/document.ts';
import { keep } from './rule.ts';

const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/';

const values: readonly PolicyRule[] = [
  keep("nodesByType('code')", 'one of a list'),
  keep("nodesByType('boolean')", 'yes or no'),
  keep("nodesByType('integer')", 'counts and scores'),
  keep("nodesByType('positiveInt')", 'counts and places in a list'),
  keep("nodesByType('unsignedInt')", 'counts'),
  keep("nodesByType('decimal')", 'measurements and amounts'),
  keep("nodesByType('canonical')", 'names a published definition'),
];

/** Without its system a code has no meaning. A display is the terminology's own wording; the leak guard looks at it. */
const codings: readonly PolicyRule[] = [
  keep("nodesByType('Coding').system", 'names the terminology'),
  keep("nodesByType('Coding').version", 'the edition of the terminology'),
  keep("nodesByType('Coding').display", "the terminology's wording of the code"),
];

const units: readonly PolicyRule[] = ['Quantity', 'Age', 'Duration', 'Count', 'Distance'].flatMap((type) => [
  keep(`nodesByType('${type}').unit`, 'a number without a unit says nothing'),
  keep(`nodesByType('${type}').system`, "names the unit's code system"),
]);

const links: readonly PolicyRule[] = [
  keep("nodesByType('Reference').reference", 'rewritten to the pseudonym'),
  keep("nodesByType('Reference').type", 'type of what is pointed at'),
  keep("nodesByName('linkId')", 'which question of the form was answered'),
];

/** Race, ethnicity and birth sex by their codes; the text beside them is free. The url passes where its extension does. */
const extensions: readonly PolicyRule[] = [
  keep("nodesByType('Extension').url", 'which extension it is; unknown ones do not come this far'),
  ...['race', 'ethnicity'].flatMap((which) =>
    ['ombCategory', 'detailed'].map((part) =>
      keep(`Patient.extension('${usCore}us-core-${which}').extension('${part}').value.ofType(Coding)`, 'a coded group'),
    ),
  ),
  keep(`Patient.extension('${usCore}us-core-birthsex').value.ofType(code)`, 'one of a list'),
];

/** Forms and vocabularies: published, about nobody, and needed to read what points at them. */
const definitions: readonly PolicyRule[] = [
  'Questionnaire.url',
  'Questionnaire.version',
  "nodesByType('Questionnaire.item').prefix",
  "nodesByType('Questionnaire.item').text",
  "nodesByType('Questionnaire.item.enableWhen').question",
  'CodeSystem.url',
  'CodeSystem.version',
  "nodesByType('CodeSystem.concept').display",
  'ValueSet.url',
  'ValueSet.version',
  "nodesByType('ValueSet.compose.include').system",
  "nodesByType('ValueSet.compose.include').version",
  "nodesByType('ValueSet.compose.include.concept').display",
  "nodesByType('ValueSet.expansion.contains').system",
  "nodesByType('ValueSet.expansion.contains').version",
  "nodesByType('ValueSet.expansion.contains').display",
  'ConceptMap.url',
  'ConceptMap.version',
  'ConceptMap.group.source',
  'ConceptMap.group.sourceVersion',
  'ConceptMap.group.target',
  'ConceptMap.group.targetVersion',
  'ConceptMap.group.element.display',
  'ConceptMap.group.element.target.display',
].map((path) => keep(path, 'of a published form or vocabulary'));

export const structure: readonly PolicyRule[] = [
  ...values,
  ...codings,
  ...units,
  ...links,
  ...extensions,
  ...definitions,
];
