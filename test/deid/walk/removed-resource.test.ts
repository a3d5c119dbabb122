/** Words of a resource of which nothing passes: they are its patients', in whatever it came. */
import { describe, expect, it } from '@jest/globals';
import { bundleOf, nested, observation, patient, policyOf, reasonOf, redact, rule, run } from '../support.ts';
import { guarded } from './guarded.ts';

const zephyrine = patient({ name: [{ family: 'Zephyrine' }] });
const note = observation({ subject: { reference: 'Patient/p1' }, note: [{ text: 'Zephyrine' }] });
const other = observation({ subject: { reference: 'Patient/p2' }, note: [{ text: 'Zephyrine' }] });
const policy = policyOf([redact('Patient.name')]);
const unwalkable = { resource: { ...observation(), note: 5 } };

describe('the words of a resource that is withheld', () => {
  it('are those of each patient whom it names', () => {
    const person = { reference: 'Patient/p1', display: 'Zephyrine' };
    const broken = { resourceType: 'Appointment', id: 'a', participant: [{ actor: person }], start: 5 };
    expect(guarded(policy, broken, note, other)).toEqual([
      'withheld',
      expect.not.stringContaining('Zephyrine'),
      expect.stringContaining('Zephyrine'),
    ]);
  });

  it.each([
    ['a Bundle', bundleOf({ resource: zephyrine }, unwalkable)],
    ['a Bundle in a Bundle', bundleOf({ resource: bundleOf({ resource: zephyrine }, unwalkable) })],
    [
      'Parameters',
      { resourceType: 'Parameters', id: 'x', language: 5, parameter: [{ name: 'a', resource: zephyrine }] },
    ],
    [
      'a Bundle that knows its patient by address',
      bundleOf({ fullUrl: 'http://h/Patient/p1', resource: { ...zephyrine, id: undefined } }, unwalkable),
    ],
  ])('in %s are those of the patients in it', (_name, container) => {
    expect(guarded(policy, container, note, other)).toEqual([
      'withheld',
      expect.not.stringContaining('Zephyrine'),
      expect.stringContaining('Zephyrine'),
    ]);
  });

  it('are none with the guard off', () => {
    expect(run(bundleOf({ resource: zephyrine }, unwalkable), policyOf([], { leakGuard: 'off' })).traces).toEqual([]);
  });
});

describe('the words of a resource that a rule removes', () => {
  const removing = policyOf([rule('Patient', 'dropResource')]);

  it('are its patient’s, alone as in a Bundle', () => {
    for (const value of [zephyrine, bundleOf({ resource: zephyrine })]) {
      const [, masked, kept] = guarded(removing, value, note, other);
      expect(masked).not.toContain('Zephyrine');
      expect(kept).toContain('Zephyrine');
    }
  });

  it('are its container’s where it is contained', () => {
    const container = { ...(note as object), contained: [zephyrine] };
    expect(guarded(removing, container)[0]).not.toContain('Zephyrine');
  });
});

describe('the words of what a constant replaces', () => {
  const basic = { resourceType: 'Basic', code: { text: 'gone' } };
  const put = (path: string, value: unknown, more: object = {}): object => ({
    ...rule(path, 'substitute', { with: value }),
    ...more,
  });
  const odd = patient({ id: 'p1', odd: 'Zephyrine' });

  it.each<[string, object[], object]>([
    ['an entry', [put('Bundle.entry.resource', basic)], bundleOf({ resource: zephyrine })],
    ['an entry by its type', [put('Bundle.entry.resource.where(true)', basic)], bundleOf({ resource: zephyrine })],
    [
      'a resource of Parameters',
      [put('Parameters.parameter.resource', basic)],
      { resourceType: 'Parameters', id: 'x', parameter: [{ name: 'a', resource: zephyrine }] },
    ],
    [
      'one value of a list',
      [put('Patient.name.given.first()', 'Ann', { guard: 'name' })],
      patient({ name: [{ given: ['Zephyrine', 'B'] }] }),
    ],
    ['an attribute that R4 does not have', [put('Patient.odd', 'gone', { custom: true, guard: 'name' })], odd],
  ])('are its patient’s: %s', (_title, rules, value) => {
    const [replaced, masked, kept] = guarded(policyOf(rules), value, note, other);
    expect(replaced).not.toContain('Zephyrine');
    expect(masked).not.toContain('Zephyrine');
    expect(kept).toContain('Zephyrine');
  });

  it('are its container’s where it is contained', () => {
    const container = { ...(note as object), contained: [{ ...zephyrine, id: 'c' }] };
    const replacing = policyOf([put('DomainResource.contained', basic)]);
    expect(guarded(replacing, container)[0]).not.toContain('Zephyrine');
  });

  it('count, and what was replaced is labelled', () => {
    const replacing = policyOf([put('Bundle.entry.resource', basic)]);
    const result = run(bundleOf({ resource: zephyrine }), replacing);
    expect(Object.values(result.report.taken)).toContain(1);
    expect(JSON.stringify(result)).toContain('MASKED');
  });

  it('keep the depth and the keys of what is replaced in check', () => {
    const replacing = policyOf([put('Bundle.entry.resource', basic)]);
    const deep = { resourceType: 'Patient', id: 'p', foo: nested(50_000) };
    expect(reasonOf(bundleOf({ resource: deep }), replacing)).toBe('too-deep');
    const forbidden = JSON.parse('{"resourceType":"Patient","id":"p","__proto__":{"a":1}}') as object;
    expect(reasonOf(bundleOf({ resource: forbidden }), replacing)).toBe('forbidden-key');
  });
});

describe('the words of what a method cannot work on', () => {
  it('are those of a removed value, in an attribute that R4 does not have too', () => {
    const shifting = { ...rule('Patient.odd', 'perturb', { span: 2 }), custom: true, guard: 'name' };
    const [perturbed, masked] = guarded(policyOf([shifting]), patient({ odd: { a: ['Zephyrine'] } }), note);
    expect(perturbed).not.toContain('Zephyrine');
    expect(masked).not.toContain('Zephyrine');
  });
});

describe('a resource without an id that is nested without end', () => {
  it.each([
    ['in an entry', bundleOf({ resource: { resourceType: 'Patient', foo: nested(50_000) } })],
    ['in a Bundle of its own', { resourceType: 'Bundle', type: 'collection', foo: nested(50_000) }],
  ])('%s is withheld, and no crash', (_name, value) => {
    expect(reasonOf(value, policy)).toBe('too-deep');
    expect(reasonOf(value, policyOf([rule('Patient', 'dropResource')]))).toBe('too-deep');
  });
});
