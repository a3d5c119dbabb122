/** Every form of a path, by what it takes and what it leaves. */
import { describe, expect, it } from '@jest/globals';
import { bundleOf, dropping, keep, observation, patient, policyOf, redact, rest } from '../support.ts';

const people = patient({
  active: true,
  name: [
    { use: 'official', text: 'Ann B', family: 'B', given: ['Ann', 'Q'] },
    { use: 'old', family: 'C' },
  ],
  contact: [{ relationship: [{ text: 'mother' }], name: { family: 'D' }, gender: 'female' }],
  birthDate: '1990-01-02',
  _birthDate: { extension: [{ url: 'http://t', valueDateTime: '1990-01-02T03:04:00Z' }] },
  generalPractitioner: [{ reference: 'Organization/o', display: 'Dr E' }],
});

/** The texts that are gone under a rule. */
function gone(resource: object, path: string, texts: readonly string[], more: object = {}): string[] {
  const left = JSON.stringify(rest(resource, policyOf([redact(path, more)])));
  return texts.filter((text) => !left.includes(`"${text}"`));
}

describe('a path takes', () => {
  const texts = [
    'Ann B',
    'B',
    'Ann',
    'Q',
    'C',
    'mother',
    'D',
    'female',
    '1990-01-02',
    '1990-01-02T03:04:00Z',
    'Dr E',
    'official',
    'old',
  ];

  it.each([
    ['Patient.name', 'Ann B,B,Ann,Q,C,official,old'],
    ['Patient.name.family', 'B,C'],
    ['Resource.name', 'Ann B,B,Ann,Q,C,official,old'],
    ['DomainResource.name', 'Ann B,B,Ann,Q,C,official,old'],
    ["nodesByType('HumanName').family", 'B,C,D'],
    ['HumanName.family', 'B,C,D'],
    ["nodesByType('Patient.contact')", 'mother,D,female'],
    ["nodesByType('Patient.contact').gender", 'female'],
    ["nodesByType('code')", 'female,official,old'],
    ["nodesByType('dateTime')", '1990-01-02T03:04:00Z'],
    ["nodesByType('date')", '1990-01-02,1990-01-02T03:04:00Z'],
    ["nodesByName('family')", 'B,C,D'],
    ["nodesByName('name').family", 'B,C,D'],
    ["Patient.nodesByName('gender')", 'female'],
    ["Patient.contact.nodesByType('HumanName')", 'D'],
    ['Reference.display', 'Dr E'],
    ['Patient.generalPractitioner.display', 'Dr E'],
    ["Patient.name.where(use = 'official')", 'Ann B,B,Ann,Q,official'],
    ["Patient.name.where(use = 'old').family", 'C'],
    ["nodesByType('HumanName').where(use = 'old')", 'C,old'],
    ["Patient.contact.where(relationship.text = 'mother').name", 'D'],
    ["Patient.birthDate.extension('http://t')", '1990-01-02T03:04:00Z'],
    ["Patient.birthDate.extension('http://t').value.ofType(dateTime)", '1990-01-02T03:04:00Z'],
    ['Patient.birthDate', '1990-01-02,1990-01-02T03:04:00Z'],
    ["Patient.birthDate.extension('http://u')", ''],
    ['Practitioner.name', ''],
  ])('%s: %s', (path, expected) => {
    expect(gone(people, path, texts).join()).toBe(expected);
  });

  it('where a condition hangs on a primitive’s own extension, the primitive it stands beside', () => {
    const path = "Patient.birthDate.where(extension.url = 'http://t')";
    expect(gone(people, path, texts)).toEqual(['1990-01-02', '1990-01-02T03:04:00Z']);
  });
});

describe('choices', () => {
  const string = observation({ valueString: 's', component: [{ code: { text: 'c' }, valueString: 'x' }] });
  const quantity = observation({ valueQuantity: { value: 5, unit: 'mg' }, _valueQuantity: undefined });

  it.each([
    ['Observation.value', ['s'], ['mg']],
    ['Observation.value[x]', ['s'], ['mg']],
    ['Observation.valueQuantity', [], ['mg']],
    ['Observation.value.ofType(Quantity)', [], ['mg']],
    ['Observation.value.as(Quantity).unit', [], ['mg']],
    ['Observation.value.ofType(string)', ['s'], []],
    ['Observation.valueString', ['s'], []],
    ["nodesByName('value')", ['s', 'x'], ['mg']],
    ["nodesByName('valueString')", ['s', 'x'], []],
  ])('%s takes its own', (path, ofString, ofQuantity) => {
    expect(gone(string, path, ['s', 'x'])).toEqual(ofString);
    expect(gone(quantity, path, ['mg'])).toEqual(ofQuantity);
  });

  it('value takes neither another element nor an unknown one that begins alike', () => {
    const resource = observation({ valueSet: 'kept', values: ['kept'], valueString: 'gone' });
    expect(rest(resource, policyOf([redact('Observation.value')]))).toEqual({ valueSet: 'kept', values: ['kept'] });
  });
});

describe('types by their root', () => {
  const bundle = bundleOf(
    { resource: people },
    { resource: observation({ text: { status: 'generated', div: '<div>t</div>' } }) },
  );

  it.each([
    ['Resource.text', true],
    ['DomainResource.text', true],
    ['Observation.text', true],
    ['Patient.text', false],
  ])('%s takes an Observation’s narrative in a Bundle: %s', (path, isGone) => {
    expect(JSON.stringify(rest(bundle, policyOf([redact(path)]))).includes('<div>')).toBe(!isGone);
  });

  it('DomainResource leaves Bundles, Binaries and Parameters alone, Resource does not', () => {
    const german = bundleOf();
    german.language = 'de';
    expect(rest(german, policyOf([redact('DomainResource.language')]))).toHaveProperty('language');
    expect(rest(german, policyOf([redact('Resource.language')]))).not.toHaveProperty('language');
  });
});

describe('keep under default: drop', () => {
  it.each([
    ['Patient.name.given', { name: [{ given: ['Ann', 'Q'] }] }],
    [
      "nodesByType('HumanName').family",
      { name: [{ family: 'B' }, { family: 'C' }], contact: [{ name: { family: 'D' } }] },
    ],
    ["nodesByName('gender')", { contact: [{ gender: 'female' }] }],
    ["Patient.name.where(use = 'old').family", { name: [{ family: 'C' }] }],
    ["Patient.birthDate.extension('http://t')", { _birthDate: people._birthDate }],
    ['Patient.birthDate', { birthDate: '1990-01-02' }],
    ['Reference.reference', { generalPractitioner: [{ reference: 'Organization/o' }] }],
    ["nodesByType('Patient.contact').gender", { contact: [{ gender: 'female' }] }],
    ['Patient.photo', {}],
  ])('%s lets pass that and nothing else', (path, expected) => {
    expect(rest(people, dropping([keep(path)]))).toEqual(expected);
  });
});
