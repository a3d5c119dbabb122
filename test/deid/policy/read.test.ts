/** Reading a policy: every mistake at once, where it stands, and what was meant. */
import { describe, expect, it } from '@jest/globals';
import { presetNames } from '../../../src/deid/policy/document.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { resolvePolicy } from '../../../src/deid/policy/resolve.ts';

const head = { apiVersion: 'fhir-sluice/v1', default: 'keep' };
const yamlHead = 'apiVersion: fhir-sluice/v1\ndefault: keep\n';
const problemsOf = (source: unknown): { path: string; line?: number; found: string; expected: string }[] => {
  const reading = readPolicy(source);
  return reading.ok ? [] : [...reading.problems];
};

describe('a policy with mistakes', () => {
  const text = `apiVersion: v2
colour: red
rules:
  - path: humanName.family
    method: redact
  - { path: Patient.id, method: redact }
  - { path: Patient.name, method: blur }
  - { path: Patient.photo, method: redact, prams: {} }
  - { path: QuestionnaireResponse.item, method: redact, answersTo: {} }
  - { path: Patient.photo.titel, method: keep }
  - { path: Patient.birthDate, method: dateShift, params: { daysMax: 0 } }
  - path: Patient.telecom
    method: redact
    hipaa: Z
`;

  it('is told all of them at once, each with its path, its line and what was found', () => {
    expect(problemsOf(text).map(({ path, line, found }) => [path, line, found])).toEqual([
      ['apiVersion', 1, '"v2"'],
      ['default', 1, 'nothing'],
      ['colour', 2, 'an unknown key'],
      ['rules[0].path', 4, '"humanName.family"'],
      ['rules[1].path', 6, '"Patient.id"'],
      ['rules[2].method', 7, '"blur"'],
      ['rules[3].prams', 8, 'an unknown key'],
      ['rules[4].answersTo', 9, 'an object'],
      ['rules[4].path', 9, '"QuestionnaireResponse.item"'],
      ['rules[5].path', 10, '"Patient.photo.titel"'],
      ['rules[6].params.daysMax', 11, '0'],
      ['rules[7].hipaa', 14, '"Z"'],
    ]);
  });

  it('is told the same of JSON and of an object, as far as there are lines', () => {
    const object = {
      apiVersion: 'v2',
      rules: [
        { path: 'Patient.nam', method: 'redact' },
        { path: 'Patient.name', method: 'blur' },
      ],
    };
    const plain = problemsOf(object).map(({ path, found }) => [path, found]);
    const json = problemsOf(JSON.stringify(object, undefined, 2));
    expect(json.map(({ path, found }) => [path, found]).sort()).toEqual([...plain].sort());
    expect(json.map(({ line }) => line)).toEqual([1, 2, 5, 10]);
  });

  it('is told what is expected', () => {
    expect(problemsOf({ ...head, default: 'maybe', rules: [{ path: 'Patient.name', method: 1 }] })).toEqual([
      { path: 'default', found: '"maybe"', expected: 'keep, drop' },
      {
        path: 'rules[0].method',
        found: '1',
        expected:
          'keep, redact, dropResource, pseudonymize, cryptoHash, dateShift, dateTruncate, generalize, perturb, substitute, encrypt, mask, plugin',
      },
    ]);
  });

  it('is told of a bad path also where the method is bad', () => {
    expect(problemsOf({ ...head, rules: [{ path: 'name', method: 'x' }] }).map(({ path }) => path)).toEqual([
      'rules[0].method',
      'rules[0].path',
    ]);
  });

  it('cuts short what was found: a mistake’s text is no place for a whole file', () => {
    const [problem] = problemsOf({ ...head, name: 'x'.repeat(10_000) });
    expect(problem?.found.length).toBeLessThan(100);
  });
});

