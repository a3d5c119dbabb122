/** The analyses agree with the engine: what they say of a path is what becomes of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { describe, expect, it } from '@jest/globals';

import { Changes } from '../../../src/deid/analysis/changes.ts';
import { Coverage } from '../../../src/deid/analysis/coverage.ts';
import { explain } from '../../../src/deid/analysis/explain.ts';
import { visitLeaves } from '../../../src/deid/analysis/leaves.ts';
import type { Leaf } from '../../../src/deid/analysis/leaves.ts';
import { compilePolicy } from '../../../src/deid/compile.ts';
import type { CompiledPolicy } from '../../../src/deid/compiled.ts';
import { deidentify } from '../../../src/deid/deidentify.ts';
import type { DeidKeys } from '../../../src/deid/engine.ts';
import { modes } from '../../../src/deid/plan/child.ts';
import { presetNames } from '../../../src/deid/policy/document.ts';
import { readPolicy } from '../../../src/deid/policy/read.ts';
import { r4ResourceTypes } from '../../../src/deid/r4/model.ts';
import type { JsonObject } from '../../../src/fhir/resource.ts';

const keys: DeidKeys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(7) };
const asOf = new Date('2026-01-01T00:00:00Z');

function compiled(document: object): CompiledPolicy {
  const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', ...document });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const scope = { instance: 'north', upTypes: r4ResourceTypes, downTypes: new Set<string>(), urns: 'rename' as const };
  return compilePolicy(reading.policy, scope);
}

const folder = join(import.meta.dirname, '../../../data/north');
const resources: JsonObject[] = [
  'Patient',
  'Encounter',
  'Condition',
  'CareTeam',
  'Coverage',
  'MedicationRequest',
  'DocumentReference',
  'Composition',
].flatMap((type) =>
  gunzipSync(readFileSync(join(folder, `${type}.ndjson.gz`)))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 15)
    .map((line) => JSON.parse(line) as JsonObject),
);

/** The paths at which something stands, as the analyses write them. */
function pathsOf(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) for (const member of value) pathsOf(member, path, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      if (key === 'extension' || key === 'modifierExtension') {
        for (const one of member as { url: string }[]) pathsOf(one, `${path}.${key}('${one.url}')`, found);
      } else pathsOf(member, `${path}.${key}`, found);
    }
  } else if (value !== null) found.add(path);
}

describe('leaves', () => {
  const whole = new Set<number>([modes.keep, modes.type, modes.id, modes.literal]);

  it.each(presetNames)('that the plan keeps or drops are in the output or not: %s', (preset) => {
    const policy = compiled({ extends: preset, leakGuard: 'off' });
    for (const resource of resources) {
      const leaves: Leaf[] = [];
      visitLeaves(resource, policy, { leaf: (leaf) => leaves.push(leaf), extension: () => {}, unknownType: () => {} });
      const result = deidentify(resource, policy, keys, asOf);
      if (result.kind === 'withheld') continue;
      const type = resource.resourceType as string;
      const output = new Set<string>();
      pathsOf(result.resource, type, output);
      const kept = leaves.filter(({ mode }) => whole.has(mode)).map(({ path }) => path);
      const dropped = leaves.filter(({ mode }) => mode === modes.drop).map(({ path }) => path);
      // A path may be kept in one member of a list and dropped in another.
      const all = new Set(leaves.filter(({ mode }) => mode !== modes.drop).map(({ path }) => path));
      const isMeta = (path: string): boolean => path.includes('.meta.');
      const isLoneUrl = (path: string): boolean => path.endsWith("').url");
      expect(kept.filter((path) => !output.has(path) && !isMeta(path) && !isLoneUrl(path))).toEqual([]);
      expect(dropped.filter((path) => output.has(path) && !all.has(path) && !isMeta(path))).toEqual([]);
    }
  });

  it('have the rule that explain names, unless it says that data may decide', () => {
    const document = {
      extends: 'safe-harbor',
      rules: [
        { path: "Patient.telecom.where(system = 'phone').value", method: 'keep' },
        { path: 'Patient.contact', method: 'redact' },
      ],
    };
    const policy = compiled(document);
    const checked = new Set<string>();
    for (const resource of resources) {
      visitLeaves(resource, policy, {
        leaf: ({ path, rule }) => {
          if (path.includes('xtension') || path.includes('._') || path.includes('.meta')) return;
          const explaining = explain(path, { compiled: policy, siteRules: 2 });
          // Below a node that is dropped whole a path may lead through what R4 does not have.
          if (!explaining.ok) return;
          const place = explaining.places.find((one) => one.path === path);
          if (place === undefined || place.before.length > 0) return;
          checked.add(path);
          expect({ path, rule: place.rule.number }).toEqual({ path, rule });
        },
        extension: () => {},
        unknownType: () => {},
      });
    }
    expect(checked.size).toBeGreaterThan(100);
  });
});

