import { describe, expect, it } from '@jest/globals';
import { readCompatConfig } from '../../../src/deid/compat/index.ts';
import { configOf } from './support.ts';

const problemsOf = (text: string): { path: string; line?: number; found: string }[] => {
  const reading = readCompatConfig(text);
  return reading.ok ? [] : reading.problems.map(({ expected: _, ...rest }) => rest);
};

describe('reading a configuration', () => {
  it('takes JSON as Newtonsoft does: comments, commas at the end, single quotes, a mark in front', () => {
    const text = `\ufeff// a comment
{
\t"FHIRVersion": "r4", /* of
  two lines */
  'fhirPathRules': [
    {"path": "nodesByType('Extension')", "method": "redact"}, // "path": "x"
    {"path": "Patient.name", "method": "substitute", "replaceWith": "http://x.org/*y*/"},
  ],
}`;
    expect(configOf(text)).toMatchObject({
      dialect: 'microsoft',
      processingErrors: 'raise',
      rules: [
        { path: "nodesByType('Extension')", method: 'redact' },
        { path: 'Patient.name', method: 'substitute', replaceWith: 'http://x.org/*y*/' },
      ],
    });
  });

  it('knows fhir-pseudonymizer by its methods and parameters, in JSON too', () => {
    const dialect = (rule: object, parameters: object = {}) =>
      configOf(JSON.stringify({ fhirPathRules: [{ path: 'Patient.id', ...rule }], parameters })).dialect;
    expect(dialect({ method: 'cryptoHash' })).toBe('microsoft');
    expect(dialect({ method: 'Pseudonymize' })).toBe('fhir-pseudonymizer');
    expect(dialect({ method: 'cryptoHash', truncateToMaxLength: 8 })).toBe('fhir-pseudonymizer');
    expect(dialect({ method: 'cryptoHash' }, { keyDerivationContext: 'c' })).toBe('fhir-pseudonymizer');
  });

  it('reports every mistake at once, with path and line, and never shows a key', () => {
    const text = `{
  "fhirVersion": "STU3",
  "processingErrors": "ignore",
  "fhirPathRules": [
    {"path": "Patient.name.where(", "method": "redact"},
    {"path": "Patient.name", "method": "blur"},
    {"method": "redact"},
    {"path": "Patient.name", "method": "substitute"},
    {"path": "Patient.name", "method": "perturb", "roundTo": 29, "rangeType": "some"},
    {"path": "Patient.birthDate", "method": "generalize", "cases": {"$this >": "1", "true": "$this.subString(0)"}, "otherValues": "drop"},
    "Patient.gender"
  ],
  "parameters": {
    "dateShiftScope": "patient",
    "encryptKey": "secret",
    "enablePartialDatesForRedact": "perhaps"
  }
}`;
    expect(problemsOf(text)).toEqual([
      { path: 'fhirVersion', line: 2, found: '"STU3"' },
      { path: 'processingErrors', line: 3, found: '"ignore"' },
      { path: 'fhirPathRules[0].path', line: 5, found: '"Patient.name.where("' },
      { path: 'fhirPathRules[1].method', line: 6, found: '"blur"' },
      { path: 'fhirPathRules[2].path', line: 7, found: 'nothing' },
      { path: 'fhirPathRules[3].replaceWith', line: 8, found: 'nothing' },
      { path: 'fhirPathRules[4].span', line: 9, found: 'nothing' },
      { path: 'fhirPathRules[4].rangeType', line: 9, found: '"some"' },
      { path: 'fhirPathRules[4].roundTo', line: 9, found: '29' },
      { path: 'fhirPathRules[5].cases.$this >', line: 10, found: '"1"' },
      { path: 'fhirPathRules[5].cases.true', line: 10, found: '"$this.subString(0)"' },
      { path: 'fhirPathRules[5].otherValues', line: 10, found: '"drop"' },
      { path: 'fhirPathRules[6]', line: 11, found: '"Patient.gender"' },
      { path: 'parameters.dateShiftScope', line: 14, found: 'a string' },
      { path: 'parameters.encryptKey', line: 15, found: 'a key of 6 bytes' },
      { path: 'parameters.enablePartialDatesForRedact', line: 16, found: 'a string' },
    ]);
  });

  it.each([
    ['no object', '[]', [{ path: '', line: 1, found: 'a list of 0' }]],
    ['no rules', '{"parameters": {}}', [{ path: 'fhirPathRules', line: 1, found: 'nothing' }]],
    ['a key twice', '{"fhirPathRules": [],\n"fhirPathRules": []}', [{ path: '', line: 2, found: 'DUPLICATE_KEY' }]],
    ['an unknown key in YAML', 'fhirPathRules: []\nfoo: 1', [{ path: 'foo', line: 2, found: 'an unknown key' }]],
    [
      'BLAKE3',
      'fhirPathRules: []\nparameters:\n  cryptoHashAlgorithm: blake3',
      [{ path: 'parameters.cryptoHashAlgorithm', line: 3, found: '"blake3"' }],
    ],
    [
      'a method of the other tool',
      '{"fhirPathRules": [{"path": "Patient.id", "method": "mask"}]}',
      [{ path: 'fhirPathRules[0].method', line: 1, found: '"mask"' }],
    ],
  ])('refuses %s', (_title, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it('passes over keys that it does not know in JSON, as Microsoft does', () => {
    expect(
      problemsOf('{"processingError": "raise", "fhirPathRules": [], "parameters": {"customSettings": {}}}'),
    ).toEqual([]);
  });
});