describe('a text that is no policy', () => {
  it.each([
    ['syntax', `${yamlHead}rules: [`, 3],
    ['repeated keys', 'default: keep\ndefault: drop', 2],
    ['repeated keys in JSON', '{"default":"keep",\n"default":"drop"}', 2],
    ['two documents', 'default: keep\n---\ndefault: drop', 2],
    ['tabs', `${yamlHead}rules:\n\t- x`, 4],
  ])('with %s is refused, with the line', (_name, text, line) => {
    expect(problemsOf(text)[0]).toMatchObject({ line });
  });

  it('with aliases that blow up is refused at once', () => {
    const levels = Array.from('abcdefghij').map(
      (name, index) =>
        `${name}: &${name} [${Array.from({ length: 9 }, () => (index === 0 ? 'x' : `*${'abcdefghij'.charAt(index - 1)}`)).join(', ')}]`,
    );
    expect(problemsOf(yamlHead + levels.join('\n'))).toEqual([
      { path: '', found: 'unresolvable aliases', expected: 'a plain document' },
    ]);
  });

  it.each([
    'rules: &r [*r]',
    'rules:\n  - path: Patient.birthDate\n    method: substitute\n    params: {with: &x [*x]}',
    'rules:\n  - path: Patient.extra\n    custom: true\n    method: substitute\n    params: {with: &x {a: *x}}',
    'rules: *nothing',
  ])('that goes in a circle is refused: %s', (text) => {
    expect(readPolicy(yamlHead + text).ok).toBe(false);
  });

  it('nested without end is refused', () => {
    const deep: unknown = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000));
    for (const one of [
      `${yamlHead}rules: ${'['.repeat(20_000)}`,
      `${yamlHead}rules: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      { ...head, rules: deep },
      { ...head, rules: [{ path: 'Patient.extra', custom: true, method: 'substitute', params: { with: deep } }] },
    ]) {
      expect(readPolicy(one).ok).toBe(false);
    }
  });

  it.each([
    null,
    undefined,
    7,
    true,
    'just text',
    [],
    '',
    '[]',
    'null',
    { __proto__: null, rules: 5 },
    { ...head, rules: [null, 5, [], 'x'] },
  ])('%j is refused without an exception', (source) => {
    expect(readPolicy(source).ok).toBe(false);
  });

  it('of another tool is told to be converted', () => {
    expect(problemsOf({ fhirVersion: 'R4', fhirPathRules: [] })).toEqual([
      expect.objectContaining({ path: 'fhirPathRules', found: "another tool's configuration" }),
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'Default', 'rule'])('with the key %s is refused', (key) => {
    const text = JSON.stringify({ ...head, KEY: { custom: true } }).replace('KEY', key);
    expect(problemsOf(JSON.parse(text)).map(({ path }) => path)).toEqual([key]);
    expect(problemsOf(text).map(({ path }) => path)).toEqual([key]);
    const inRule = JSON.stringify({ ...head, rules: [{ path: 'Patient.name', method: 'redact', KEY: 1 }] }).replace(
      'KEY',
      key,
    );
    expect(problemsOf(JSON.parse(inRule)).map(({ path }) => path)).toEqual([`rules[0].${key}`]);
  });
});

describe('a policy without mistakes', () => {
  const accepted = (source: unknown): ReturnType<typeof resolvePolicy> => {
    const reading = readPolicy(source);
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    return resolvePolicy(reading.policy);
  };

  it('is the same from YAML, JSON and an object', () => {
    const object = { ...head, rules: [{ path: 'Patient.name', method: 'redact', hipaa: 'A' }] };
    const yaml = `${yamlHead}rules:\n  - { path: Patient.name, method: redact, hipaa: A }`;
    expect(accepted(yaml)).toEqual(accepted(object));
    expect(accepted(JSON.stringify(object))).toEqual(accepted(object));
  });

  it('has what it leaves unsaid filled in: strict under drop, open under keep', () => {
    expect(accepted({ ...head, default: 'drop' })).toMatchObject({
      default: 'drop',
      extensions: 'drop',
      modifierExtensions: 'withhold',
      leakGuard: 'mask',
      labels: true,
      rules: [],
    });
    expect(accepted(head)).toMatchObject({
      default: 'keep',
      extensions: 'keep',
      modifierExtensions: 'keep',
      leakGuard: 'mask',
    });
  });

  it.each(presetNames)('takes what it leaves unsaid from %s, and says the rest itself', (preset) => {
    const bare = accepted({ apiVersion: 'fhir-sluice/v1', extends: preset });
    const own = { path: 'Patient.gender', method: 'keep' };
    expect(accepted({ apiVersion: 'fhir-sluice/v1', extends: preset, rules: [own] }).rules).toEqual([
      own,
      ...bare.rules,
    ]);
    expect(
      accepted({ apiVersion: 'fhir-sluice/v1', extends: preset, default: 'drop', leakGuard: 'off' }),
    ).toMatchObject({ default: 'drop', leakGuard: 'off' });
  });

  it('has to say its default, unless it extends', () => {
    expect(problemsOf({ apiVersion: 'fhir-sluice/v1', rules: [] })).toEqual([
      { path: 'default', found: 'nothing', expected: "'keep' or 'drop', written out" },
    ]);
  });
});
