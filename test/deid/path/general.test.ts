/** Paths that the FHIRPath library evaluates: what they take, where, and what becomes of them when they fail. */
import { describe, expect, it } from '@jest/globals';
import type { Json } from '../../../src/fhir/resource.ts';
import { bundleOf, dropping, keep, observation, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';

const person = patient({
  active: true,
  name: [
    { use: 'official', family: 'F1', given: ['G1', 'G2'] },
    { use: 'usual', text: 'T2', given: ['G3'] },
  ],
  telecom: [
    { system: 'phone', value: 'V1', use: 'home' },
    { system: 'phone', value: 'V2', use: 'work' },
    { system: 'email', value: 'V3' },
  ],
  contact: [{ name: { family: 'C1' }, gender: 'male' }, { name: { family: 'C2' } }],
});
const texts = ['F1', 'G1', 'G2', 'T2', 'G3', 'V1', 'V2', 'V3', 'C1', 'C2'];

const goneUnder = (path: string, resource = person, of = texts): string => {
  const left = JSON.stringify(rest(resource, policyOf([redact(path)])));
  return of.filter((text) => !left.includes(`"${text}"`)).join();
};

describe('general FHIRPath takes', () => {
  it.each([
    ['Patient.name[0]', 'F1,G1,G2'],
    ['Patient.name[0].given[1]', 'G2'],
    ['Patient.name.given.first()', 'G1'],
    ['Patient.name.first().given.last()', 'G2'],
    ["Patient.telecom.where(system = 'phone' and use = 'home').value", 'V1'],
    ["Patient.telecom.where(system = 'email' or use = 'work')", 'V2,V3'],
    ['Patient.telecom.where(use.exists().not())', 'V3'],
    ['Patient.contact.where(gender.exists()).name', 'C1'],
    ['Patient.name.given | Patient.name.family', 'F1,G1,G2,G3'],
    ['Patient.descendants().ofType(HumanName)', 'F1,G1,G2,T2,G3,C1,C2'],
    ['Patient.where(active).telecom', 'V1,V2,V3'],
    ['Patient.where(active.not()).telecom', ''],
    ['HumanName.given.first()', 'G1,G3'],
    ["nodesByType('HumanName').where(text.exists() or use = 'official').given", 'G1,G2,G3'],
    ["nodesByName('name').where(use.exists()).family", 'F1'],
    ['Practitioner.name.first()', ''],
  ])('%s: %s', (path, expected) => {
    expect(goneUnder(path)).toBe(expected);
  });

  it('one choice of several, whatever order the keys come in', () => {
    const path = "Observation.where(status = 'final').value";
    expect(goneUnder(path, observation({ status: 'final', valueString: 'S' }), ['S'])).toBe('S');
    expect(goneUnder(path, observation({ status: 'final', valueQuantity: { unit: 'S' } }), ['S'])).toBe('S');
    expect(goneUnder(path, observation({ status: 'draft', valueString: 'S' }), ['S'])).toBe('');
  });

  it('neither of two choices in one object, of which the library sees but one: the resource is withheld', () => {
    for (const value of [
      { valueString: 'S', valueInteger: 5 },
      { valueInteger: 5, valueString: 'S' },
    ]) {
      const two = observation({ status: 'final', ...value });
      expect(reasonOf(two, policyOf([redact("Observation.where(status = 'final').value")]))).toBe('rule-failed');
    }
  });

  it('numbers, which the library wraps', () => {
    const twin = patient({ multipleBirthInteger: 3, _multipleBirthInteger: { id: 'x' } });
    expect(rest(twin, policyOf([redact('Patient.multipleBirth.first()')]))).toEqual({});
    expect(rest(twin, dropping([keep('Patient.multipleBirth.first()')]))).toEqual({ multipleBirthInteger: 3 });
    const weight = observation({ valueQuantity: { value: 71.5, code: 'kg' } });
    const path = "Observation.value.where(code = 'kg' or code = 'g').value";
    expect(rest(weight, policyOf([redact(path)]))).toEqual({ valueQuantity: { code: 'kg' } });
    expect(rest(weight, policyOf([rule(path, 'perturb', { span: 50 })])).valueQuantity.value).not.toBe(71.5);
    expect(rest(weight, dropping([keep(path)]))).toEqual({ valueQuantity: { value: 71.5 } });
  });

  it('what hangs on a primitive', () => {
    const _birthDate = { id: 'Ann', extension: [{ url: 'http://t', valueInteger: 5 }] };
    const born = patient({ birthDate: '1990', _birthDate });
    expect(rest(born, policyOf([redact('Patient.birthDate.id.first()')]))._birthDate).toEqual({
      extension: _birthDate.extension,
    });
    const five = "nodesByType('Extension').where(url = 'http://t' or url = 'x').value";
    expect(rest(born, policyOf([redact(five)]))._birthDate).toEqual({ id: 'Ann' });
  });

  it('a list with nothing but what stands beside its values as a whole, and keeps none of it', () => {
    const _given = [{ extension: [{ url: 'http://x', valueString: 'a' }] }, { id: 'i' }];
    const named = patient({ name: [{ family: 'F', _given }] });
    const first = 'Patient.name.given.first()';
    expect(rest(named, policyOf([redact(first)]))).toEqual({ name: [{ family: 'F' }] });
    expect(rest(named, policyOf([keep(first), redact('Patient.name.given')]))).toEqual({ name: [{ family: 'F' }] });
  });

  it('each of several equal values that a union leads to', () => {
    const twice = patient({ active: true, name: [{ given: ['Ann'] }, { given: ['Ann'], family: 'Ann' }] });
    for (const path of ['Patient.name.given | Patient.name.family', "nodesByType('HumanName').given | family"]) {
      expect(rest(twice, policyOf([redact(path)]))).toEqual({ active: true });
    }
    const quoted = patient({ name: [{ family: 'a|b', text: 'T' }] });
    expect(
      rest(quoted, policyOf([redact("Patient.name.where(family = 'a|b' or (text | family).empty()).text")])),
    ).toEqual({
      name: [{ family: 'a|b' }],
    });
  });

  it('single values by their name, wherever they stand, and what R4 does not have', () => {
    expect(goneUnder("nodesByName('family').where(true)")).toBe('F1,C1,C2');
    const measured = observation({ valueString: 'S', component: [{ valueInteger: 5 }], odd: { value: 'S2' } });
    expect(rest(measured, policyOf([redact("nodesByName('value').where(true)")]))).toEqual({});
    expect(rest(measured, policyOf([redact("nodesByName('valueInteger').where(true)")]))).not.toHaveProperty(
      'component',
    );
  });

  it('a primitive with what stands beside it', () => {
    const extension = [{ url: 'http://t', valueString: 'beside' }];
    const born = patient({ birthDate: '1920-01-02', _birthDate: { extension } });
    expect(rest(born, policyOf([redact('Patient.birthDate.where($this < @1930-01-01)')]))).toEqual({});
    expect(
      rest(patient({ _birthDate: { extension } }), policyOf([redact('Patient.birthDate.where(extension.exists())')])),
    ).toEqual({});
    const named = patient({ name: [{ given: ['a', 'b'], _given: [{ extension }, null] }] });
    expect(JSON.stringify(rest(named, policyOf([redact('Patient.name.given.first()')])))).not.toContain('beside');
  });

  it('of a list of primitives one, and the places of the others stay beside their siblings', () => {
    const _given = [null, { extension: [{ url: 'http://x', valueCode: 'c' }] }];
    const named = patient({ name: [{ given: ['a', 'b'], _given }] });
    expect(rest(named, policyOf([redact('Patient.name.given.first()')]))).toEqual({
      name: [{ given: [null, 'b'], _given }],
    });
  });
});

describe('general FHIRPath on whole resources inside', () => {
  const inner = patient({ name: [{ family: 'secret' }], active: true });

  it.each([
    ['Observation.contained.where(name.exists())', observation({ contained: [inner], status: 'final' })],
    ['Observation.contained.first()', observation({ contained: [inner], status: 'final' })],
    ["Observation.contained.where(language = 'de')", observation({ contained: [{ ...inner, language: 'de' }] })],
    ['Bundle.entry.resource.where(active)', bundleOf({ resource: inner })],
    ['Bundle.entry[0].resource', bundleOf({ resource: inner })],
    ["Bundle.entry.resource.where(language = 'de')", bundleOf({ resource: { ...inner, language: 'de' } })],
    ["Bundle.entry.resource.name.where(family = 'secret' or use = 'x')", bundleOf({ resource: inner })],
    [
      "Parameters.parameter.where(name = 'a' or name = 'b').resource",
      { resourceType: 'Parameters', id: 'x', parameter: [{ name: 'a', resource: inner }] },
    ],
  ])('%s takes them', (path, resource) => {
    expect(JSON.stringify(rest(resource, policyOf([redact(path)])))).not.toContain('secret');
  });
});

describe('general FHIRPath with other methods', () => {
  it('keeps one of a list under default: drop', () => {
    expect(rest(person, dropping([keep('Patient.name.given.first()')]))).toEqual({ name: [{ given: ['G1'] }] });
    expect(rest(person, dropping([keep("Patient.telecom.where(use = 'home' or use = 'x')")]))).toEqual({
      telecom: [{ system: 'phone', value: 'V1', use: 'home' }],
    });
  });

  it('substitutes a value and an object', () => {
    const put = (path: string, value: Json): unknown =>
      rest(person, policyOf([rule(path, 'substitute', { with: value })])).name;
    expect(put('Patient.name.given.first()', 'X')).toMatchObject([{ given: ['X', 'G2'] }, { given: ['G3'] }]);
    expect(put('Patient.name.first()', { text: 'X' })).toEqual([
      { text: 'X' },
      expect.objectContaining({ text: 'T2' }),
    ]);
  });

  it('hashes one, and stands in its place of precedence', () => {
    const hashing = rule('Patient.name.first().family', 'cryptoHash', { hexDigits: 16 });
    expect(rest(person, policyOf([hashing, redact('Patient.name')]))).toEqual(
      expect.objectContaining({ name: [{ family: expect.stringMatching(/^[0-9a-f]{16}$/) }] }),
    );
    expect(rest(person, policyOf([redact('Patient.name'), hashing]))).not.toHaveProperty('name');
  });
});

describe('general FHIRPath that fails', () => {
  it.each([
    'Patient.name.given.single()',
    'Patient.name.given.upper()',
    'Patient.name.given.first() > 5',
    'Patient.name.given.as(string).first()',
    'Patient.name.notAFunction()',
    'Patient.name.given.count()',
    'Patient.active.toInteger()',
  ])('%s withholds the resource and quotes nothing', (path) => {
    expect(reasonOf(person, policyOf([redact(path)]))).toBe('rule-failed');
  });

  it.each(['Patient.descendants().ofType(Extension)', 'Patient.descendants().where($this is FHIR.Extension)'])(
    'is refused where it could never find anything: %s',
    (path) => {
      expect(() => policyOf([redact(path)])).toThrow('nodesByType');
    },
  );

  it.each([
    ['Patient.name.given.distinct()', 'distinct()'],
    ['Patient.name.`distinct`()', 'distinct()'],
    ['Patient.name.given./* each once */distinct/**/()', 'distinct()'],
    ['Patient.name.exclude(contact.name)', 'exclude()'],
    ['Patient.name.intersect(contact.name)', 'intersect()'],
    ['Patient.repeat(children())', 'repeat()'],
    ['Patient.name.given.union(name.family)', 'union()'],
    ['Patient.name.select(given | family)', '|'],
    ["nodesByType('HumanName').select(given | family)", '|'],
    ['Patient.telecom | name.given.distinct()', 'distinct()'],
    ['Patient.name.aggregate($total | $this)', '|'],
    ['Patient.name.where(use.exists()).distinct().given', 'distinct()'],
    ['HumanName.given.distinct()', 'distinct()'],
    ['Patient.iif(active, name.distinct(), name)', 'distinct()'],
  ])('is refused where it leaves out what equals something found before: %s', (path, by) => {
    for (const method of ['redact', 'keep', 'mask']) {
      const read = (): unknown => policyOf([{ path, method }]);
      expect(read).toThrow(`an expression without ${by}`);
      expect(read).toThrow('what equals something found before');
    }
  });

  it.each([
    ['Patient.name.where(given.distinct().count() > 1)', 'F1,G1,G2'],
    ['Patient.name.where((given | family).count() > 2)', 'F1,G1,G2'],
    ['Patient.contact.where(name.exists($this.family.union($this.given).exists())).name', 'C1,C2'],
    ["Patient.name.where(text = 'a | b' or text = 'distinct()').given | Patient.name.family", 'F1'],
  ])('may leave out equals in a condition: %s', (path, expected) => {
    expect(goneUnder(path)).toBe(expected);
  });

  it.each([
    'Patient.descendants().ofType(HumanName)',
    'Patient.name.select(given.combine($this.family))',
    'Patient.children().where($this is HumanName)',
    'Patient.name.ofType(HumanName)',
    'Patient.name.skip(0)',
    'Patient.name.take(9)',
    'Patient.iif(true, name)',
    "nodesByType('HumanName').where(true)",
    'Patient.name.where(true) | Patient.name.first()',
  ])('takes each of several equal places: %s', (path) => {
    const name = { family: 'Ann', given: ['Ann', 'Ann'] };
    const twins = patient({ name: [name, { ...name }, structuredClone(name)] });
    expect(JSON.stringify(rest(twins, policyOf([redact(path)])))).not.toContain('Ann');
  });

  it('may hold such words as text', () => {
    expect(() => policyOf([redact("Patient.name.where(text = 'now()' or text = 'trace(')")])).not.toThrow();
  });

  it('does not change its input', () => {
    const before = JSON.stringify(person);
    rest(
      person,
      policyOf([redact('Patient.descendants().ofType(HumanName)'), redact('Patient.children().children()')]),
    );
    expect(JSON.stringify(person)).toBe(before);
  });
});
