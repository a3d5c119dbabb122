/**
 * The engine's entry: one resource in, one resource or a reason out. Whatever the policy says, the id becomes a
 * pseudonym, references are rewritten or detached, of `meta` only the portable part stays, and two tags say where the
 * resource came from and under which policy.
 */
import { idForm, typeForm } from '../fhir/resource.ts';
import type { Json, Resource } from '../fhir/resource.ts';
import type { CompiledPolicy } from './compile.ts';
import { tagSystems } from './engine.ts';
import type { DeidKeys, Deidentified, DeidReport, WithheldReason } from './engine.ts';
import { pseudonymId } from './pseudonym.ts';
import { settleLocalReferences } from './reference-rewrite.ts';
import { inspect, isObject, Withheld, withTags } from './shape.ts';
import { methodOf } from './walk-state.ts';
import type { Walk } from './walk-state.ts';
import { members } from './walk.ts';

/** The engine's one function. */
export type Deidentify = (resource: unknown, policy: CompiledPolicy, keys: DeidKeys, asOf: Date) => Deidentified;

const reportOf = (walk: Walk): DeidReport => ({
  taken: walk.taken,
  referencesPseudonymized: walk.pseudonymized,
  referencesDetached: walk.detached,
});

/**
 * De-identifies one resource as `JSON.parse` yields it, and trusts nothing about it. `asOf` is the time that ages are
 * counted at, given from outside so that the same call gives the same bytes tomorrow; no method needs it yet.
 */
export const deidentify: Deidentify = (resource, policy, keys, _asOf) => {
  const container = { type: '', id: '', present: new Set<string>(), local: [] };
  const walk: Walk = { policy, keys, taken: {}, pseudonymized: 0, detached: 0, container, answers: undefined };
  const withheld = (reason: WithheldReason): Deidentified => ({ kind: 'withheld', reason, report: reportOf(walk) });
  // unknown → Json: what follows asks for each value's type before it uses it.
  const value = resource as Json | undefined;
  if (!isObject(value)) return withheld('not-a-resource');
  const type = Object.hasOwn(value, 'resourceType') ? value.resourceType : undefined;
  const id = Object.hasOwn(value, 'id') ? value.id : undefined;
  if (typeof type !== 'string' || !typeForm.test(type)) return withheld('not-a-resource');
  if (typeof id !== 'string' || !idForm.test(id)) return withheld('not-a-resource');
  const state = policy.typeStates.get(type) ?? policy.anyTypeState;
  const rule = Math.min(policy.defaultRule, state.rule);
  walk.container = { type, id, present: new Set(), local: [] };
  try {
    if (methodOf(walk, rule) === 'drop-resource') {
      inspect(value, 1);
      walk.taken[rule] = 1;
      return withheld('policy-drops-type');
    }
    const newId = pseudonymId(keys, policy.scope.instance, type, id);
    const out = members(walk, value, newId, state, rule, 1);
    settleLocalReferences(walk);
    const tags = [
      { system: tagSystems.origin, code: policy.scope.instance },
      { system: tagSystems.policy, code: policy.digest },
    ];
    return { kind: 'resource', resource: withTags(out, tags) as Resource, report: reportOf(walk) };
  } catch (error) {
    if (error instanceof Withheld) return withheld(error.reason);
    throw error;
  }
};
