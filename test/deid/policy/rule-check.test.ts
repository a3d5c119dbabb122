/** Rules that cannot do what they say: nothing in R4 by that path, nothing for the method to work on, nothing left. */
import { describe, expect, it } from '@jest/globals';
import { policyWarnings } from '../../../src/deid/policy/rule-check.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { keep, redact, rule } from '../support.ts';

const mistakes = (...rules: object[]): string[] => {
  const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', default: 'keep', rules });
  return reading.ok ? [] : reading.problems.map(({ path, expected }) => `${path}: ${expected}`);
};
const answers = (more: object = {}): object => ({
  ...redact('QuestionnaireResponse.item.answer'),
  answersTo: { texts: ['Name'] },
  ...more,
});

describe('a path that names nothing', () => {
  it.each([
    ['Patient.nam', 'name?'],
    ['Pateint.name', 'Patient?'],
    ['Patient.name.famly', 'family?'],
    ["nodesByType('HumanNam')", 'HumanName?'],
    ["nodesByName('famly')", 'family?'],
    ['Observation.valueFoo', "unlike 'valueFoo'"],
    ['Observation.value.ofType(Patient)', 'of type Patient'],
    ['Observation.value.ofType(date)', 'of type date'],
    ['Patient.birthDate.family', 'date has'],
    ["Patient.name.where(foo = 'x')", 'an element that'],
    ["nodesByType('HumanName').kind", "unlike 'kind'"],
    ["nodesByType('Observation')", 'a type that stands in'],
    ["nodesByType('string').value", "unlike 'value'"],
    ['Foo.bar', 'a resource type of R4'],
    ['DomainResource.name.famly', 'family?'],
    ['Patient.contained.language', 'Patient'],
    ['Bundle.entry.resource.name', 'Bundle'],
  ])('is refused, with what may have been meant: %s', (path, hint) => {
    expect(mistakes(redact(path))).toEqual([expect.stringMatching(/^rules\[0\]\.path: /)]);
    if (!path.includes('contained') && !path.includes('resource')) expect(mistakes(redact(path))[0]).toContain(hint);
  });

  it.each(['Patient.id', 'Patient.resourceType', 'Resource.id', 'DomainResource.id'])(
    'or what no rule decides: %s',
    (path) => {
      expect(mistakes(redact(path))).toEqual([
        'rules[0].path: no rule: resourceType always passes, id is always pseudonymized',
      ]);
    },
  );

  it.each(['patient.name', 'Patient name', 'Patient.', 'name', '', ' ', 'x'.repeat(501)])(
    'or is no path: %j',
    (path) => {
      expect(mistakes(redact(path)).length).toBeGreaterThan(0);
    },
  );

  it.each([
    'Patient..name',
    'Patient.name[',
    'Patient.name.where(',
    "Patient.name.where(nodesByName('x').exists())",
    'Foo.name.first()',
    "nodesByType('string').foo.first()",
  ])('or is no FHIRPath: %s', (path) => {
    expect(mistakes(redact(path))).toEqual([expect.stringMatching(/^rules\[0\]\.path: /)]);
  });

  it('passes with `custom: true`', () => {
    expect(mistakes(redact('Patient.nam', { custom: true }), redact('User.password', { custom: true }))).toEqual([]);
  });
});

