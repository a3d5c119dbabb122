/**
 * The one walk over a resource: follows the rules' states, decides on each node and builds fresh output. Never changes
 * its input, never recurses deeper than `maxDepthLevels`, and ends early only by `Withheld`.
 */
import { typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject } from '../fhir/resource.ts';
import { answersToRedact } from './answers.ts';
import { maxDepthLevels } from './engine.ts';
import { dead, noRule } from './path-state.ts';
import type { PathState } from './path-state.ts';
import { pseudonym, pseudonymId } from './pseudonym.ts';
import { rewriteReference, settleLocalReferences } from './reference-rewrite.ts';
import { hiddenTarget, isReferenceStill, looksLikeReference } from './references.ts';
import { elementOfKey, inspect, isObject, orderedKeys, portableMeta, Withheld } from './shape.ts';
import { idOf, localIdOf, methodOf, removes } from './walk-state.ts';
import type { Walk } from './walk-state.ts';

/** Drops a value whole, after a look for what would withhold the resource. */
function drop(walk: Walk, value: Json, rule: number, depth: number): Json | undefined {
  inspect(value, depth);
  walk.taken[rule] = (walk.taken[rule] ?? 0) + 1;
  return undefined;
}

/** Whether an earlier rule may let something pass below a node that `rule` removes. */
const passesBelow = (walk: Walk, state: PathState, rule: number): boolean =>
  state.passing < rule || walk.policy.passingAnywhere < rule;

function primitive(walk: Walk, key: string, value: string | number | boolean, rule: number): Json | undefined {
  const method = methodOf(walk, rule);
  if (removes(method)) return drop(walk, value, rule, 0);
  const { scope } = walk.policy;
  if (method === 'pseudonymize') {
    walk.taken[rule] = (walk.taken[rule] ?? 0) + 1;
    return pseudonym(walk.keys, 'value', [scope.instance, walk.policy.rules[rule]?.domain ?? '', String(value)]);
  }
  if (typeof value !== 'string') return value;
  const target = hiddenTarget(value, key, scope);
  return target === undefined
    ? value
    : `${target.type}/${pseudonymId(walk.keys, scope.instance, target.type, target.id)}`;
}

function list(
  walk: Walk,
  key: string,
  values: Json[],
  state: PathState,
  rule: number,
  depth: number,
): Json | undefined {
  // `given` and `_given` are parallel lists: positions count, so a hole stays a null there.
  const out: Json[] = [];
  let filled = false;
  for (const value of values) {
    const copy = value === null ? null : node(walk, key, value, state, rule, depth + 1);
    if (copy === null || (copy === undefined && key.startsWith('_'))) out.push(null);
    else if (copy !== undefined) {
      out.push(copy);
      filled = true;
    }
  }
  return filled ? out : undefined;
}

/** One node under the rule that has won on it so far; undefined when nothing of it passes. */
function node(walk: Walk, key: string, value: Json, state: PathState, rule: number, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object') return primitive(walk, key, value, rule);
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  const method = methodOf(walk, rule);
  if (removes(method) && !passesBelow(walk, state, rule)) return drop(walk, value, rule, depth);
  if (Array.isArray(value)) return list(walk, key, value, state, rule, depth);
  // A pseudonym is of a plain value; an object in its place is not what the rule's author saw.
  if (method === 'pseudonymize') return drop(walk, value, rule, depth);
  if (typeof value.resourceType === 'string') {
    return removes(method) ? drop(walk, value, rule, depth) : embedded(walk, key, value, state, depth);
  }
  const joined = walk.policy.join(state, walk.policy.referenceState);
  if (!looksLikeReference(value)) {
    const copy = object(walk, value, state, rule, depth);
    return joined === state || copy === undefined || !looksLikeReference(copy)
      ? copy
      : turnedReference(walk, copy, rule);
  }
  const won = Math.min(rule, joined.rule);
  if (removes(methodOf(walk, won)) && !passesBelow(walk, joined, won)) return drop(walk, value, won, depth);
  const copy = rewriteReference(walk, value, object(walk, value, joined, won, depth));
  // What passed as part of a reference must still be one.
  const astray = copy !== undefined && removes(methodOf(walk, rule)) && !isReferenceStill(copy);
  return astray ? drop(walk, value, rule, depth) : copy;
}

/**
 * What is left of an object looks like a reference, a Coding without its code for one: whoever reads the output sees a
 * display where the policy removes displays. What the rules on references speak of goes, whole: a second walk at each
 * level would be exponential work for whoever sends such objects nested.
 */
