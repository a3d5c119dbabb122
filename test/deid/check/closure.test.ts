/** Extensions, ids and what R4 does not have: the check refuses what no rule opens there, and accepts what one does. */
import { describe, expect, it } from '@jest/globals';
import { absentReason } from '../../../src/deid/engine.ts';
import { dropping, keep, patient, policyOf, redact, rest, rule } from '../support.ts';
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