describe('a method that fits nothing that its path names', () => {
  it.each<[string, string, object | undefined]>([
    ['Patient.birthDate', 'mask', undefined],
    ['Patient.birthDate', 'encrypt', undefined],
    ['Patient.birthDate', 'pseudonymize', undefined],
    ['Patient.birthDate', 'perturb', { span: 1 }],
    ['Patient.active', 'cryptoHash', undefined],
    ['Patient.active', 'generalize', { numberStep: 5 }],
    ['Patient.name.family', 'dateShift', undefined],
    ['Patient.birthDate', 'generalize', { zip3: 'census-2010' }],
  ])('is refused: %s %s %j', (path, method, params) => {
    expect(mistakes(rule(path, method, params))).toEqual([expect.stringMatching(/^rules\[0\]\.method: /)]);
  });

  it.each<[string, unknown, string]>([
    ['Patient.gender', 5, 'rules[0].params.with: a code, without white space around it'],
    ['Patient.active', 'x', 'rules[0].params.with: true or false'],
    ['Patient.birthDate', '2020-13-45', 'rules[0].params.with: a date: 1990, 1990-01 or 1990-01-31'],
    ['Patient.name', 'x', 'rules[0].params.with: an object: HumanName'],
    ['Patient.name', { famly: 'x' }, 'rules[0].params.with.famly: an element of HumanName'],
    ['Patient.name', [{ family: 'x' }], 'rules[0].params.with: an object: HumanName'],
    ['Patient.name', { given: ['x', ''] }, 'rules[0].params.with.given[1]: a text that is not empty'],
    ['Patient.name', null, 'rules[0].params.with: an object: HumanName'],
    ["nodesByName('birthDate')", '1990-02-30', 'rules[0].params.with: a date: 1990, 1990-01 or 1990-01-31'],
  ])('is refused for a constant that R4 does not have there: %s %j', (path, constant, mistake) => {
    expect(mistakes(rule(path, 'substitute', { with: constant }))).toEqual([mistake]);
  });

  it('is refused for a constant that fits one of several types alone, which is named', () => {
    const [mistake] = mistakes(rule('Observation.value', 'substitute', { with: 'x' }));
    expect(mistake).toMatch(/^rules\[0\]\.params\.with: .*; the path leads to a \w+ as well: name one type/);
    expect(mistakes(rule('Observation.value.ofType(string)', 'substitute', { with: 'x' }))).toEqual([]);
  });

  it.each<[string, string, object | undefined]>([
    ['Patient.contact', 'dateShift', undefined],
    ['Observation.value', 'perturb', { span: 1 }],
    ['Patient.name', 'substitute', { with: { family: 'x' } }],
    ['Patient.extension', 'dateTruncate', undefined],
    ['Observation.subject', 'pseudonymize', undefined],
    ["nodesByType('Quantity')", 'generalize', { numberMax: 1, as: 2 }],
  ])('passes where something fits: %s %s %j', (path, method, params) => {
    expect(mistakes(rule(path, method, params))).toEqual([]);
  });

  it('takes types alone or elements alone: dropResource, and the others', () => {
    expect(mistakes(rule('Patient.name', 'dropResource'))).toEqual([
      'rules[0].path: a resource type alone, for dropResource',
    ]);
    expect(mistakes(rule('Patient.name.first()', 'dropResource'))).toEqual([
      'rules[0].path: a resource type alone, for dropResource',
    ]);
    for (const type of ['Patient', 'Resource', 'DomainResource']) {
      expect(mistakes(redact(type))).toEqual(['rules[0].path: an element of the type, or the method dropResource']);
      expect(mistakes(keep(type))).toEqual([]);
      expect(mistakes(rule(type, 'dropResource'))).toEqual([]);
    }
  });

  it('takes cases that are FHIRPath on both sides', () => {
    const cases = (value: object): string[] => mistakes(rule('Patient.birthDate', 'generalize', { cases: value }));
    expect(cases({ '$this < @1931': '@1930' })).toEqual([]);
    expect(cases({ '$this <': '@1930' })).toEqual([
      expect.stringMatching(/^rules\[0\]\.params\.cases\.\$this <: FHIRPath on both sides/),
    ]);
    expect(cases({ true: "'" })).toEqual([expect.stringContaining('FHIRPath on both sides')]);
  });
});