function turnedReference(walk: Walk, copy: JsonObject, rule: number): JsonObject | undefined {
  const { referenceState } = walk.policy;
  if (removes(methodOf(walk, Math.min(rule, referenceState.rule)))) return undefined;
  const kept = Object.entries(copy).filter(([key]) => !referenceState.next.has(elementOfKey(key)));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Copies what passes of an object's members; undefined when that is nothing. */
function object(walk: Walk, value: JsonObject, state: PathState, rule: number, depth: number): JsonObject | undefined {
  const out: JsonObject = {};
  let filled = false;
  let lostModifier = false;
  const answers = walk.answers?.get(value);
  for (const key of orderedKeys(value)) {
    const copy = property(
      walk,
      key,
      value[key] ?? null,
      state,
      rule,
      depth,
      elementOfKey(key) === 'answer' ? answers : undefined,
    );
    if (copy !== undefined) {
      out[key] = copy;
      filled = true;
    } else if (key === 'modifierExtension') lostModifier ||= losesMeaning(walk, state, value[key]);
  }
  if (!filled) return undefined;
  if (lostModifier) throw new Withheld('modifier-extension');
  return out;
}

/** An element must not stay behind without its modifier, unless a rule names the modifier itself. */
const losesMeaning = (walk: Walk, state: PathState, modifier: Json | undefined): boolean =>
  modifier !== null &&
  (state.next.get('modifierExtension') ?? dead).rule === noRule &&
  !walk.policy.names.has('modifierExtension');

/** One member of an object: finds the rule that wins on it. `answers` is the rule that takes it as an answer. */
function property(
  walk: Walk,
  key: string,
  value: Json,
  state: PathState,
  rule: number,
  depth: number,
  answers?: number,
): Json | undefined {
  const name = elementOfKey(key);
  const next = state === dead ? dead : (state.next.get(name) ?? dead);
  const won = Math.min(rule, next.rule, walk.policy.names.get(name) ?? noRule, answers ?? noRule);
  if (key === 'reference' && !isObject(value)) {
    // rewriteReference sees to a text; anything else here is no reference, and could be one in disguise.
    if (typeof value === 'string') return removes(methodOf(walk, won)) ? drop(walk, value, won, 0) : value;
    if (!Array.isArray(value) || !value.every(isObject)) return drop(walk, value, won, depth + 1);
  }
  // The extensions beside a value may repeat it in clear.
  if (key !== name && methodOf(walk, won) === 'pseudonymize') return drop(walk, value, won, depth + 1);
  return node(walk, key, value, next, won, depth + 1);
}

/**
 * A resource inside another: judged by its own type's rules and those of the path it stands at, from the policy's
 * default. What holds for its container (`keep` of the whole type) does not hold for it.
 */
function embedded(walk: Walk, key: string, value: JsonObject, at: PathState, depth: number): Json | undefined {
  const type = value.resourceType;
  const id = value.id;
  const { policy } = walk;
  if (typeof type !== 'string' || !typeForm.test(type)) return drop(walk, value, policy.dropByDefault, depth);
  const state = policy.join(at, policy.typeStates.get(type) ?? policy.anyTypeState);
  const own = (policy.typeStates.get(type) ?? policy.anyTypeState).rule;
  const rule = Math.min(policy.defaultRule, own);
  if (methodOf(walk, rule) === 'drop-resource') return drop(walk, value, rule, depth);
  const contained = key === 'contained';
  const newId = typeof id !== 'string' ? undefined : contained ? localIdOf(walk, id) : idOf(walk, type, id);
  if (contained && newId !== undefined) walk.container.present.add(newId);
  if (contained) return members(walk, value, newId, state, rule, depth);
  const outer = walk.container;
  walk.container = { type, id: typeof id === 'string' ? id : '', present: new Set(), local: [] };
  const out = members(walk, value, newId, state, rule, depth);
  settleLocalReferences(walk);
  walk.container = outer;
  return out;
}

/** A resource's members, with the id it gets and what passes of its `meta`. */
export function members(
  walk: Walk,
  value: JsonObject,
  id: string | undefined,
  state: PathState,
  rule: number,
  depth: number,
): JsonObject {
  const out: JsonObject = { resourceType: value.resourceType ?? null };
  if (id !== undefined) out.id = id;
  const outerAnswers = walk.answers;
  walk.answers = answersToRedact(value, walk.policy);
  let lostModifier = false;
  for (const key of orderedKeys(value)) {
    const member = value[key] ?? null;
    const name = elementOfKey(key);
    // A resource is no reference: a text under that key would go unread.
    const misplaced = key === 'reference' && typeof member === 'string';
    if (name === 'resourceType' || name === 'id' || key === '_meta' || misplaced) {
      inspect(member, depth + 1);
      continue;
    }
    if (key === 'meta') inspect(member, depth + 1);
    // What is left of meta passes by default: the origin and the profile are what the hub sorts by.
    const copy =
      key === 'meta'
        ? property(walk, key, portableMeta(member), state, keepInstead(walk, rule), depth)
        : property(walk, key, member, state, rule, depth);
    if (copy !== undefined) out[key] = copy;
    else if (key === 'modifierExtension') lostModifier ||= losesMeaning(walk, state, member);
  }
  if (lostModifier) throw new Withheld('modifier-extension');
  walk.answers = outerAnswers;
  return out;
}

const keepInstead = (walk: Walk, rule: number): number =>
  rule === walk.policy.dropByDefault ? walk.policy.keepByDefault : rule;
