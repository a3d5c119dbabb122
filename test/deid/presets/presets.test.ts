/** What holds for every preset: the schema takes it, R4 has its paths, and each rule has something left to decide. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { policySchema, presetNames } from '../../../src/deid/policy/document.ts';
import type { PolicyRule } from '../../../src/deid/policy/document.ts';
import { aidboxDefault } from '../../../src/deid/presets/aidbox-default.ts';
import { presets } from '../../../src/deid/presets/index.ts';
import { zip3Lists } from '../../../src/deid/presets/zip3.ts';
import { isR4DataType, r4ResourceTypes, r4Type } from '../../../src/deid/r4/model.ts';
import { policyOf, rest } from '../support.ts';
import { readPolicyOverR4 } from './reading.ts';

const root = new URL('../../../', import.meta.url);
const isInExtension = ({ path }: PolicyRule): boolean => /extension\(|'Extension'/.test(path);
const isSpecial = (rule: PolicyRule): boolean =>
  rule.custom === true || rule.answersTo !== undefined || isInExtension(rule);

it('there is a preset for each name that a policy may extend', () => {
  expect(Object.keys(presets).sort()).toEqual([...presetNames].sort());
});

describe.each(presetNames)('%s', (name) => {
  const preset = presets[name];
  const rules = preset.rules ?? [];

  it('is a document that the schema takes as it is', () => {
    expect(policySchema.parse(preset)).toEqual(preset);
    expect(preset.name).toBe(name);
    expect(preset.extends).toBeUndefined();
    expect(preset.default).toBeDefined();
  });

  it('has no path twice', () => {
    const paths = rules.map(({ path }) => path);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
  });

  it('has no rule that an earlier one hides, and no path that R4 does not have', () => {
    const { used } = readPolicyOverR4(preset);
    expect(rules.flatMap((rule, index) => (used.has(index) || isSpecial(rule) ? [] : [rule.path]))).toEqual([]);
  });

  it('names extensions where R4 may have them, by their absolute urls, and values of types that they may have', () => {
    for (const { path } of rules.filter((rule) => isInExtension(rule) && !rule.path.includes("'Extension'"))) {
      const [, byType, plain] =
        /^(?:nodesByType\('(\w+)'\)|([\w.]+))\.extension\('https?:\/\/hl7\.org\/fhir\/[\w/-]+'\)/.exec(path)!;
      const [head = '', ...names] = (byType ?? plain ?? '').split('.');
      const type = names.reduce((owner, name) => r4Type(owner)!.elements.get(name)!.type, head);
      expect([type, r4ResourceTypes.has(type) || isR4DataType(type)]).toEqual([type, true]);
      const value = /\.value\.ofType\((\w+)\)$/.exec(path)?.[1] ?? 'code';
      const key = `value${value.charAt(0).toUpperCase()}${value.slice(1)}`;
      expect(r4Type('Extension')?.elements.get(key)?.type).toBe(value);
    }
  });

  it('says of each rule why it is there', () => {
    expect(rules.filter(({ reason }) => reason === undefined || reason === '')).toEqual([]);
  });

  it('names only tables of ZIP codes that there are', () => {
    const tables = rules.flatMap((rule) =>
      rule.method === 'generalize' && 'zip3' in rule.params ? [rule.params.zip3] : [],
    );
    expect(tables.filter((table) => !Object.hasOwn(zip3Lists, table))).toEqual([]);
  });
});

describe('the tables of ZIP codes', () => {
  it.each([
    ['census-2000', 2000, 17],
    ['census-2010', 2010, 14],
  ] as const)('%s is a dated list of areas of three digits', (name, year, count) => {
    const { censusYear, source, smallAreas } = zip3Lists[name];
    expect([censusYear, smallAreas.size]).toEqual([year, count]);
    expect([...smallAreas].filter((area) => !/^\d{3}$/.test(area))).toEqual([]);
    expect(source).not.toBe('');
  });
});

describe("aidbox-default, the user's own list", () => {
  it('clears four elements of Patient, three attributes and the answers to five questions, and nothing else', () => {
    expect(aidboxDefault.default).toBe('keep');
    expect(aidboxDefault.rules!.map(({ path, method }) => `${method} ${path}`)).toEqual([
      'redact Patient.identifier',
      'redact Patient.name',
      'redact Patient.telecom',
      'redact Patient.address',
      'redact QuestionnaireResponse.patientFirstName',
      'redact QuestionnaireResponse.patientLastName',
      'redact QuestionnaireResponse.patientMiddleName',
      'redact QuestionnaireResponse.item.answer',
    ]);
    const questions = ['Personal Email', 'Name', 'Phone', 'Date of Birth', 'Address'];
    expect(aidboxDefault.rules!.at(-1)!.answersTo).toEqual({ linkIds: questions, texts: questions });
  });
});

it("the schema takes the demo's policy", () => {
  const demo: unknown = parse(readFileSync(new URL('policies/demo.yaml', root), 'utf8'));
  expect(policySchema.safeParse(demo).error?.issues).toBeUndefined();
  expect(demo).toMatchObject({ extends: 'aidbox-default', default: 'keep' });
});

it.each(['safe-harbor', 'limited-dataset', 'expert'] as const)(
  '%s lets none of what a server says of a request pass, which the leak guard could compare with nobody’s words',
  (name) => {
    const details = { text: 'Zephyrine', coding: [{ system: 'http://h/Zephyrine', code: 'Z', display: 'Zephyrine' }] };
    const issue = [
      { severity: 'error', code: 'invalid', details, diagnostics: 'Zephyrine', expression: ['Zephyrine'] },
    ];
    const outcome = { resourceType: 'OperationOutcome', id: 'o', issue };
    expect(rest(outcome, policyOf([], { extends: name }))).toEqual({ issue: [{ severity: 'error', code: 'invalid' }] });
  },
);
