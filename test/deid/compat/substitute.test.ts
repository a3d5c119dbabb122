import { describe, expect, it } from '@jest/globals';
import { codeOf, labelsOf, run, withoutMeta } from './support.ts';

const substitute = (path: string, replaceWith: unknown) => ({ path, method: 'substitute', replaceWith });
const named = (...name: object[]) => ({ resourceType: 'Patient', name });

describe('substitute', () => {
  it('puts a text in place of a primitive and of what stands beside it', () => {
    const patient = {
      resourceType: 'Patient',
      birthDate: '2000-01-01',
      _birthDate: { extension: [{ url: 'u', valueString: 's' }] },
    };
    const substituted = run([substitute('Patient.birthDate', '1990-01-01')], patient);
    expect(withoutMeta(substituted)).toEqual({ resourceType: 'Patient', birthDate: '1990-01-01' });
    expect(labelsOf(substituted)).toEqual(['SUBSTITUTED']);
  });

  it.each([
    ['a text, whatever the element', 'x', 'x'],
    ['a number as its text', 5, '5'],
    ['a boolean as .NET writes it', true, 'True'],
    ['an empty text', '', ''],
    ['nothing', null, undefined],
    ['an object as indented JSON', { a: 1 }, '{\n  "a": 1\n}'],
  ])('takes for a primitive %s', (_title, replaceWith, expected) => {
    expect(
      run([substitute('Patient.active', replaceWith)], { resourceType: 'Patient', id: 'p', active: true }).active,
    ).toBe(expected);
  });

  it('replaces the children of a complex element one by one', () => {
    const patient = named(
      { use: 'official', family: 'F', given: ['A', 'B', 'C'], period: { start: '2000' } },
      { given: ['D'] },
    );
    const replaceWith = { family: 'X', given: ['Y', 'Z'], period: { end: '2020-01-01' } };
    expect(run([substitute('Patient.name', replaceWith)], patient).name).toEqual([replaceWith, replaceWith]);
  });

  it('keeps what earlier rules have had, and the shells around it', () => {
    const patient = named({
      use: 'official',
      family: 'F',
      given: ['A', 'B', 'C'],
      period: { start: '2000-05-05', end: '2001' },
    });
    const rules = [
      { path: 'Patient.name.period.start', method: 'redact' },
      { path: "Patient.name.given.where($this = 'B')", method: 'keep' },
      substitute('Patient.name', { given: ['X'], text: 'T' }),
    ];
    const substituted = run(rules, patient, { enablePartialDatesForRedact: true });
    // B is kept at its place; C has nothing to become
    expect(substituted.name).toEqual([{ given: ['X', 'B'], text: 'T', period: { start: '2000' } }]);
    expect(labelsOf(substituted)).toEqual(['REDACTED', 'SUBSTITUTED']);
  });

  it('does nothing to an element that an earlier rule has had', () => {
    const patient = named({ family: 'F' });
    const rules = [{ path: 'Patient.name', method: 'keep' }, substitute('Patient.name', { family: 'X' })];
    expect(run(rules, patient)).toEqual(patient);
  });

  it('keeps later rules from what it has put in', () => {
    const rules = [
      substitute('Patient.name', { family: 'X', given: ['Y'] }),
      { path: 'Patient.name.given', method: 'redact' },
    ];
    expect(run(rules, named({ family: 'F' })).name).toEqual([{ family: 'X', given: ['Y'] }]);
  });

  it('empties an element where there is nothing to put in', () => {
    expect(withoutMeta(run([substitute('Patient.name', null)], { ...named({ family: 'F' }), gender: 'male' }))).toEqual(
      { resourceType: 'Patient', gender: 'male' },
    );
  });

  it('puts copies: what one becomes is not what another becomes', () => {
    const rules = [
      substitute('Patient.name.period', { start: '2020-01-01' }),
      substitute('Patient.name', { family: 'X' }),
    ];
    const names = run(rules, named({ family: 'A', period: { end: '2000' } }, { family: 'B' })).name;
    expect(names).toEqual([{ family: 'X', period: { start: '2020-01-01' } }, { family: 'X' }]);
  });

  it('replaces choices, and resources in their own rules', () => {
    const observation = { resourceType: 'Observation', status: 'final', valueQuantity: { value: 1, unit: 'kg' } };
    expect(run([substitute('Observation.value', { value: 2.5 })], observation).valueQuantity).toEqual({ value: 2.5 });
    expect(withoutMeta(run([substitute('Patient', { gender: 'other' })], named({ family: 'F' })))).toEqual({
      resourceType: 'Patient',
      gender: 'other',
    });
  });

  it.each([
    ['an unknown element', substitute('Patient.name', { nickname: 'N' })],
    ['a text for an object', substitute('Patient.name', 'N')],
    ['a backbone element', substitute('Patient.contact', { gender: 'male' })],
  ])('throws on %s', (_title, rule) => {
    const patient = { ...named({ family: 'F' }), contact: [{ gender: 'male' }] };
    expect(codeOf(() => run([rule], patient))).toBe('substitute-invalid');
  });
});
