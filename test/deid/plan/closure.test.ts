/** What only some rules may open: no rule that removes, and none that searches for something else, opens anything. */
import { describe, expect, it } from '@jest/globals';
import { bundleOf, dropping, keep, patient, policyOf, redact, rest, rule } from '../support.ts';

const byOr = "where(url = 'http://a' or url = 'http://b')";
const ann = { url: 'http://a', valueString: 'Ann' };

describe('a rule that removes opens nothing', () => {
  it.each([
    [[redact(`Patient.extension.${byOr}`), keep("nodesByName('value')")]],
    [[keep("nodesByName('value')"), redact(`Patient.extension.${byOr}`)]],
    [[keep("nodesByName('value')"), redact('Patient.extension')]],
    [[keep("nodesByName('value')"), redact("Patient.extension('http://a')")]],
  ])('in a dropped extension: %j', (rules) => {
    expect(rest(patient({ active: true, extension: [ann] }), dropping([...rules, keep('Patient.active')]))).toEqual({
      active: true,
    });
  });

  it.each([
    redact("nodesByType('Extension').value"),
    redact('Patient.extension.value'),
    redact("Patient.extension('http://b')"),
    redact("Patient.extension('http://b').value"),
    redact(`Patient.extension.${byOr}`),
    redact("nodesByType('Extension').where(true).value"),
  ])('in an extension within a dropped one: %j', (removing) => {
    const source = patient({ active: true, extension: [{ url: 'http://b', extension: [ann] }] });
    const keeping = [keep("nodesByType('Extension').where(url = 'http://a')"), keep('Patient.active')];
    expect(rest(source, dropping([...keeping, removing]))).toEqual({ active: true });
    expect(rest(source, dropping([removing, ...keeping]))).toEqual({ active: true });
    expect(rest(source, policyOf([...keeping, removing], { extensions: 'drop' }))).toEqual({ active: true });
  });

  it('beside a primitive', () => {
    const _birthDate = { extension: [{ url: 'http://b', extension: [ann] }] };
    const keeping = keep("nodesByType('Extension').where(url = 'http://a')");
    const policy = policyOf([keeping, redact("Patient.birthDate.extension('http://b')")], { extensions: 'drop' });
    expect(rest(patient({ birthDate: '1990', _birthDate }), policy)).toEqual({ birthDate: '1990' });
  });

  it.each([
    ["nodesByType('HumanName').where(true).family", 'Patient.name'],
    ["nodesByType('HumanName').where(true).family", 'Patient.name.where(true)'],
    ['HumanName.family', 'Patient.name.where(true)'],
    ['Patient.descendants().where($this is HumanName)', 'Patient.name'],
  ])('for %s in an extension below what %s removes', (kept, removed) => {
    const extension = [{ url: 'http://x', valueHumanName: { family: 'Ann' } }];
    const source = patient({ active: true, name: [{ text: 'T', extension }] });
    expect(JSON.stringify(rest(source, dropping([keep(kept), redact(removed)])))).not.toContain('Ann');
  });
});

describe('the id of an element', () => {
  const source = patient({ contact: [{ id: 'Ann', gender: 'male' }] });
  const pseudonym = expect.stringMatching(/^p1-/);

  it('that passes is changed as every string is', () => {
    const hashing = rule("nodesByType('string')", 'pseudonymize');
    expect(rest(source, policyOf([hashing])).contact).toEqual([{ id: pseudonym, gender: 'male' }]);
    expect(rest(source, dropping([hashing, keep("nodesByName('id')")])).contact).toEqual([{ id: pseudonym }]);
    expect(rest(source, dropping([keep("nodesByName('id')"), hashing])).contact).toEqual([{ id: 'Ann' }]);
    expect(rest(source, dropping([hashing]))).toEqual({});
  });

  it('that passes by default is changed with all that its parent holds', () => {
    expect(rest(source, policyOf([rule('Patient.contact', 'pseudonymize')])).contact[0].id).toEqual(pseudonym);
    expect(rest(source, policyOf([keep('Patient.contact')])).contact[0].id).toBe('Ann');
  });

  it('passes by a path that the library evaluates and that names it, and by no other', () => {
    expect(rest(source, dropping([keep('Patient.contact.id.first()')])).contact).toEqual([{ id: 'Ann' }]);
    expect(rest(source, dropping([keep('Patient.contact.children()')])).contact).toEqual([{ gender: 'male' }]);
  });
});

describe('a constant', () => {
  it('is not put into an attribute of which nothing passes', () => {
    const odd = { display: 'd', identifier: { value: 'Ann' } };
    const filling = rule("nodesByType('Identifier')", 'substitute', { with: { value: 'x' } });
    const policy = dropping([filling, keep('Patient.telecom.where(true)')]);
    expect(rest(patient({ odd, identifier: [{ value: 'Ann' }] }), policy)).toEqual({ identifier: [{ value: 'x' }] });
  });

  it.each<[string, unknown, object, object]>([
    ['Patient.name.first()', 'x', { name: [{ family: 'F' }, { text: 'T' }] }, { name: [{ text: 'T' }] }],
    ['Patient.name.first()', { given: 'x' }, { name: [{ family: 'F' }] }, {}],
    ['Patient.name.first()', { odd: 'x' }, { name: [{ family: 'F' }] }, {}],
    ['Patient.name.first()', { given: ['x'] }, { name: [{ family: 'F' }] }, { name: [{ given: ['x'] }] }],
    ['Patient.name.where(true).family', { a: 1 }, { name: [{ family: 'F', text: 'T' }] }, { name: [{ text: 'T' }] }],
    ['Patient.multipleBirth.where(true)', 1.5, { multipleBirthInteger: 3 }, {}],
    ['Patient.multipleBirth.where(true)', 1, { multipleBirthInteger: 3 }, { multipleBirthInteger: 1 }],
    ["nodesByType('Extension').where(true).value", 'x', { extension: [{ url: 'http://u', valueInteger: 3 }] }, {}],
    [
      'Patient.extension.first()',
      { url: 'http://u', valueString: 'x', _valueInteger: { id: 'i' } },
      { extension: [{ url: 'http://u', valueInteger: 3 }] },
      {},
    ],
    ['Patient.odd', { a: 1 }, { odd: 'Ann' }, { odd: { a: 1 } }],
  ])('%s with %j is written where R4 can hold it; otherwise the element goes', (path, value, source, expected) => {
    const policy = policyOf(
      [rule(path, 'substitute', { with: value })].map((one) => ({ ...one, custom: path.endsWith('odd') })),
    );
    expect(rest(patient(source), policy)).toEqual(expected);
  });

  it('stands for a resource inside if it is one', () => {
    const inner = bundleOf({ resource: patient({ active: true }) });
    const putting = (value: unknown): unknown =>
      rest(inner, policyOf([rule('Bundle.entry.resource.where(active)', 'substitute', { with: value })])).entry?.[0];
    const person = { resourceType: 'Person', active: false };
    expect(putting(person)).toMatchObject({ resource: person });
    expect(JSON.stringify(putting('x') ?? null)).not.toContain('"x"');
  });
});