describe('a rule that an earlier one always hides', () => {
  it.each<[object[], object]>([
    [[redact('Patient.name')], keep('Patient.name.family')],
    [[redact('Patient.name')], redact('Patient.name')],
    [[keep("nodesByType('string')")], redact('Patient.name.family')],
    [[redact("nodesByName('name')")], keep('Patient.contact.name.family')],
    [[redact('Resource.text')], redact('Patient.text')],
    [[redact("nodesByType('HumanName')")], redact('Patient.name')],
    [[redact('Observation.value')], redact('Observation.valueString')],
    [[redact('Observation.valueString'), redact('Observation.value')], redact('Observation.value.ofType(Quantity)')],
    [[redact('QuestionnaireResponse.item')], answers()],
    [[redact("nodesByType('Reference')")], redact('Reference.display')],
    [[rule('Patient', 'dropResource')], keep('Patient.active')],
    [[rule('Patient', 'dropResource')], redact("Patient.name.where(use = 'old').first()")],
    [[rule('Patient', 'dropResource')], rule('Patient', 'dropResource')],
    [[rule('DomainResource', 'dropResource')], keep('Patient.active')],
    [[rule('Resource', 'dropResource')], keep("nodesByType('code')")],
    [[rule('QuestionnaireResponse', 'dropResource')], answers()],
    [[{ ...rule('User', 'dropResource'), custom: true }], redact('User.name', { custom: true })],
  ])('is refused, and the rules that hide it are named: %j %j', (earlier, late) => {
    expect(mistakes(...earlier, late)).toEqual([
      expect.stringMatching(new RegExp(`^rules\\[${String(earlier.length)}\\]\\.path: a path that rules\\[\\d`)),
    ]);
  });

  it.each<[object[], object]>([
    [[redact('Patient.name.family')], keep('Patient.name')],
    [[redact("Patient.name.where(use = 'old')")], keep('Patient.name')],
    [[redact('Patient.name.first()')], keep('Patient.name')],
    [[redact('Patient.name')], redact("nodesByType('HumanName')")],
    [[redact('Patient.text')], redact('Resource.text')],
    [[redact('Observation.valueString')], redact('Observation.value')],
    [[keep('Patient.name')], redact("Patient.name.extension('http://x')")],
    [[answers()], redact('QuestionnaireResponse.item.answer')],
    [[answers()], answers({ answersTo: { linkIds: ['x'] } })],
    [[rule('Patient', 'dropResource')], redact('Practitioner.name')],
    [[rule('Patient', 'dropResource')], redact('Resource.text')],
    [[rule('Patient', 'dropResource')], redact("nodesByType('HumanName')")],
    [[rule('DomainResource', 'dropResource')], redact('Resource.language')],
    [[keep('Patient.active')], rule('Patient', 'dropResource')],
  ])('passes where something may be left: %j %j', (earlier, late) => {
    expect(mistakes(...earlier, late)).toEqual([]);
  });
});

describe('answersTo', () => {
  it('belongs to answers, and names at least one question', () => {
    expect(mistakes({ ...redact('QuestionnaireResponse.item'), answersTo: { texts: ['x'] } })).toEqual([
      'rules[0].path: QuestionnaireResponse.item.answer, with answersTo',
    ]);
    expect(mistakes(answers({ answersTo: {} }))).toEqual([
      expect.stringContaining('linkIds, texts or definitions, at least one'),
    ]);
    expect(mistakes(answers({ answersTo: { texts: [] } }))).toHaveLength(1);
    expect(mistakes(answers({ answersTo: { texts: [' '] } }))).toHaveLength(1);
  });

  it('reads its path without the space around it, as every rule does', () => {
    expect(mistakes(redact(' Patient.name '))).toEqual([]);
    expect(mistakes(answers({ path: ' QuestionnaireResponse.item.answer ' }))).toEqual([]);
  });
});

it('warns of what lets more pass', () => {
  const open = { default: 'keep', extensions: 'keep', modifierExtensions: 'drop', leakGuard: 'off' };
  expect(policyWarnings(open).map(({ path }) => path)).toEqual([
    'default',
    'extensions',
    'modifierExtensions',
    'leakGuard',
  ]);
  expect(
    policyWarnings({ default: 'drop', extensions: 'drop', modifierExtensions: 'withhold', leakGuard: 'mask' }),
  ).toEqual([]);
});
