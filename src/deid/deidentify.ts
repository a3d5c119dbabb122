/**
 * The engine's entry: one resource in, one resource or a reason out, and what the leak guard needs. Whatever the policy
 * says, ids become pseudonyms, references are rewritten or detached, of `meta` only the portable part stays, and tags say
 * where the resource came from, under which policy and key.
 */
import { idForm, typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject, Resource } from '../fhir/resource.ts';
import type { CompiledPolicy } from './compiled.ts';
import type { DeidKeys, Deidentified, DeidReport, GuardTrace, WithheldReason } from './engine.ts';
import { tagSystems } from './engine.ts';
import { createWordHasher } from './guard/hash.ts';
import { FrontMemo } from './guard/memo.ts';
import { keysFor } from './keys.ts';
import { idOf } from './walk/literals.ts';
import { inspect, isObject, Withheld } from './shape.ts';
import type { Walk, WalkKeys } from './walk/context.ts';
import { withoutCrowdedText } from './walk/crowded.ts';
import { count } from './walk/leaf.ts';
import { traceRemoved } from './walk/removed-resource.ts';
import { wholeResource } from './walk/resource.ts';
import { contentId, finished } from './walk/trace.ts';
import { walkObject } from './walk/walk.ts';

/** The traces of a resource of which nothing passes, wherever its walk has ended. */
function wordsOfAll(walk: Walk, value: JsonObject, type: string, id: string | undefined): GuardTrace[] {
  const whole = newWalk(walk.policy, walk.keys, walk.asOf);
  traceRemoved(whole, value, type, id ?? contentId(value));
  return finished(whole);
}

/** The engine's one function. */
export type Deidentify = (resource: unknown, policy: CompiledPolicy, keys: DeidKeys, asOf: Date) => Deidentified;

/** The walk's counts, by rule when somebody asks: most callers of most resources do not. */
class Report implements DeidReport {
  readonly referencesPseudonymized: number;
  readonly referencesDetached: number;
  readonly #rules: readonly number[];
  readonly #counts: readonly number[];

  /** Leaves the walk's room for counts zeroed. */
  constructor({ touched, taken, pseudonymized, detached }: Walk) {
    this.referencesPseudonymized = pseudonymized;
    this.referencesDetached = detached;
    this.#rules = touched;
    this.#counts = touched.map((rule) => taken[rule] ?? 0);
    for (const rule of touched) taken[rule] = 0;
  }

  get taken(): Readonly<Record<number, number>> {
    return Object.fromEntries(this.#rules.map((rule, at) => [rule, this.#counts[at] ?? 0]));
  }
}

const reportOf = (walk: Walk): DeidReport => new Report(walk);

/** Enough for the references of a batch. */
const rewrittenSlots = 8_192;
const walkKeys = new WeakMap<DeidKeys, WeakMap<CompiledPolicy, WalkKeys>>();

/** The keys by what a policy uses them for. Throws where it names a version that is not held. */
function keysOf(keys: DeidKeys, policy: CompiledPolicy): WalkKeys {
  let known = walkKeys.get(keys);
  if (known === undefined) walkKeys.set(keys, (known = new WeakMap<CompiledPolicy, WalkKeys>()));
  let found = known.get(policy);
  if (found === undefined) {
    const { document } = policy;
    const pseudonym = keysFor(keys, document, 'pseudonym');
    found = {
      pseudonym,
      hasher: createWordHasher(pseudonym),
      tags: [
        { system: tagSystems.origin, code: policy.scope.instance },
        { system: tagSystems.policy, code: policy.digest },
        { system: tagSystems.key, code: `pseudonym/${String(pseudonym.pseudonymKeyVersion)}` },
      ],
      cryptoHash: keysFor(keys, document, 'cryptoHash'),
      dateShift: keysFor(keys, document, 'dateShift'),
      perturb: keysFor(keys, document, 'perturb'),
      encrypt: keysFor(keys, document, 'encrypt'),
      rewritten: new FrontMemo<string>(rewrittenSlots),
      taken: new Uint32Array(policy.rules.length),
    };
    known.set(policy, found);
  }
  return found;
}

const noContainer = { type: '', id: '', present: undefined, local: undefined };

const newWalk = (policy: CompiledPolicy, keys: WalkKeys, asOf: Date): Walk => ({
  policy,
  keys,
  asOf,
  taken: keys.taken,
  touched: [],
  traces: [],
  pseudonymized: 0,
  detached: 0,
  labels: 0,
  container: noContainer,
  newId: undefined,
  entryId: '',
  entries: undefined,
  patient: '',
  hasHoles: false,
  trace: undefined,
  marks: undefined,
  trail: policy.needsPlace ? [] : undefined,
  walkObject,
});

/**
 * De-identifies one resource as `JSON.parse` yields it, and trusts nothing about it. `asOf` is the time that ages are
 * counted at, given from outside so that the same call gives the same bytes tomorrow. The output shares what did not
 * change with the input: neither may be changed afterwards.
 */
export const deidentify: Deidentify = (resource, policy, keys, asOf) => {
  if (Number.isNaN(asOf.getTime())) throw new RangeError('as-of time: expected a valid date');
  const walk = newWalk(policy, keysOf(keys, policy), asOf);
  const withheld = (reason: WithheldReason, traces = finished(walk)): Deidentified => ({
    kind: 'withheld',
    reason,
    report: reportOf(walk),
    traces,
  });
  // unknown → Json: what follows asks for each value's type before it uses it.
  const value = resource as Json | undefined;
  if (!isObject(value)) return withheld('not-a-resource');
  const type = Object.hasOwn(value, 'resourceType') ? value.resourceType : undefined;
  const id = Object.hasOwn(value, 'id') ? value.id : undefined;
  if (typeof type !== 'string' || !typeForm.test(type)) return withheld('not-a-resource');
  // A stream's resources have ids; a file's may not have been stored yet, and a Bundle seldom is.
  const mayLackId = type === 'Bundle' || policy.scope.urns === 'rename';
  if (id !== undefined && (typeof id !== 'string' || !idForm.test(id))) return withheld('not-a-resource');
  if (id === undefined && !mayLackId) return withheld('not-a-resource');
  try {
    const plan = policy.planner.resource(type);
    if (plan === undefined) {
      inspect(value, 1);
      return withheld('unknown-type', wordsOfAll(walk, value, type, id));
    }
    const isRemoved = plan.winner < policy.fallbacks.keep && policy.rules[plan.winner]?.passes !== true;
    if (isRemoved) {
      inspect(value, 1);
      count(walk, plan.winner);
      return withheld('policy-drops-type', wordsOfAll(walk, value, type, id));
    }
    const newId = typeof id === 'string' ? idOf(walk, type, id) : undefined;
    const out = wholeResource(walk, value, plan, { type, id: id ?? contentId(value), newId }, 1);
    const guarded = withoutCrowdedText(walk, out as Resource, keys);
    return { kind: 'resource', resource: guarded, report: reportOf(walk), traces: finished(walk) };
  } catch (error) {
    if (error instanceof Withheld) return withheld(error.reason, wordsOfAll(walk, value, type, id));
    reportOf(walk);
    throw error;
  }
};
