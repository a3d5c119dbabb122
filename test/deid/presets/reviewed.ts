/**
 * The texts of R4 that pass under `safe-harbor`, each with why it may. Whoever adds a keep rule to the preset adds its
 * leaves here, or the test fails: no text passes that nobody has looked at.
 */
export const reviewedTexts: Readonly<Record<string, string>> = {
  'Coding.system': 'a code without its system has no meaning; names a terminology',
  'Coding.version': "a terminology's edition",
  'Coding.display': "the terminology's wording; the leak guard looks for the patient's words in it",
  'Quantity.unit': 'a unit; without a code it is all there is',
  'Quantity.system': 'UCUM as a rule',
  'Age.unit': 'as Quantity.unit',
  'Age.system': 'as Quantity.system',
  'Duration.unit': 'as Quantity.unit',
  'Duration.system': 'as Quantity.system',
  'Count.unit': 'as Quantity.unit',
  'Count.system': 'as Quantity.system',
  'Distance.unit': 'as Quantity.unit',
  'Distance.system': 'as Quantity.system',
  'Reference.reference': 'the engine rewrites it to a pseudonym, or detaches it',
  'Reference.type': 'a type of R4',
  'Address.state': 'row B lets states stay',
  'Address.country': 'larger than a state',
  'QuestionnaireResponse.item.linkId': 'which question; without it answers have no meaning',
  'Questionnaire.item.linkId': 'which question',
  'Questionnaire.item.enableWhen.question': 'the linkId of another question',
  'Questionnaire.item.prefix': "the question's number on paper",
  'Questionnaire.item.text': 'the wording of a form that everybody gets',
  'Questionnaire.url': 'name of a published form',
  'Questionnaire.version': 'edition of a published form',
  'Contract.term.offer.linkId': 'number of a clause',
  'Contract.term.asset.linkId': 'number of a clause',
  'Contract.term.asset.valuedItem.linkId': 'number of a clause',
  'Contract.term.action.linkId': 'number of a clause',
  'CodeSystem.url': 'name of a terminology',
  'CodeSystem.version': 'edition of a terminology',
  'CodeSystem.concept.display': 'wording of a terminology',
  'ValueSet.url': 'name of a list of codes',
  'ValueSet.version': 'edition of a list of codes',
  'ValueSet.compose.include.system': 'name of a terminology',
  'ValueSet.compose.include.version': 'edition of a terminology',
  'ValueSet.compose.include.concept.display': 'wording of a terminology',
  'ValueSet.expansion.contains.system': 'name of a terminology',
  'ValueSet.expansion.contains.version': 'edition of a terminology',
  'ValueSet.expansion.contains.display': 'wording of a terminology',
  'ConceptMap.url': 'name of a mapping',
  'ConceptMap.version': 'edition of a mapping',
  'ConceptMap.group.source': 'name of a terminology',
  'ConceptMap.group.sourceVersion': 'edition of a terminology',
  'ConceptMap.group.target': 'name of a terminology',
  'ConceptMap.group.targetVersion': 'edition of a terminology',
  'ConceptMap.group.element.display': 'wording of a terminology',
  'ConceptMap.group.element.target.display': 'wording of a terminology',
};

/** Texts that are changed, and how. */
export const changedTexts: Readonly<Record<string, string>> = {
  'Address.postalCode': 'three digits, or 000',
};

/** Elements removed as a whole that hold dates; everywhere else a date is cut to its year. */
export const removedWithTheirDates: Readonly<Record<string, string>> = {
  'Annotation.time': 'with the note',
  'Attachment.creation': 'with the attachment',
  'Signature.when': 'with the signature',
  'Task.input.valueDate': 'only a name tells what it is',
  'Task.input.valueDateTime': 'only a name tells what it is',
  'Task.input.valueInstant': 'only a name tells what it is',
  'Task.output.valueDate': 'only a name tells what it is',
  'Task.output.valueDateTime': 'only a name tells what it is',
  'Task.output.valueInstant': 'only a name tells what it is',
  'Parameters.parameter.valueDate': 'with the resource',
  'Parameters.parameter.valueDateTime': 'with the resource',
  'Parameters.parameter.valueInstant': 'with the resource',
};
