/** The published JSON Schema is the one that documents are read by. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { policyJsonSchema } from '../../../src/cli/policy/schema.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { presets } from '../../../src/deid/presets/index.ts';

const published: object = JSON.parse(
  readFileSync(new URL('../../../docs/policy.schema.json', import.meta.url), 'utf8'),
);

describe('docs/policy.schema.json', () => {
  it('is made from the schema (sluice policy schema > docs/policy.schema.json)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())));
  });

  it('takes every preset, and refuses an unknown key, method and value', () => {
    const validate = new Ajv2020({ strict: false }).compile(published);
    for (const preset of Object.values(presets)) expect(validate(preset)).toBe(true);
    const rule = (members: object): object => ({
      apiVersion: 'fhir-sluice/v1',
      rules: [{ path: 'Patient.name', ...members }],
    });
    expect(validate(rule({ method: 'redact' }))).toBe(true);
    expect(validate(rule({ method: 'redact', because: 'x' }))).toBe(false);
    expect(validate(rule({ method: 'redcat' }))).toBe(false);
    expect(validate(rule({ method: 'dateShift', params: { daysMax: 0 } }))).toBe(false);
  });
});

describe('another tool’s configuration', () => {
  it('is no policy: the service refuses it, and says how to convert it', () => {
    const theirs = { fhirVersion: 'R4', fhirPathRules: [{ path: "nodesByType('HumanName')", method: 'redact' }] };
    for (const source of [
      theirs,
      JSON.stringify(theirs),
      'fhirPathRules:\n  - path: Patient.name\n    method: keep\n',
    ]) {
      expect(readPolicy(source)).toMatchObject({
        ok: false,
        problems: [{ path: 'fhirPathRules', expected: expect.stringContaining('sluice policy convert') }],
      });
    }
  });
});
