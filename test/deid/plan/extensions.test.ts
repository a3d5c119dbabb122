/** Extensions: known ones go by their rules, unknown ones by what the policy says of those. */
import { describe, expect, it } from '@jest/globals';
import { absentReason } from '../../../src/deid/engine.ts';
import { dropping, keep, observation, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';

const a = { url: 'http://a', valueString: 'A' };
const b = { url: 'http://b', valueCode: 'B' };
const deep = {
  url: 'http://d',
  extension: [
    { url: 'one', valueString: 'D1' },
    { url: 'two', valueCode: 'D2' },
  ],
};
const source = patient({ extension: [a, b, deep], active: true, name: [{ family: 'F', extension: [a] }] });
const extensionsUnder = (rules: object[], setting: object): unknown => rest(source, policyOf(rules, setting)).extension;

describe('an extension that no rule names', () => {
  it.each([
    [{ default: 'drop' }, undefined],
    [{ default: 'drop', extensions: 'keep' }, [a, b, deep]],
    [{ default: 'keep' }, [a, b, deep]],
    [{ default: 'keep', extensions: 'drop' }, undefined],
  ])('gets what the policy says: %j', (setting, expected) => {
    expect(extensionsUnder([keep('Patient.active')], setting)).toEqual(expected);
  });

  it('withholds its resource under `withhold`, unless a rule removed what it stands in', () => {
    const policy = dropping([keep('Patient.active')], { extensions: 'withhold' });
    expect(reasonOf(source, policy)).toBe('extension');
    const removing = dropping([keep('Patient.active'), redact('Patient.extension'), redact('Patient.name')], {
      extensions: 'withhold',
    });
    expect(rest(source, removing)).toEqual({ active: true });
  });

  it('does not pass with the element that a rule keeps', () => {
    expect(rest(source, dropping([keep('Patient.name')]))).toEqual({ name: [{ family: 'F' }] });
    expect(
      rest(patient({ birthDate: '1990', _birthDate: { extension: [a] } }), dropping([keep('Patient.birthDate')])),
    ).toEqual({
      birthDate: '1990',
    });
  });

  it('does not pass by a rule on everything of a type', () => {
    const rules = [keep("nodesByType('code')"), keep("nodesByType('string')"), keep("nodesByType('Extension').url")];
    expect(extensionsUnder(rules, { default: 'drop' })).toBeUndefined();
  });
});

describe('under `extensions: keep`', () => {
  it('an earlier rule on what holds an extension wins over a later one on extensions', () => {
    const rules = [
      { path: "nodesByType('HumanName')", method: 'perturb', params: { span: 3 } },
      keep("nodesByType('Extension')"),
    ];
    const nested = { url: 'http://n', extension: [a] };
    const named = patient({ name: [{ family: 'F', extension: [a, nested] }] });
    expect(JSON.stringify(rest(named, policyOf(rules, { default: 'keep', extensions: 'keep' })))).not.toMatch(/"A"/);
    expect(JSON.stringify(rest(named, policyOf(rules.slice(1), { default: 'keep', extensions: 'keep' })))).toMatch(
      /"A"/,
    );
  });
});

describe('an extension that a rule names', () => {
  it.each([
    ["Patient.extension('http://a')", [a]],
    ["Patient.extension.where(url = 'http://a')", [a]],
    ["Patient.extension.where(url = 'http://a' or url = 'x')", [a]],
    ["Resource.extension('http://a')", [a]],
    ['Patient.extension', [a, b, deep]],
    ["Patient.extension('http://d').extension('two')", [{ url: 'http://d', extension: [deep.extension[1]] }]],
    [
      "Patient.extension('http://d').extension('two').value.ofType(code)",
      [{ url: 'http://d', extension: [deep.extension[1]] }],
    ],
    ["Patient.extension('http://a').value.ofType(code)", undefined],
    ["Patient.name.extension('http://a')", undefined],
  ])('passes as far as it is named: %s', (path, expected) => {
    expect(extensionsUnder([keep(path)], { default: 'drop' })).toEqual(expected);
  });

  it.each([
    ["Patient.extension('http://a')", [b, deep]],
    ["Patient.extension('http://d').extension('one')", [a, b, { url: 'http://d', extension: [deep.extension[1]] }]],
    ['Patient.extension.value.ofType(string)', [b, { url: 'http://d', extension: deep.extension }]],
    ["nodesByType('Extension').value.ofType(string)", [b, { url: 'http://d', extension: [deep.extension[1]] }]],
    ["nodesByName('extension')", undefined],
  ])('goes as far as it is named, and the rest by default: keep: %s', (path, expected) => {
    expect(extensionsUnder([redact(path)], { default: 'keep' })).toEqual(expected);
  });

  it('in one method’s hands keeps its url', () => {
    const hashed = rule("Patient.extension('http://a').value", 'cryptoHash', { hexDigits: 16 });
    expect(extensionsUnder([hashed], { default: 'drop' })).toEqual([
      { url: 'http://a', valueString: expect.stringMatching(/^[0-9a-f]{16}$/) },
    ]);
  });

  it('is replaced whole by a substitute', () => {
    const constant = { url: 'http://a', valueString: 'CONST' };
    const put = rule("Patient.extension('http://a')", 'substitute', { with: constant });
    expect(extensionsUnder([put], { default: 'drop' })).toEqual([constant]);
  });
});

describe('data-absent-reason', () => {
  const reason = (valueCode: unknown, more: object = {}): object => ({ url: absentReason.url, valueCode, ...more });
  const passed = (extension: object): unknown =>
    rest(patient({ active: true, _birthDate: { extension: [extension] } }), dropping([keep('Patient')]))._birthDate;

  it('passes where other unknown extensions are dropped, cut down to its code', () => {
    expect(passed(reason('unknown', { id: 'x', _valueCode: { id: 'y' } }))).toEqual({ extension: [reason('unknown')] });
  });

  it.each(['smith', 'john-smith', 'UNKNOWN', 'a b', '', 5, null, {}])('is none of HL7’s with %j, and goes', (code) => {
    expect(passed(reason(code))).toBeUndefined();
  });
});

describe('a modifierExtension that no rule names', () => {
  const modifierExtension = [{ url: 'http://not', valueBoolean: true }];
  const modified = observation({ status: 'final', modifierExtension });
  const status = keep('Observation.status');

  it('withholds under `withhold`, passes under `keep`, goes under `drop`', () => {
    expect(reasonOf(modified, dropping([status]))).toBe('modifier-extension');
    expect(rest(modified, dropping([status], { modifierExtensions: 'keep' }))).toEqual({
      status: 'final',
      modifierExtension,
    });
    expect(rest(modified, dropping([status], { modifierExtensions: 'drop' }))).toEqual({ status: 'final' });
    expect(rest(modified, policyOf([]))).toEqual({ status: 'final', modifierExtension });
  });

  it('withholds inside an element that passes, not inside one that goes whole', () => {
    const component = [{ modifierExtension, code: { text: 'c' } }];
    const nested = observation({ status: 'final', component });
    expect(reasonOf(nested, dropping([status, keep('Observation.component.code')]))).toBe('modifier-extension');
    expect(rest(nested, dropping([status]))).toEqual({ status: 'final' });
    expect(rest(nested, policyOf([redact('Observation.component')]))).toEqual({ status: 'final' });
  });

  it('goes or passes as a rule says, and is never half removed', () => {
    expect(rest(modified, dropping([status, keep('Observation.modifierExtension')]))).toEqual({
      status: 'final',
      modifierExtension,
    });
    expect(rest(modified, dropping([status, redact('Observation.modifierExtension')]))).toEqual({ status: 'final' });
    expect(reasonOf(modified, policyOf([redact('Observation.modifierExtension.value')]))).toBe('modifier-extension');
  });
});
