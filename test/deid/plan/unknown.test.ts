/** What R4 does not have: attributes and types of the server's own. */
import { describe, expect, it } from '@jest/globals';
import { pseudonymId } from '../../../src/deid/pseudonym.ts';
import { bundleOf, dropping, keep, keys, output, patient, policyOf, reasonOf, redact, rest, rule } from '../support.ts';

const custom = { custom: true };
const boss = { reference: 'Patient/b', display: 'Bob' };
const source = patient({
  active: true,
  name: [{ family: 'F', nick: 'N' }],
  tags: ['t1', 't2'],
  extra: {
    a: 'A',
    b: [
      { c: 'C', kind: 'k' },
      { c: 'C2', kind: 'other' },
    ],
    boss,
  },
});

describe('an attribute that R4 does not have', () => {
  it('is dropped under default: drop, also inside what a rule keeps', () => {
    expect(rest(source, dropping([keep('Patient.active'), keep('Patient.name.family')]))).toEqual({
      active: true,
      name: [{ family: 'F' }],
    });
    expect(rest(source, dropping([keep('Patient.name')]))).toEqual({ name: [{ family: 'F' }] });
    expect(rest(source, dropping([keep('Patient')]))).toEqual({ active: true, name: [{ family: 'F' }] });
  });

  it.each([
    [keep("nodesByName('linkId')"), { foo: { linkId: 'secret' } }],
    [keep("nodesByName('linkId')"), { linkId: 'secret' }],
    [keep("nodesByType('Reference').type"), { foo: { reference: 'Patient/a', type: 'secret' } }],
    [keep('Observation.status'), { foo: { resourceType: 'Observation', id: 'x', status: 'secret' } }],
    [keep("nodesByType('string')"), { foo: 'secret' }],
  ])('is dropped under default: drop unless a rule with `custom` names it: %j', (one, members) => {
    expect(rest(patient({ active: true, ...members }), dropping([keep('Patient.active'), one]))).toEqual({
      active: true,
    });
  });

  it('does not pass under safe-harbor, by whatever it looks like', () => {
    const policy = policyOf([], { extends: 'safe-harbor' });
    for (const value of [
      { linkId: 'secret' },
      { reference: 'Patient/a', type: 'secret' },
      { display: 'x', type: 'secret' },
      [{ deep: { linkId: 'secret' } }],
    ]) {
      expect(rest(patient({ gender: 'male', foo: value }), policy)).toEqual({ gender: 'male' });
    }
  });

  it('is walked by its shape under default: keep: references are followed', () => {
    const reference = `Patient/${pseudonymId(keys, 'north', 'Patient', 'b')}`;
    expect(rest(source, policyOf([redact('Reference.display')])).extra).toEqual({
      a: 'A',
      b: [
        { c: 'C', kind: 'k' },
        { c: 'C2', kind: 'other' },
      ],
      boss: { reference },
    });
  });

  it.each<[object, object]>([
    [
      { path: 'Patient.extra', ...custom },
      { active: true, name: source.name, tags: ['t1', 't2'] },
    ],
    [
      { path: 'Patient.tags', ...custom },
      { active: true, name: source.name, extra: expect.anything() },
    ],
    [{ path: 'Patient.name.nick', ...custom }, expect.objectContaining({ name: [{ family: 'F' }] })],
    [
      { path: 'Patient.extra.b.c', ...custom },
      expect.objectContaining({ extra: expect.objectContaining({ b: [{ kind: 'k' }, { kind: 'other' }] }) }),
    ],
    [
      { path: "nodesByName('c')", ...custom },
      expect.objectContaining({ extra: expect.objectContaining({ b: [{ kind: 'k' }, { kind: 'other' }] }) }),
    ],
    [
      { path: "Patient.extra.b.where(kind = 'k')", ...custom },
      expect.objectContaining({ extra: expect.objectContaining({ b: [{ c: 'C2', kind: 'other' }] }) }),
    ],
    [
      { path: "Patient.extra.b.where(kind = 'k').c", ...custom },
      expect.objectContaining({
        extra: expect.objectContaining({ b: [{ kind: 'k' }, { c: 'C2', kind: 'other' }] }),
      }),
    ],
    [
      { path: "Patient.extra.b.where(kind = 'k' or kind = 'x')", ...custom },
      expect.objectContaining({ extra: expect.objectContaining({ b: [{ c: 'C2', kind: 'other' }] }) }),
    ],
    [
      { path: 'Patient.extra.b.first().c', ...custom },
      expect.objectContaining({
        extra: expect.objectContaining({ b: [{ kind: 'k' }, { c: 'C2', kind: 'other' }] }),
      }),
    ],
    [{ path: 'Patient.tags.first()', ...custom }, expect.objectContaining({ tags: ['t2'] })],
  ])('goes by a rule that names it: %j', (named, expected) => {
    expect(rest(source, policyOf([{ method: 'redact', ...named }]))).toEqual(expected);
  });

  it('goes with what stands under `_` and its name', () => {
    const beside = { extension: [{ url: 'http://x', valueString: 'secret' }] };
    const mine = patient({ active: true, nick: 'secret', _nick: beside });
    expect(rest(mine, policyOf([redact('Patient.nick', custom)]))).toEqual({ active: true });
    const response = {
      resourceType: 'QuestionnaireResponse',
      id: 'q',
      patientLastName: 'secret',
      _patientLastName: beside,
    };
    expect(rest(response, policyOf([], { extends: 'aidbox-default' }))).toEqual({});
    expect(rest(patient({ active: true, _name: [{ family: 'secret' }] }), policyOf([redact('Patient.name')]))).toEqual({
      active: true,
    });
  });

  it('passes by a rule that names it, with other methods too', () => {
    expect(rest(source, dropping([keep('Patient.extra', custom)])).extra).toMatchObject({
      a: 'A',
      b: [{ c: 'C' }, { c: 'C2' }],
    });
    expect(rest(source, dropping([keep('Patient.extra.b.c', custom)]))).toEqual({
      extra: { b: [{ c: 'C' }, { c: 'C2' }] },
    });
    const hashing = { ...rule('Patient.tags', 'cryptoHash', { hexDigits: 16 }), ...custom };
    expect(rest(source, dropping([hashing])).tags).toEqual([
      expect.stringMatching(/^[0-9a-f]{16}$/),
      expect.anything(),
    ]);
    const constant = { ...rule('Patient.extra', 'substitute', { with: { a: 'X' } }), ...custom };
    expect(rest(source, dropping([constant]))).toEqual({ extra: { a: 'X' } });
  });
});

