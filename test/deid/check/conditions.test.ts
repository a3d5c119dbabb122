/** Rules that hang on data: what the output still tells of it, and what is accepted where it tells nothing. */
import { describe, expect, it } from '@jest/globals';
import { compilePolicy } from '../../../src/deid/compile.ts';
import { provingOperands, widestSteps } from '../../../src/deid/check/general.ts';
import { dropping, keep, patient, policyOf, redact, rule, observation, scope } from '../support.ts';
import { plant, staged, verdictOn } from './support.ts';

const spoilt = (policy: ReturnType<typeof policyOf>, source: object, path: string, value: unknown): string =>
  verdictOn(plant(staged(source, policy), path, value), policy);

describe('a rule with a condition', () => {
  const source = patient({
    identifier: [
      { use: 'usual', value: '1' },
      { use: 'old', value: '2' },
    ],
  });
  const removing = policyOf([redact("nodesByType('Identifier').where(use = 'usual').value")]);

  it('removes where the output shows that it held', () => {
    expect(spoilt(removing, source, 'identifier.0.value', '1')).toBe('removed-path');
    expect(spoilt(removing, source, 'identifier.1.value', '2')).toBe('ok');
  });

  it('may not have held where what it looked at is gone or masked', () => {
    expect(spoilt(removing, source, 'identifier.0', { value: '1' })).toBe('ok');
    const texts = policyOf([redact("nodesByType('Coding').where(display = 'Ann').code")]);
    const coded = observation({ code: { coding: [{ code: 'c', display: 'Ann' }] } });
    expect(spoilt(texts, coded, 'code.coding.0', { code: 'c', display: '[removed]' })).toBe('ok');
    expect(spoilt(texts, coded, 'code.coding.0', { code: 'c', display: 'Ann' })).toBe('removed-path');
  });

  it('is sure not to have held where nothing may be missing', () => {
    const sure = policyOf(
      [
        keep('Patient.identifier.use'),
        keep("Patient.identifier.where(use = 'usual').value"),
        redact('Patient.identifier'),
      ],
      { leakGuard: 'off' },
    );
    expect(spoilt(sure, source, 'identifier.0.value', '1')).toBe('ok');
    expect(spoilt(sure, source, 'identifier.1.value', '2')).toBe('removed-path');
    expect(spoilt(sure, source, 'identifier.1', { value: '2' })).toBe('removed-path');
  });

  it('may look at any choice by its FHIRPath name', () => {
    const policy = policyOf([redact("nodesByType('Observation.component').where(value = 'x').code")]);
    const component = [{ code: { text: 't' }, valueString: 'y' }];
    expect(spoilt(policy, observation({ component }), 'component.0.valueString', 'x')).toBe('removed-path');
  });

  it('may stand on a resource inside another', () => {
    // Readers refuse it, since R4 has no such element in every resource.
    const policy = compilePolicy(
      {
        apiVersion: 'fhir-sluice/v1',
        default: 'keep',
        rules: [{ path: "Patient.contained.where(language = 'de')", method: 'redact' }],
      },
      scope,
    );
    const outer = patient({ contained: [{ resourceType: 'Patient', id: 'c', language: 'en' }] });
    expect(spoilt(policy, outer, 'contained.0.language', 'de')).toBe('dropped-type');
  });

  it('is never sure of what a method has changed', () => {
    const policy = policyOf([
      rule('Patient.gender', 'substitute', { with: 'male' }),
      redact("nodesByType('Patient.contact').where(gender = 'male').name"),
    ]);
    expect(
      verdictOn(
        staged(patient({ gender: 'female', contact: [{ gender: 'female', name: { text: 'A' } }] }), policy),
        policy,
      ),
    ).toBe('ok');
  });
});

describe('extensions', () => {
  const url = 'http://a';
  it('of which rules name a part let that part pass alone', () => {
    const policy = dropping([keep("nodesByType('code')"), keep(`Patient.extension('${url}').value.ofType(string)`)]);
    const source = patient({ extension: [{ url, valueString: 'x' }] });
    expect(spoilt(policy, source, 'extension.0', { url, valueString: 'y' })).toBe('ok');
    expect(spoilt(policy, source, 'extension.0', { url, valueCode: 'y' })).toBe('unnamed-path');
    expect(spoilt(policy, source, 'extension.0', { url: 'http://b', valueString: 'y' })).toBe('unknown-extension');
  });

  it('are not kept with what holds them, nor opened by a rule that removes some', () => {
    const policy = dropping([keep('Patient.contact'), redact(`Patient.contact.extension('${url}')`)]);
    const source = patient({ contact: [{ gender: 'male' }] });
    expect(spoilt(policy, source, 'contact.0.extension', [{ url, valueString: 'x' }])).toBe('removed-path');
    expect(spoilt(policy, source, 'contact.0.extension', [{ url: 'http://b', valueString: 'x' }])).toBe(
      'unknown-extension',
    );
  });

  it('that nobody names do not pass by a search for their values, whatever removes what holds them', () => {
    const policy = dropping([keep("nodesByType('code')"), redact("nodesByType('string')"), keep('Patient.name')]);
    const source = patient({ name: [{ use: 'official', text: 'A' }] });
    expect(spoilt(policy, source, 'name.0._text', { extension: [{ url, valueCode: 'john-smith' }] })).not.toBe('ok');
  });
});

describe('ids of elements', () => {
  it('pass by a rule of their own, never with their parents', () => {
    const source = patient({ contact: [{ gender: 'male' }] });
    const at = (policy: ReturnType<typeof policyOf>): string => spoilt(policy, source, 'contact.0.id', 'x');
    expect(at(dropping([keep('Patient.contact')]))).toBe('unnamed-path');
    expect(at(dropping([keep('Patient.contact'), redact("nodesByName('id')")]))).toBe('removed-path');
    expect(at(dropping([keep('Patient.contact'), keep("nodesByName('id')")]))).toBe('ok');
    expect(at(policyOf([keep('Patient.contact')]))).toBe('ok');
  });
});

