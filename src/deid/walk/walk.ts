/**
 * The one walk over a resource: follows the plan, decides on each key by a table look-up, copies only what changes. Never
 * changes its input, never goes deeper than `maxDepthLevels`, and ends early only by `Withheld`.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import { modes, unknownRank } from '../plan/child.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { isObject, Withheld } from '../shape.ts';
import { withAbsentReasons } from './absent.ts';
import type { Walk } from './context.ts';
import { count, keptLeaf } from './leaf.ts';
import { eachObject, leaves, withoutHoles } from './lists.ts';
import { rewriteEntryUrl, rewriteRequestUrl } from './literals.ts';
import { extension, object, sibling } from './object.ts';
import { hasTwoChoices } from './choices.ts';
import { constant, dropped } from './removal.ts';
import { embeddedResource, ownId, ownMeta } from './resource.ts';
import { unknown } from './unknown.ts';

/** Copies what passes of an object's members; the object itself where that is all, undefined where it is nothing. */
export function walkObject(walk: Walk, value: JsonObject, plan: ObjectPlan, depth: number): JsonObject | undefined {
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  const { trail } = walk;
  let out: JsonObject | undefined;
  let passed = 0;
  let lastRank = -2;
  let lastKey = '';
  let isOrdered = true;
  let lostModifier = false;
  let lostMember = false;
  let choices = 0;
  for (const key in value) {
    const child = walk.marks === undefined ? plan.child(key) : markedChild(walk, plan, value, key);
    const member = value[key] ?? null;
    trail?.push(key);
    const copy = walkMember(walk, child, member, value, depth);
    trail?.pop();
    if (copy === undefined) {
      lostMember = true;
      lostModifier ||= child.isModifier && losesMeaning(walk, child, member);
    } else {
      passed++;
      const { rank } = child;
      if (child.isChoice) choices++;
      if (rank < lastRank || (rank === unknownRank && lastRank === unknownRank && key < lastKey)) isOrdered = false;
      lastRank = rank;
      lastKey = key;
    }
    if (out === undefined) {
      if (copy === member) continue;
      out = begun(value, key);
    }
    if (copy !== undefined) out[key] = copy;
  }
  if (passed === 0) return undefined;
  // Below an element whose modifierExtension did not pass, nothing of the element may pass either.
  if (lostModifier) throw new Withheld('modifier-extension');
  let result = out ?? value;
  if (choices > 1 && hasTwoChoices(result, plan)) throw new Withheld('wrong-json-type');
  if (walk.hasHoles) {
    walk.hasHoles = false;
    result = withoutHoles(result);
  }
  if (lostMember && plan.required.length > 0) {
    const filled = withAbsentReasons(value, result, plan.required);
    if (filled === undefined) return undefined;
    if (filled !== result) isOrdered = false;
    result = filled;
  }
  return isOrdered ? result : ordered(result, plan);
}

/** The child under the rule that was found to apply to this key; what stands beside a marked value goes with it. */
function markedChild(walk: Walk, plan: ObjectPlan, value: JsonObject, key: string): Child {
  const child = plan.child(key);
  const marks = walk.marks?.leaves.get(value);
  const mark = marks?.get(key) ?? (child.mode === modes.sibling ? marks?.get(key.slice(1)) : undefined);
  return mark === undefined ? child : child.under(mark);
}

/** A copy of the members before `key`, all of which have passed as they are. */
function begun(value: JsonObject, key: string): JsonObject {
  const out: JsonObject = {};
  for (const before in value) {
    if (before === key) break;
    out[before] = value[before] ?? null;
  }
  return out;
}

/** The members in R4's order, what R4 does not have after them by code unit. */
function ordered(value: JsonObject, plan: ObjectPlan): JsonObject {
  const keys = Object.keys(value).map((key) => ({ key, rank: plan.child(key).rank }));
  keys.sort((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : 1));
  const out: JsonObject = {};
  for (const { key } of keys) out[key] = value[key] ?? null;
  return out;
}

/** Whether a modifierExtension that went leaves a meaning behind that is not the source's: unless a rule took it. */
const losesMeaning = ({ policy }: Walk, child: Child, member: Json): boolean =>
  member !== null && child.rule >= policy.fallbacks.keep && policy.document.modifierExtensions !== 'drop';

/** One member by its mode. `owner` is the object that holds it. */
function walkMember(walk: Walk, child: Child, value: Json, owner: JsonObject, depth: number): Json | undefined {
  switch (child.mode) {
    case modes.keep:
      if (child.isArray) return leaves(walk, child, value, depth);
      return value === null ? undefined : keptLeaf(walk, child, value);
    case modes.change:
      return leaves(walk, child, value, depth);
    case modes.drop:
      return removedOrMarked(walk, child, value, depth);
    case modes.object:
      if (!child.isArray && isObject(value)) return object(walk, child, value, depth + 1);
      return eachObject(walk, child, value, depth, object);
    case modes.extension:
      return eachObject(walk, child, value, depth, extension);
    case modes.sibling:
      return sibling(walk, child, value, owner[child.key.slice(1)], depth);
    case modes.resource:
      return eachObject(walk, child, value, depth, embeddedResource);
    case modes.unknown:
      return unknown(walk, child, value, depth + 1);
    case modes.substitute:
      return substituted(walk, child, value, depth);
    case modes.type:
      return value;
    case modes.id:
      return ownId(walk, value);
    case modes.meta:
      return ownMeta(walk, child, value, depth);
    case modes.refused:
      throw new Withheld('wrong-json-type');
    default:
      return address(walk, child, value);
  }
}

/** Removed, but for single values of a list that a rule was found to let pass. */
function removedOrMarked(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  const isMarked = walk.marks !== undefined && Array.isArray(value) && walk.marks.leaves.has(value);
  return isMarked && child.isArray && child.jsonKind !== 'any'
    ? leaves(walk, child, value, depth)
    : dropped(walk, child, value, depth + 1);
}

function substituted(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (child.isArray && !Array.isArray(value)) throw new Withheld('wrong-json-type');
  if (!Array.isArray(value)) return constant(walk, child, value, depth + 1);
  return value.length === 0 ? undefined : value.map((member) => constant(walk, child, member, depth + 2));
}

/** A Reference's text, which is rewritten with what stands beside it; or an address in a Bundle, rewritten here. */
function address(walk: Walk, child: Child, value: Json): Json | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') throw new Withheld('wrong-json-type');
  count(walk, child.rule);
  if (child.mode === modes.literal) return value;
  return child.mode === modes.fullUrl ? rewriteEntryUrl(walk, value) : rewriteRequestUrl(walk, value);
}
