/** Extensions, ids and what R4 does not have: the check refuses what no rule opens there, and accepts what one does. */
import { describe, expect, it } from '@jest/globals';
import { absentReason } from '../../../src/deid/engine.ts';
import { dropping, keep, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';
import type { Setting } from '../support.ts';
import { staged, verdictOn } from './support.ts';

const byOr = "where(url = 'http://a' or url = 'http://b')";
const ann = { url: 'http://a', valueString: 'Ann' };
const deep = { url: 'http://u', extension: [ann] };
const nothing = { url: absentReason.url, valueCode: 'unknown' };

describe('of an extension the check accepts what the engine passes', () => {
  it.each<[object[], Setting, object, object | undefined]>([
    [[keep('Patient.extension.extension')], { extensions: 'keep' }, ann, ann],
    [[redact('Patient.extension.value')], { extensions: 'keep' }, deep, deep],
    [[keep("nodesByType('Extension').value")], {}, deep, deep],
    [[rule(`Patient.extension.${byOr}`, 'mask')], {}, nothing, nothing],
    [[keep(`Patient.extension.${byOr}`)], {}, ann, ann],
    [[keep(`nodesByType('Extension').${byOr}`)], {}, deep, undefined],
    [
      [rule(`nodesByType('Extension').${byOr}.value`, 'encrypt')],
      { extensions: 'keep' },
      { url: 'http://z', valueString: 'x' },
      { url: 'http://z', valueString: 'x' },
    ],
    [[keep('Patient.descendants().where(url.exists())')], {}, deep, deep],
  ])('%j %j', (rules, setting, extension, expected) => {
    const policy = dropping([...rules, keep('Patient.active')], setting);
    const source = patient({ active: true, extension: [extension] });
    expect(rest(source, policy).extension).toEqual(expected === undefined ? undefined : [expected]);
    expect(verdictOn(staged(source, policy), policy)).toBe('ok');
  });
});

describe('HL7’s word for "nothing" that no rule names', () => {
  const elsewhere = [{ url: 'http://a', valueString: 'Ann' }];
  const places: readonly (readonly [string, (one: object[]) => object])[] = [
    ['in a resource', (one) => patient({ active: true, extension: one })],
    ['beside a value', (one) => patient({ active: true, _birthDate: { extension: one } })],
    ['in an element', (one) => patient({ name: [{ family: 'F', extension: one }] })],
    ['as a modifier', (one) => patient({ active: true, modifierExtension: one })],
    ['in a contained resource', (one) => patient({ contained: [patient({ id: 'c', active: true, extension: one })] })],
  ];

  it.each(places)('passes and is accepted where others are dropped or withheld for: %s', (_title, holder) => {
    for (const says of ['drop', 'withhold']) {
      const policy = dropping([keep('Patient')], { extensions: says, modifierExtensions: says });
      const source = holder([nothing]);
      expect(JSON.stringify(staged(source, policy))).toContain(absentReason.url);
      expect([says, verdictOn(staged(source, policy), policy)]).toEqual([says, 'ok']);
      const other = says === 'drop' ? staged(holder(elsewhere), policy) : reasonOf(holder(elsewhere), policy);
      expect(JSON.stringify(other)).not.toContain('Ann');
    }
  });

  it.each(['drop', 'withhold'])('is refused with more than its code where others get %s', (says) => {
    const policy = dropping([keep('Patient')], { extensions: says, modifierExtensions: says });
    const out = staged(patient({ active: true }), policy);
    for (const one of [{ ...nothing, id: 'x' }, { ...nothing, valueCode: 'john-smith' }, elsewhere[0]]) {
      expect(verdictOn({ ...out, extension: [one] }, policy)).toBe('unknown-extension');
      expect(verdictOn({ ...out, modifierExtension: [one] }, policy)).toBe('unknown-extension');
    }
  });
});

describe('a rule that removes opens nothing', () => {
  it.each([
    [[redact("nodesByType('Extension').value")]],
    [[redact("Patient.extension('http://u')")]],
    [[redact(`Patient.extension.${byOr}`)]],
  ])('%j', (removing) => {
    const policy = dropping([keep("nodesByType('Extension').where(url = 'http://a')"), ...removing]);
    const out = staged(patient(), policy);
    expect(verdictOn({ ...out, extension: [deep] }, policy)).toMatch(/unknown-extension|removed-path/);
  });
});

describe('the id of an element', () => {
  const hashing = rule("nodesByType('string')", 'pseudonymize');
  const source = patient({ contact: [{ id: 'Ann', gender: 'male' }] });

  it.each([
    ['in clear where every string is changed', policyOf([hashing]), 'value-form'],
    [
      'where nothing but its type is named',
      dropping([keep("nodesByType('string')"), keep('Patient.contact.gender')]),
      'unnamed-path',
    ],
    ['where it is named', dropping([keep("nodesByName('id')")]), 'ok'],
    ['by default', policyOf([keep('Patient.contact')]), 'ok'],
  ])('%s', (_title, policy, expected) => {
    const out = staged(source, policy);
    const contact = [{ id: 'Ann' }];
    expect(verdictOn({ ...out, contact }, policy)).toBe(expected);
  });
});
