import { describe, expect, it } from '@jest/globals';
import { codeOf, run } from './support.ts';
import type { Rule } from './support.ts';

const patient = {
  resourceType: 'Patient',
  id: 'p',
  contained: [{ resourceType: 'Organization', id: 'o', name: 'ON', address: [{ city: 'OC' }] }],
  extension: [{ url: 'http://x.org/race', extension: [{ url: 'text', valueString: 'race' }] }],
  name: [
    {
      use: 'official',
      family: 'F1',
      given: ['G1', 'G2'],
      _given: [null, { extension: [{ url: 'u', valueString: 'g2x' }] }],
    },
    { use: 'usual', family: 'F2', given: ['G3'] },
  ],
  _birthDate: { extension: [{ url: 'b', valueDateTime: '2000-01-01T00:00:00Z' }] },
  deceasedDateTime: '2020-01-01',
  address: [
    { city: 'C1', state: 'S' },
    { city: 'C2', state: 'S' },
  ],
  contact: [{ name: { family: 'CF' }, address: { city: 'C3' } }],
  communication: [{ language: { coding: [{ code: 'en' }] } }],
  text: { status: 'generated', div: '<div>d</div>' },
};
const observation = {
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'c' },
  valueQuantity: { value: 7, unit: 'kg' },
  component: [
    { code: { text: 'a' }, valueQuantity: { value: 1 } },
    { code: { text: 'b' }, valueString: 'two' },
    { code: { text: 'd' }, valueCodeableConcept: { text: 'three' } },
  ],
};
const condition = { resourceType: 'Condition', onsetAge: { value: 30, unit: 'a' }, abatementString: 'soon' };
const bundle = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    { fullUrl: 'urn:1', resource: patient },
    { fullUrl: 'urn:2', resource: observation },
  ],
};

/** The values of leaves that are gone. */
function gone(before: any, after: any): unknown[] {
  if (typeof before !== 'object' || before === null) return after === undefined && before !== null ? [before] : [];
  return Object.keys(before).flatMap((key) => gone(before[key], after?.[key]));
}

/** What a rule takes, by substituting `\u0000` for it: places in lists stay, as they would not if it were removed. */
function taken(rule: Rule, resource: object, interpretAll: boolean): unknown[] {
  const marked = run([rule], resource, {}, { interpretAll });
  const walk = (before: any, after: any): unknown[] => {
    if (typeof before !== 'object' || before === null) return after === before || before === null ? [] : [before];
    return Object.keys(before).flatMap((key) => walk(before[key], after?.[key]));
  };
  return walk(resource, marked);
}

const hashed = (path: string, resource: object, interpretAll: boolean): unknown[] =>
  taken({ path, method: 'cryptoHash' }, resource, interpretAll);

