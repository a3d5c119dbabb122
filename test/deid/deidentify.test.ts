/** What holds of every output, whatever the policy says. */
import { describe, expect, it } from '@jest/globals';
import { tagSystems } from '../../src/deid/engine.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import {
  dropping,
  keep,
  keys,
  observation,
  output,
  patient,
  policyOf,
  reasonOf,
  redact,
  rest,
  rule,
  run,
} from './support.ts';

const plain = policyOf([]);
const idOf = (type: string, id: string): string => pseudonymId(keys, 'north', type, id);
const labelSystem = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';

describe('every output', () => {
  it('has a pseudonymous id, the portable part of its meta, our tags, and R4’s order of keys', () => {
    const meta = {
      versionId: '7',
      lastUpdated: '2026-01-01T00:00:00Z',
      source: 'http://north.example.org',
      extension: [{ url: 'x', valueString: 'y' }],
      profile: ['http://example.org/p'],
      tag: [
        { system: tagSystems.policy, code: 'forged' },
        { system: 'http://example.org/t', code: 'mine', extension: [] },
      ],
    };
    const source = { zeta: 1, gender: 'male', meta, id: 'p1', alpha: 2, active: true, resourceType: 'Patient' };
    expect(JSON.stringify(output(source, plain))).toBe(
      JSON.stringify({
        resourceType: 'Patient',
        id: idOf('Patient', 'p1'),
        meta: {
          profile: ['http://example.org/p'],
          security: [{ system: labelSystem, code: 'PSEUDED' }],
          tag: [
            { system: 'http://example.org/t', code: 'mine' },
            { system: tagSystems.origin, code: 'north' },
            { system: tagSystems.policy, code: plain.digest },
            { system: tagSystems.key, code: 'pseudonym/1' },
          ],
        },
        active: true,
        gender: 'male',
        alpha: 2,
        zeta: 1,
      }),
    );
  });

  it('says in its labels what was done, each once, and nothing with `labels: false`', () => {
    const rules = [
      redact('Patient.name'),
      rule('Patient.birthDate', 'dateTruncate'),
      rule('Patient.gender', 'cryptoHash'),
    ];
    const source = patient({
      meta: { security: [{ system: labelSystem, code: 'REDACTED' }] },
      name: [{ family: 'a' }],
      birthDate: '1990-01-02',
      gender: 'male',
    });
    const codes = (labels: boolean): unknown => {
      const { meta } = output(source, policyOf(rules, { labels })) as { meta?: { security?: { code: string }[] } };
      return meta?.security?.map(({ code }) => code);
    };
    expect(codes(true)).toEqual(['REDACTED', 'ABSTRED', 'CRYTOHASH', 'PSEUDED']);
    expect(codes(false)).toEqual(['REDACTED']);
  });

  it.each([null, true, 5, 'x', [], [[]], {}, { profile: 'x', tag: 'y', security: {} }, { tag: [null, 5, [], {}] }])(
    'has our tags alone where the source’s meta is %j',
    (meta) => {
      expect(output(patient({ meta, active: true }), plain).meta).toEqual({
        security: [{ system: labelSystem, code: 'PSEUDED' }],
        tag: [expect.anything(), expect.anything(), expect.anything()],
      });
    },
  );

  it.each([
    'Resource.meta.tag',
    'Patient.meta.tag.display',
    "Patient.meta.tag.where(system = 'http://x')",
    "Patient.meta.tag.where(system = 'http://x' or system = 'y')",
    "nodesByType('Coding').where(code.exists() and display.exists())",
    'Patient.meta.profile.first()',
  ])('follows the rules in what is left of meta: %s', (path) => {
    const tag = [{ system: 'http://x', display: 'secret' }];
    const key = path.includes('profile')
      ? { profile: ['secret', 'http://b'] }
      : { tag: path.includes('code') ? [{ code: 'c', display: 'secret' }] : tag };
    expect(JSON.stringify(output(patient({ meta: key }), policyOf([redact(path)])))).not.toContain('secret');
  });

  it('is nothing but an id and tags where nothing passes', () => {
    expect(rest(patient({ active: true, name: [{ family: 'a' }] }), dropping([keep('Patient.photo')]))).toEqual({});
  });
});

