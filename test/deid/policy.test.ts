import { describe, expect, it } from '@jest/globals';
import { compilePolicy } from '../../src/deid/compile.ts';
import type { PolicyDocument } from '../../src/deid/policy.ts';
import { readPolicy } from '../../src/deid/read-policy.ts';
import { scope } from './support.ts';

function accepted(source: unknown): PolicyDocument {
  const reading = readPolicy(source);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.policy;
}

const problemsOf = (source: unknown): { path: string; line?: number; found: string }[] => {
  const reading = readPolicy(source);
  return reading.ok ? [] : reading.problems.map(({ expected: _, ...rest }) => rest);
};

describe('reading a policy', () => {
  it('reports every mistake at once, with path, line and what was found', () => {
    const text = `apiVersion: v2
colour: red
rules:
  - path: HumanName.family
    method: redact
  - { path: Patient.id, method: redact }
  - { path: Patient.name, method: blur }
  - { path: Patient.photo, method: redact, prams: {} }
  - { path: QuestionnaireResponse.item, method: redact-answers, params: {} }
  - { path: Patient.photo.title, method: keep }
`;
    expect(problemsOf(text)).toEqual([
      { path: 'apiVersion', line: 1, found: '"v2"' },
      { path: 'default', line: 1, found: 'nothing' },
      { path: 'colour', line: 2, found: 'an unknown key' },
      { path: 'rules[0].path', line: 4, found: '"HumanName.family"' },
      { path: 'rules[1].path', line: 6, found: '"Patient.id"' },
      { path: 'rules[2].method', line: 7, found: '"blur"' },
      { path: 'rules[3].prams', line: 8, found: 'an unknown key' },
      { path: 'rules[4].params', line: 9, found: 'an object' },
      { path: 'rules[5].path', line: 10, found: '"Patient.photo.title"' },
    ]);
  });

  it('says what it expects', () => {
    const reading = readPolicy({
      apiVersion: 'fhir-sluice/v1',
      default: 'maybe',
      rules: [{ path: 'Patient.name', method: 1 }],
    });
    expect(reading).toEqual({
      ok: false,
      problems: [
        { path: 'default', found: '"maybe"', expected: 'keep, drop' },
        {
          path: 'rules[0].method',
          found: '1',
          expected: 'keep, redact, drop-resource, pseudonymize, redact-answers',
        },
      ],
    });
  });

  it('reads a bad path also where the method is bad', () => {
    expect(
      problemsOf({ apiVersion: 'fhir-sluice/v1', default: 'keep', rules: [{ path: 'name', method: 'x' }] }),
    ).toEqual([
      { path: 'rules[0].method', found: '"x"' },
      { path: 'rules[0].path', found: '"name"' },
    ]);
  });

  it.each([
    ['syntax', 'rules: [', 1],
    ['repeated keys', 'default: keep\ndefault: drop', 2],
    ['two documents', 'default: keep\n---\ndefault: drop', 2],
  ])('refuses YAML with %s', (_name, text, line) => {
    expect(problemsOf(text)[0]).toMatchObject({ line });
  });

  it.each([null, 7, 'just text', [], '', { __proto__: null, rules: 5 }])(
    'refuses %j without an exception',
    (source) => {
      expect(readPolicy(source).ok).toBe(false);
    },
  );

  it('takes `default` from the preset, and lets the site change it', () => {
    const resolved = (source: object): string =>
      compilePolicy(accepted({ apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default', ...source }), scope).document
        .default;
    expect(resolved({})).toBe('keep');
    expect(resolved({ default: 'drop' })).toBe('drop');
  });
});

describe('the digest', () => {
  const digest = (source: unknown, instance = 'north'): string =>
    compilePolicy(accepted(source), { ...scope, instance }).digest;
  const document = {
    apiVersion: 'fhir-sluice/v1',
    default: 'keep',
    rules: [{ path: 'Patient.name', method: 'redact' }],
  };

  it('does not hang on key order, notation or site', () => {
    const text = 'rules: [{method: redact, path: Patient.name}]\ndefault: keep\napiVersion: fhir-sluice/v1';
    expect(digest(text)).toBe(digest(document));
    expect(digest(document, 'south')).toBe(digest(document));
    expect(digest(document)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with the rules, their order and the default', () => {
    const other = { path: 'Patient.photo', method: 'redact' };
    const digests = [
      document,
      { ...document, default: 'drop' },
      { ...document, rules: [...document.rules, other] },
      { ...document, rules: [other, ...document.rules] },
      { ...document, extends: 'aidbox-default', rules: [] },
    ].map((source) => digest(source));
    expect(new Set(digests).size).toBe(5);
  });

  it('is that of the preset written out', () => {
    const { document: resolved } = compilePolicy(
      accepted({ apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default' }),
      scope,
    );
    expect(digest(structuredClone(resolved))).toBe(digest({ apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default' }));
  });
});
