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

describe('a resource without an id that is nested without end', () => {
  it.each([
    ['in an entry', bundleOf({ resource: { resourceType: 'Patient', foo: nested(50_000) } })],
    ['in a Bundle of its own', { resourceType: 'Bundle', type: 'collection', foo: nested(50_000) }],
  ])('%s is withheld, and no crash', (_name, value) => {
    expect(reasonOf(value, policy)).toBe('too-deep');
    expect(reasonOf(value, policyOf([rule('Patient', 'dropResource')]))).toBe('too-deep');
  });
});