describe('a type that R4 does not have', () => {
  const user = {
    resourceType: 'User',
    id: 'u1',
    meta: { lastUpdated: '2026' },
    name: { family: 'F' },
    password: 'secret',
    boss,
  };

  it('is withheld, alone and inside, unless a rule with `custom` names it', () => {
    const policy = policyOf([redact('Patient.name')]);
    expect(reasonOf(user, policy)).toBe('unknown-type');
    expect(reasonOf(bundleOf({ resource: user }), policy)).toBe('unknown-type');
    expect(reasonOf(patient({ contained: [user] }), policy)).toBe('unknown-type');
  });

  it('passes as its rules say, with a pseudonymous id and a portable meta', () => {
    const policy = policyOf([redact('User.password', custom)]);
    const written = output(user, policy);
    expect(written.id).toBe(pseudonymId(keys, 'north', 'User', 'u1'));
    expect(JSON.stringify(written)).not.toMatch(/secret|lastUpdated|"Patient\/b"/);
    expect(rest(user, policy).name).toEqual({ family: 'F' });
    expect(rest(user, dropping([keep('User.name.family', custom)]))).toEqual({ name: { family: 'F' } });
    expect(reasonOf(user, policyOf([{ ...rule('User', 'dropResource'), ...custom }]))).toBe('policy-drops-type');
  });
});
