/** Constants of a policy against R4's types: what stands in their place in the output has to be valid. */
import { describe, expect, it } from '@jest/globals';

import { valueMistake } from '../../../src/deid/policy/value-forms.ts';
import { isPrimitiveType } from '../../../src/deid/plan/child.ts';
import { r4TypeNames } from '../../../src/deid/r4/model.ts';

const good: readonly (readonly [string, readonly unknown[]])[] = [
  ['base64Binary', ['AAAA', 'QQ==']],
  ['boolean', [true, false]],
  ['canonical', ['http://x.org/v|1']],
  ['code', ['male', 'entered in error']],
  ['date', ['1990', '1990-01', '2020-02-29']],
  ['dateTime', ['1990', '1990-01-31', '1990-01-31T10:00:00Z', '1990-01-31T10:00:00.123+02:00']],
  ['decimal', [0, -1.5]],
  ['id', ['a-1.B']],
  ['instant', ['1990-01-31T10:00:00Z']],
  ['integer', [0, -7]],
  ['markdown', ['*x*']],
  ['oid', ['urn:oid:1.2.3']],
  ['positiveInt', [1]],
  ['string', ['x']],
  ['time', ['10:00:00']],
  ['unsignedInt', [0]],
  ['uri', ['urn:x']],
  ['url', ['http://x.org']],
  ['uuid', ['urn:uuid:5e6b0a51-8c4b-4f2a-9d0e-0d3c2f1b4a77']],
  ['xhtml', ['<div xmlns="http://www.w3.org/1999/xhtml">x</div>']],
];
const bad: readonly (readonly [string, readonly unknown[]])[] = [
  ['base64Binary', ['', 'AAA', '?']],
  ['boolean', ['true', 1]],
  ['canonical', ['']],
  ['code', ['', ' male', 'entered  in error']],
  ['date', ['2020-13-45', '2021-02-29', '2020-1-1', '2020-01-01T10:00:00Z', '0000', 'unknown', 1990]],
  ['dateTime', ['1990-01-31T10:00', '1990-01-31T10:00:00', '1990-01-31T25:00:00Z', '1990-02-30T10:00:00Z']],
  ['decimal', ['1', null]],
  ['id', ['', 'a b', 'x'.repeat(65)]],
  ['instant', ['1990-01-31', '1990']],
  ['integer', [1.5, 2 ** 31, '1']],
  ['markdown', ['']],
  ['oid', ['1.2.3']],
  ['positiveInt', [0]],
  ['string', ['', ' ', 5, {}]],
  ['time', ['10:00', '24:00:00']],
  ['unsignedInt', [-1]],
  ['uri', ['a b']],
  ['url', ['']],
  ['uuid', ['5e6b0a51-8c4b-4f2a-9d0e-0d3c2f1b4a77']],
  ['xhtml', ['x', '<p>x</p>']],
];

describe('a primitive', () => {
  it('of each type of R4 has a form', () => {
    const types = [...r4TypeNames].filter(isPrimitiveType).toSorted();
    expect(good.map(([type]) => type)).toEqual(types);
    expect(bad.map(([type]) => type)).toEqual(types);
  });

  it.each(good)('of the form of %s is right', (type, values) => {
    for (const value of values) expect({ value, mistake: valueMistake(value, type) }).toEqual({ value });
  });

  it.each(bad)('of another form than that of %s is a mistake', (type, values) => {
    for (const value of values) {
      expect({ value, mistake: valueMistake(value, type) }).toEqual({
        value,
        mistake: { at: [], expected: expect.any(String) },
      });
    }
  });
});

describe('an object', () => {
  it.each<[string, unknown]>([
    ['HumanName', { family: 'X', given: ['Y'], period: { start: '1990' } }],
    ['QuestionnaireResponse.item.answer', { valueString: 'X' }],
    ['Extension', { url: 'http://x.org', valueCode: 'x' }],
    ['Resource', { resourceType: 'Patient', birthDate: '1990' }],
  ])('of R4 is right: %s %j', (type, value) => {
    expect(valueMistake(value, type)).toBeUndefined();
  });

  it.each<[string, unknown, readonly PropertyKey[]]>([
    ['HumanName', 'X', []],
    ['HumanName', [{ family: 'X' }], []],
    ['HumanName', {}, []],
    ['HumanName', { famly: 'X' }, ['famly']],
    ['HumanName', { given: 'Y' }, ['given']],
    ['HumanName', { given: [] }, ['given']],
    ['HumanName', { given: ['Y', 5] }, ['given', 1]],
    ['HumanName', { period: { start: '1990-13' } }, ['period', 'start']],
    ['HumanName', { period: '1990' }, ['period']],
    ['Extension', { valueCode: 'x' }, []],
    ['Extension', { url: 'http://x.org', valueCode: 'x', valueString: 'x' }, []],
    ['Resource', { birthDate: '1990' }, []],
    ['Resource', { resourceType: 'Patient', birthDate: '' }, ['birthDate']],
  ])('that R4 does not have is a mistake, with its place: %s %j', (type, value, at) => {
    expect(valueMistake(value, type)).toEqual({ at, expected: expect.any(String) });
  });
});
