/** What the tests of src/deid share: a site, its keys, and a policy in one call. */
import { compilePolicy } from '../../src/deid/compile.ts';
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import { deidentify } from '../../src/deid/deidentify.ts';
import type { DeidKeys, Deidentified, ReferenceScope } from '../../src/deid/engine.ts';
import { readPolicy } from '../../src/deid/read-policy.ts';
import type { Resource } from '../../src/fhir/resource.ts';

export const scope: ReferenceScope = {
  instance: 'north',
  upTypes: new Set(['Patient', 'Observation', 'Encounter', 'QuestionnaireResponse', 'Bundle', 'DocumentReference']),
  downTypes: new Set(['Organization', 'Location']),
};

export const keys: DeidKeys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(7) };

export const asOf = new Date('2026-01-01T00:00:00Z');

/** Compiles `rules` under a default; throws when the policy is refused. */
export function policyOf(
  rules: readonly object[],
  fallback: 'keep' | 'drop' = 'keep',
  extending?: string,
): CompiledPolicy {
  const extended = extending === undefined ? {} : { extends: extending };
  const reading = readPolicy({ apiVersion: 'fhir-sluice/v1', ...extended, default: fallback, rules });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return compilePolicy(reading.policy, scope);
}

export const redact = (path: string): object => ({ path, method: 'redact' });
export const keep = (path: string): object => ({ path, method: 'keep' });

export const run = (resource: unknown, policy: CompiledPolicy): Deidentified =>
  deidentify(resource, policy, keys, asOf);

/** The output, or an error that says why there is none. */
export function output(resource: unknown, policy: CompiledPolicy): Resource {
  const result = run(resource, policy);
  if (result.kind === 'withheld') throw new Error(`withheld: ${result.reason}`);
  return result.resource;
}