describe.each([false, true])('paths, all interpreted: %s', (interpretAll) => {
  it.each([
    // steps
    ['Patient.name.family', patient, ['F1', 'F2']],
    ['Patient.name.given', patient, ['G1', 'G2', 'G3', 'g2x', 'u']],
    ['Patient.deceased', patient, ['2020-01-01']],
    ['Patient.birthDate', patient, ['b', '2000-01-01T00:00:00Z']],
    ['Patient.text.div', patient, ['<div>d</div>']],
    ['Resource.id', patient, ['p', 'o']],
    ['DomainResource.extension', patient, ['http://x.org/race', 'text', 'race']],
    ['Practitioner.name', patient, []],
    ['Patient.nothing', patient, []],
    ['Observation.component.value', observation, [1, 'two', 'three']],
    ['Bundle.entry.fullUrl', bundle, ['urn:1', 'urn:2']],
    ['Bundle.entry.resource.contact.name', bundle, ['CF']],
    // the resource itself
    ['Organization', patient, ['o', 'ON', 'OC']],
    ['TestResource', patient, []],
    // by type and name
    ["nodesByType('Address').city", patient, ['OC', 'C1', 'C2', 'C3']],
    ['nodesByType("Address").city', bundle, ['OC', 'C1', 'C2', 'C3']],
    ["nodesByType('HumanName')", patient, ['official', 'F1', 'G1', 'G2', 'u', 'g2x', 'usual', 'F2', 'G3', 'CF']],
    ["nodesByType('dateTime')", patient, ['2000-01-01T00:00:00Z', '2020-01-01']],
    ["nodesByType('xhtml')", patient, ['<div>d</div>']],
    ["nodesByType('code').nothing", patient, []],
    ["nodesByType('Organization')", patient, ['o', 'ON', 'OC']],
    ["nodesByName('city')", patient, ['OC', 'C1', 'C2', 'C3']],
    ["nodesByName('value')", observation, [7, 'kg', 1, 'two', 'three']],
    ["nodesByType('BackboneElement').name", patient, ['CF']],
    ["Patient.nodesByType('Address').city", patient, ['C1', 'C2', 'C3']],
    ["Patient.nodesByName('name').family", patient, ['F1', 'F2', 'CF']],
    // general
    ["nodesByType('Address').where(city='C2')", patient, ['C2', 'S']],
    ["Patient.nodesByType('HumanName').where(use = 'usual').given", patient, ['G3']],
    ['Patient.name[1].given', patient, ['G3']],
    ['Patient.name.given.first()', patient, ['G1']],
    ['Patient.name.given[1].extension', patient, ['u', 'g2x']],
    ['Patient.name.last().given', patient, ['G3']],
    ['Patient.birthDate.extension.value', patient, ['2000-01-01T00:00:00Z']],
    ["Patient.extension('http://x.org/race').extension.value", patient, ['race']],
    ['Patient.descendants().where($this is HumanName).family', patient, ['F1', 'F2', 'CF']],
    ['Patient.children().ofType(Address).city', patient, ['C1', 'C2']],
    ["Patient.contact.descendants().where($this = 'CF')", patient, ['CF']],
    ['Patient.name.given | Patient.address.city', patient, ['G1', 'G2', 'G3', 'C1', 'C2', 'u', 'g2x']],
    ["nodesByType('Address').city | nodesByType('Address').state", patient, ['OC', 'C1', 'C2', 'S', 'C3']], // one S: a union knows no equals
    ['Observation.value.ofType(Quantity).value', observation, [7]],
    ['Observation.value.as(Quantity).value', observation, [7]],
    ['(Observation.component.value as string)', observation, ['two']],
    ['Observation.component.where(value is Quantity).code', observation, ['a']],
    ["(nodesByType('Observation').value as Quantity).value", observation, [7]],
    ['Observation.component.value.ofType(FHIR.string)', observation, ['two']],
    ['Observation.component.value.ofType(Foo)', observation, []],
    ['Condition.onset | Condition.abatement as Age', condition, [30, 'a']],
    ['Condition.onset as Quantity', condition, []], // exact types: an Age is none
    ['Bundle.entry.where(resource is Patient).fullUrl', bundle, ['urn:1']],
    ["Bundle.entry.resource.where($this is Observation).component.where(code.text = 'b').value", bundle, ['two']],
    ['Device.where(id.exists()).id', patient, []],
  ])('%s', (path, resource, expected) => {
    const sorted = (values: readonly unknown[]): unknown[] =>
      [...values].sort((a, b) => String(a).localeCompare(String(b)));
    expect(sorted(hashed(path, resource, interpretAll))).toEqual(sorted(expected));
  });

  it('see what earlier rules have done', () => {
    const rules = [
      { path: 'Patient.address.city', method: 'redact' },
      { path: "nodesByType('Address').where(city='C2')", method: 'redact' },
      { path: 'Patient.contact.where(address.city.exists())', method: 'redact' },
    ];
    // The city is no longer C2; the contact's is none of the rule's.
    const after = run(rules, patient, {}, { interpretAll });
    expect(gone(patient, after)).toEqual(['C1', 'C2', 'CF', 'C3']);
  });

  it('still find a node that has lost its value', () => {
    const rules = [
      { path: 'Patient.contact.address.city', method: 'redact' },
      { path: 'Patient.contact.where(address.city.exists())', method: 'redact' },
    ];
    expect(gone(patient, run(rules, patient, {}, { interpretAll }))).toEqual(['CF', 'C3']);
  });

  it('that compute a value are refused', () => {
    expect(codeOf(() => run([{ path: 'Patient.name.exists()', method: 'redact' }], patient))).toBe('path-yields-value');
  });

  it('that the library fails on are refused without its message', () => {
    expect(
      codeOf(() =>
        run([{ path: "Patient.name.where(given = 'x' and family).first().single()", method: 'redact' }], patient),
      ),
    ).toBe(undefined);
    expect(codeOf(() => run([{ path: 'Patient.name.family.single()', method: 'redact' }], patient))).toBe(
      'path-failed',
    );
  });
});