describe('no resource', () => {
  it.each([
    null,
    undefined,
    5,
    'Patient',
    [],
    {},
    { resourceType: 'Patient' },
    { resourceType: 'Patient', id: 5 },
    { resourceType: 'Patient', id: null },
    { resourceType: 'Patient', id: 'a b' },
    { resourceType: 'Patient', id: '' },
    { resourceType: 'Patient', id: 'a\n' },
    { resourceType: 'Patient', id: 'x'.repeat(65) },
    { resourceType: ['Patient'], id: 'a' },
    { resourceType: 'john smith', id: 'a' },
    { resourceType: '', id: 'a' },
    { resourceType: 'Patient.contact', id: 'a' },
    { resourceType: 'Bundle', id: '' },
    { resourceType: 'Bundle', id: null },
  ])('%j is withheld as none', (value) => {
    expect(reasonOf(value, plain)).toBe('not-a-resource');
  });

  it.each(['Foo', 'HumanName', 'Element', 'Resource', 'DomainResource', 'BackboneElement', 'ToString'])(
    'a %s is withheld: R4 has no such resource',
    (resourceType) => {
      expect(reasonOf({ resourceType, id: 'a', name: 'x' }, plain)).toBe('unknown-type');
    },
  );

  it('a file’s may be without an id: where urns are renamed', () => {
    const renaming = policyOf([], { scope: { urns: 'rename' } });
    expect(output({ resourceType: 'Patient', active: true }, renaming)).not.toHaveProperty('id');
    expect(reasonOf({ resourceType: 'Patient', id: null }, renaming)).toBe('not-a-resource');
  });

  it('a Bundle alone may be without an id', () => {
    const bundle = output({ resourceType: 'Bundle', type: 'transaction' }, plain);
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'transaction' });
    expect(bundle).not.toHaveProperty('id');
  });
});

describe('the report', () => {
  it('counts leaves by the rule that took them, and leaves no count behind for the next resource', () => {
    const policy = policyOf([
      redact('Patient.name'),
      redact('Patient.photo'),
      rule('Patient.birthDate', 'dateTruncate'),
    ]);
    const counted = (resource: object): unknown =>
      Object.entries(run(resource, policy).report.taken).map(([index, count]) => [
        policy.rules[Number(index)]?.text,
        count,
      ]);
    const source = patient({ name: [{ family: 'X' }, { family: 'Y' }], birthDate: '1990-01-01', active: true });
    const expected = [
      ['Patient.name', 1],
      ['Patient.birthDate', 1],
      ['default-keep', 1],
    ];
    expect(counted(source)).toEqual(expected);
    expect(run({ resourceType: 'Patient', id: 'a', name: 5, active: 'x' }, policy).kind).toBe('withheld');
    expect(counted(source)).toEqual(expected);
  });

  it('counts references', () => {
    const source = observation({ subject: { reference: 'Patient/a' }, performer: [{ reference: 'Practitioner/b' }] });
    expect(run(source, plain).report).toMatchObject({ referencesPseudonymized: 1, referencesDetached: 1 });
  });
});

describe('traces', () => {
  it('are of one patient over resources and packaging, and say what went and what stayed', () => {
    const policy = policyOf([redact('Patient.name')]);
    const [one] = run(patient({ name: [{ family: 'Quimby' }] }), policy).traces;
    const [two] = run(
      observation({ subject: { reference: 'Patient/p1' }, note: [{ text: 'Quimby came' }] }),
      policy,
    ).traces;
    expect(one?.removed.length).toBeGreaterThan(0);
    expect(two?.patient).toBe(one?.patient);
    expect(two?.kept.some((token) => one?.removed.includes(token))).toBe(true);
    expect(one?.resource).toBe(`Patient/${idOf('Patient', 'p1')}`);
  });

  it('hold the words of a withheld resource too, and none with the guard off', () => {
    const source = patient({ name: [{ family: 'Quimby' }], birthDate: [] });
    const words =
      run(patient({ name: [{ family: 'Quimby' }] }), policyOf([redact('Patient.name')])).traces[0]?.removed ?? [];
    const withheld = run(source, policyOf([redact('Patient.name')]));
    expect(withheld.kind).toBe('withheld');
    const all = withheld.traces.flatMap(({ removed }) => removed);
    expect(words.every((word) => all.includes(word))).toBe(true);
    expect(run(source, policyOf([], { leakGuard: 'off' })).traces).toEqual([]);
  });
});