describe('coverage', () => {
  it('names what the default decides on, extensions by what the policy says of them', () => {
    const policy = compiled({
      default: 'drop',
      extensions: 'withhold',
      rules: [
        { path: 'Patient.gender', method: 'keep' },
        { path: "Patient.extension('http://example.org/known')", method: 'keep' },
      ],
    });
    const coverage = new Coverage(policy);
    coverage.add({
      resourceType: 'Patient',
      id: '1',
      gender: 'male',
      birthDate: '1950-01-01',
      extension: [
        { url: 'http://example.org/known', valueString: 'a' },
        { url: 'http://example.org/other', extension: [{ url: 'inner', valueString: 'b' }] },
      ],
      modifierExtension: [{ url: 'http://example.org/not', valueBoolean: true }],
      contained: [{ resourceType: 'Organization', id: 'o', name: 'c' }],
    });
    const { paths, extensions } = coverage.result();
    expect(paths).toEqual([
      { path: 'Organization.name', leaves: 1, outcome: 'removed', isUnknown: false },
      { path: 'Patient.birthDate', leaves: 1, outcome: 'removed', isUnknown: false },
    ]);
    expect(extensions).toEqual([
      { url: 'http://example.org/not', count: 1, isModifier: true, outcome: 'withheld', paths: ['Patient'] },
      { url: 'http://example.org/other', count: 1, isModifier: false, outcome: 'withheld', paths: ['Patient'] },
    ]);
  });

  it('knows what data decides: conditions, answers and general FHIRPath', () => {
    const policy = compiled({
      default: 'keep',
      rules: [
        { path: "Patient.telecom.where(system = 'phone')", method: 'redact' },
        { path: 'Patient.name.where(given.count() > 1).family', method: 'redact' },
        { path: 'QuestionnaireResponse.item.answer', method: 'redact', answersTo: { linkIds: ['name'] } },
      ],
    });
    const coverage = new Coverage(policy);
    coverage.add({
      resourceType: 'Patient',
      id: '1',
      telecom: [
        { system: 'phone', value: '1' },
        { system: 'email', value: '2' },
      ],
      name: [{ family: 'a', given: ['b', 'c'] }, { family: 'd' }],
    });
    coverage.add({
      resourceType: 'QuestionnaireResponse',
      id: '2',
      status: 'completed',
      item: [
        { linkId: 'name', answer: [{ valueString: 'a' }] },
        { linkId: 'weight', answer: [{ valueDecimal: 1 }] },
      ],
    });
    const counts = Object.fromEntries(coverage.result().paths.map(({ path, leaves }) => [path, leaves]));
    expect(counts).toEqual({
      'Patient.telecom.system': 1,
      'Patient.telecom.value': 1,
      'Patient.name.given': 2,
      'Patient.name.family': 1,
      'QuestionnaireResponse.status': 1,
      'QuestionnaireResponse.item.linkId': 2,
      'QuestionnaireResponse.item.answer.valueDecimal': 1,
    });
  });
});

describe('changes', () => {
  it('are none between a policy and itself, and all between keeping and dropping', () => {
    const keeping = compiled({ default: 'keep', labels: false });
    const dropping = compiled({ default: 'drop', labels: false });
    const [none, all] = [new Changes(keeping, keeping, keys, asOf), new Changes(keeping, dropping, keys, asOf)];
    for (const resource of resources) {
      none.add(resource);
      all.add(resource);
    }
    expect(none.result()).toMatchObject({ differing: 0, paths: [], withheld: [] });
    const { paths } = all.result();
    // Required elements that are gone leave a word on why.
    const others = paths.filter(({ path }) => !path.includes('data-absent-reason'));
    expect(others.filter(({ removed, added, changed }) => removed === 0 || added + changed > 0)).toEqual([]);
    expect(paths.map(({ path }) => path)).toContain('Patient.name.family');
  });
});

describe('explain', () => {
  it('follows extensions, those beside primitives too', () => {
    const url = 'http://hl7.org/fhir/StructureDefinition/patient-birthTime';
    const policy = compiled({
      default: 'drop',
      rules: [{ path: `Patient.birthDate.extension('${url}').value`, method: 'dateShift' }],
    });
    const outcomeOf = (path: string): string => {
      const explaining = explain(path, { compiled: policy, siteRules: 1 });
      return explaining.ok ? (explaining.places[0]?.outcome ?? '') : explaining.expected;
    };
    expect(outcomeOf(`Patient.birthDate.extension('${url}').valueDateTime`)).toBe('changed');
    expect(outcomeOf(`Patient.birthDate.extension('${url}').valueString`)).toBe('removed');
    expect(outcomeOf("Patient.birthDate.extension('http://example.org/other')")).toBe('removed');
    expect(outcomeOf(`Patient.gender.extension('${url}')`)).toBe('removed');
  });
});