describe('answers', () => {
  const answer = [{ valueString: 'x', item: [{ linkId: 'n', answer: [{ valueString: 'y' }] }] }];
  const response = {
    resourceType: 'QuestionnaireResponse',
    id: 'q',
    item: [
      { linkId: 'g', item: [{ linkId: 'a', text: ' NAME ' }] },
      { linkId: 'b', text: 'Age', answer },
    ],
  };

  it('are removed where their question stands, at any depth', () => {
    const policy = policyOf([redact('QuestionnaireResponse.item.answer', { answersTo: { texts: ['Name'] } })]);
    expect(spoilt(policy, response, 'item.1.answer', answer)).toBe('ok');
    expect(spoilt(policy, response, 'item.0.item.0.answer', answer)).toBe('removed-path');
    expect(spoilt(policy, response, 'item.0.text', 'name')).toBe('ok');
    expect(spoilt(policy, response, 'item.1.text', 'name')).toBe('removed-path');
    expect(spoilt(policy, response, 'item.1.answer.0.item.0.text', 'Name')).toBe('removed-path');
    // Once the question is gone nobody knows.
    expect(spoilt(policy, response, 'item.0.item.0', { linkId: 'a', answer })).toBe('ok');
  });

  it.each(['NAME?', 'Name :', 'name*', ' Name. '])('are removed where forms write the question as %j', (text) => {
    const policy = policyOf([redact('QuestionnaireResponse.item.answer', { answersTo: { texts: ['Name'] } })]);
    expect(spoilt(policy, response, 'item.1.text', text)).toBe('removed-path');
  });

  it.each(['http://d|1#name', 'http://d#name'])('are removed where their definition stands: %s', (definition) => {
    const answersTo = { definitions: ['http://d|2#name'] };
    const policy = policyOf([redact('QuestionnaireResponse.item.answer', { answersTo })]);
    expect(spoilt(policy, response, 'item.1.definition', definition)).toBe('removed-path');
    expect(spoilt(policy, response, 'item.1.definition', `${definition}s`)).toBe('ok');
  });

  it('pass alone where a rule keeps those of some questions', () => {
    const policy = dropping([
      keep("nodesByName('linkId')"),
      keep('QuestionnaireResponse.item.answer', { answersTo: { linkIds: ['b'] } }),
    ]);
    expect(verdictOn(staged(response, policy), policy)).toBe('ok');
    expect(spoilt(policy, response, 'item.0.item.0.answer', answer)).toBe('unnamed-path');
  });
});

describe('general FHIRPath', () => {
  it('is asked again where what it finds proves anything', () => {
    const policy = policyOf([redact("Patient.name.where(use = 'official' and period.exists())")]);
    const source = patient({
      name: [
        { use: 'official', period: { start: '2020' }, family: 'A' },
        { use: 'official', family: 'B' },
      ],
    });
    expect(verdictOn(staged(source, policy), policy)).toBe('ok');
    expect(spoilt(policy, source, 'name.0.period', { start: '2020' })).toBe('removed-path');
  });

  it('is not where another rule has changed what it looks at, or positions moved up', () => {
    const changed = policyOf([
      rule('Patient.name.use', 'substitute', { with: 'official' }),
      redact("Patient.name.where(use = 'official' and family.exists())"),
    ]);
    expect(verdictOn(staged(patient({ name: [{ use: 'old', family: 'A' }] }), changed), changed)).toBe('ok');
    const moved = policyOf([redact('Patient.name.first()')]);
    expect(verdictOn(staged(patient({ name: [{ family: 'A' }, { family: 'B' }] }), moved), moved)).toBe('ok');
  });

  it('lets pass no more than it may name', () => {
    const policy = dropping([
      keep("Patient.name.where(use = 'official' or use = 'old').family"),
      keep('Patient.name.use'),
    ]);
    const source = patient({ name: [{ use: 'official', family: 'A' }] });
    expect(verdictOn(staged(source, policy), policy)).toBe('ok');
    expect(spoilt(policy, source, 'name.0.text', 'A')).toBe('unnamed-path');
    expect(spoilt(policy, source, 'birthDate', '1980')).toBe('unnamed-path');
  });

  it.each([
    ["name.where(use = 'a').family", ['name', 'family']],
    ['name[0].given.first()', ['name', 'given']],
    ["value.ofType(Quantity).where(code = ')').value", ['value', 'value']],
    ["nodesByType('Identifier').where(use.exists()).value", ['Identifier', 'value']],
    ["extension('http://a').value", ['http://a', 'value']],
    ['descendants()', undefined],
    ['name | telecom', undefined],
    ['name.select(family)', undefined],
  ])('%s names at most %j', (expression, expected) => {
    const steps = widestSteps({ kind: 'general', root: 'Patient', expression });
    expect(steps?.map((step) => ('name' in step ? step.name : 'type' in step ? step.type : step.url))).toEqual(
      expected,
    );
  });

  it.each([
    ["name.where(use = 'a' and period.exists())", ['use', 'period']],
    ['name.where(family.exists().not())', undefined],
    ["name.where(use != 'a')", undefined],
    ["name.where(given = 'a')", undefined], // a list, of which some may be gone
    ['name.first()', undefined],
    ['name[0]', undefined],
    ['name.where(extension.exists())', undefined],
    ['participant.where(individual.reference.exists())', undefined],
  ])('%s proves what it finds by %j', (expression, expected) => {
    expect(provingOperands({ kind: 'general', root: 'Patient', expression })).toEqual(expected);
  });
});
