/** What the tests of src/deid share: a site, its keys, and a policy in one call. */
import { compilePolicy } from '../../src/deid/compile.ts';
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import { deidentify } from '../../src/deid/deidentify.ts';
import type { DeidKeys, Deidentified, MethodPlugin, ReferenceScope } from '../../src/deid/engine.ts';
import { readPolicy } from '../../src/deid/policy/read.ts';
import type { Resource } from '../../src/fhir/resource.ts';

export const scope: ReferenceScope = {
  instance: 'north',
  upTypes: new Set(['Patient', 'Observation', 'Encounter', 'QuestionnaireResponse', 'Bundle', 'DocumentReference']),
  downTypes: new Set(['Organization', 'Location']),
  urns: 'detach',
};

export const keys: DeidKeys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(7) };

export const asOf = new Date('2026-01-01T00:00:00Z');

/** What a policy may say beside its rules, and what the site says. */
export interface Setting {
  readonly default?: 'keep' | 'drop';
  readonly extends?: string;
  readonly extensions?: string;
  readonly modifierExtensions?: string;
  readonly labels?: boolean;
  readonly leakGuard?: string;
  readonly keys?: object;
  readonly scope?: Partial<ReferenceScope>;
  readonly plugins?: readonly MethodPlugin[];
}

/** Compiles `rules` under a setting, `default: keep` where it says nothing; throws when the policy is refused. */
export function policyOf(rules: readonly object[], setting: Setting = {}): CompiledPolicy {
  const { scope: scopeChange, plugins = [], ...said } = setting;
  const fallback = said.extends === undefined ? { default: 'keep' } : {};
  const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', ...fallback, ...said, rules });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return compilePolicy(reading.policy, { ...scope, ...scopeChange }, plugins);
}

/** `default: drop`, and with it `extensions: drop` and `modifierExtensions: withhold`. */
export const dropping = (rules: readonly object[], setting: Setting = {}): CompiledPolicy =>
  policyOf(rules, { default: 'drop', ...setting });

export const redact = (path: string, more: object = {}): object => ({ path, method: 'redact', ...more });
export const keep = (path: string, more: object = {}): object => ({ path, method: 'keep', ...more });
export const rule = (path: string, method: string, params?: object): object => ({
  path,
  method,
  ...(params === undefined ? {} : { params }),
});

export const run = (resource: unknown, policy: CompiledPolicy, at = asOf, by = keys): Deidentified =>
  deidentify(resource, policy, by, at);

/** The output, or an error that says why there is none. */
export function output(resource: unknown, policy: CompiledPolicy, at = asOf, by = keys): Resource {
  const result = run(resource, policy, at, by);
  if (result.kind === 'withheld') throw new Error(`withheld: ${result.reason}`);
  return result.resource;
}

/** Why there is no output; undefined where there is one. */
export const reasonOf = (resource: unknown, policy: CompiledPolicy): string | undefined => {
  const result = run(resource, policy);
  return result.kind === 'withheld' ? result.reason : undefined;
};

/** The output's members without those that every resource has: resourceType, id, meta. */
export function rest(resource: object, policy: CompiledPolicy, at = asOf, by = keys): Record<string, any> {
  const { resourceType: _type, id: _id, meta: _meta, ...others } = output(resource, policy, at, by);
  return others;
}

export const patient = (members: object = {}): Resource => ({ resourceType: 'Patient', id: 'p1', ...members });
export const observation = (members: object = {}): Resource => ({ resourceType: 'Observation', id: 'o1', ...members });
export const bundleOf = (...entry: object[]): Resource =>
  ({ resourceType: 'Bundle', id: 'b1', type: 'collection', entry }) as unknown as Resource;

/** Parsed JSON of `open` and `close`, `levels` deep. */
export const nested = (levels: number, open = '[', close = ']', inner = ''): unknown =>
  JSON.parse(open.repeat(levels) + inner + close.repeat(levels));
