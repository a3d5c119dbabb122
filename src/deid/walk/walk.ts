/**
 * The one walk over a resource: follows the plan, decides on each key by a table look-up, copies only what changes. Never
 * changes its input, never goes deeper than `maxDepthLevels`, and ends early only by `Withheld`.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { absentReason, maxDepthLevels } from '../engine.ts';
import { unknownRank, modes } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import type { ObjectPlan } from '../plan/child.ts';
import { looksLikeReference } from '../references.ts';
import { inspect, isObject, Withheld } from '../shape.ts';
import { withAbsentReasons } from './absent.ts';
import { labelBits } from './context.ts';
import type { Walk } from './context.ts';
import { collectDisplay, collectRemoved } from './guard-words.ts';
import { changedLeaf, count, keptLeaf, unknownLeaf } from './leaf.ts';
import { rewriteFullUrl, rewriteReference, rewriteRequestUrl } from './literals.ts';
import { embeddedResource, ownId, ownMeta } from './resource.ts';

/** Removes a value with all that is below it, after a look for what would withhold the resource. */
export function dropped(walk: Walk, child: Child, value: Json, depth: number): undefined {
  count(walk, child.rule);
  walk.labels |= labelBits.redacted;
  if (typeof value === 'object') inspect(value, depth);
  if (walk.trace !== undefined) collectRemoved(walk, child, value);
  return undefined;
}

/** Below an element of a modifierExtension that did not pass, nothing of the element may pass either. */
const modifierLost = new Withheld('modifier-extension');

/** Copies what passes of an object's members; the object itself where that is all, undefined where it is nothing. */
export function walkObject(walk: Walk, value: JsonObject, plan: ObjectPlan, depth: number): JsonObject | undefined {
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  const trail = walk.trail;
  let out: JsonObject | undefined;
  let passed = 0;
  let lastRank = -2;
  let lastKey = '';
  let isOrdered = true;
  let lostModifier = false;
  let lostMember = false;
  for (const key in value) {
    let child = plan.child(key);
    const member = value[key] ?? null;
    const mark = walk.marks?.leaves.get(value)?.get(key);
    if (mark !== undefined) child = child.under(mark);
    trail?.push(key);
    const copy = walkMember(walk, child, member, depth);
    trail?.pop();
    if (copy === undefined) {
      lostMember = true;
      lostModifier ||= child.isModifier && losesMeaning(walk, child, member);
    }
    if (copy !== undefined) {
      passed++;
      const { rank } = child;
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
  if (lostModifier) throw modifierLost;
  let result = out ?? value;
  if (lostMember && plan.required.length > 0) {
    const filled = withAbsentReasons(value, result, plan.required);
    if (filled === undefined) return undefined;
    if (filled !== result) isOrdered = false;
    result = filled;
  }
  return isOrdered ? result : ordered(result, plan);
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

/** One member by its mode. */
function walkMember(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  switch (child.mode) {
    case modes.keep:
      if (child.isArray) return leaves(walk, child, value, depth);
      return value === null ? undefined : keptLeaf(walk, child, value);
    case modes.change:
      return leaves(walk, child, value, depth);
    case modes.drop:
      return removedOrMarked(walk, child, value, depth);
    case modes.object:
      return eachObject(walk, child, value, depth, object);
    case modes.extension:
      return eachObject(walk, child, value, depth, extension);
    case modes.sibling:
      return sibling(walk, child, value, depth);
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
    case modes.literal:
      return literal(walk, child, value);
    default:
      return address(walk, child, value);
  }
}

/** Removed, but for single values of a list that a rule was found to let pass. */
function removedOrMarked(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  const isMarked = walk.marks !== undefined && Array.isArray(value) && walk.marks.leaves.has(value);
  return isMarked && child.isArray ? leaves(walk, child, value, depth) : dropped(walk, child, value, depth + 1);
}

/** A primitive, or a list of them. */
function leaves(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (!child.isArray) {
    if (value === null) return undefined;
    return leaf(walk, child, value);
  }
  if (value === null) return undefined;
  if (!Array.isArray(value)) throw new Withheld('wrong-json-type');
  if (depth + 1 > maxDepthLevels) throw new Withheld('too-deep');
  const marks = walk.marks?.leaves.get(value);
  let isChanged = false;
  let filled = 0;
  const out: Json[] = [];
  for (let index = 0; index < value.length; index++) {
    const member = value[index] ?? null;
    // `given` and `_given` are parallel lists: positions count, so a hole stays a null where the value's sibling passes.
    if (member === null) {
      out.push(null);
      continue;
    }
    walk.trail?.push(index);
    const copy = leaf(walk, child.under(marks?.get(String(index)) ?? child.rule), member);
    walk.trail?.pop();
    if (copy !== member) isChanged = true;
    if (copy !== undefined) {
      out.push(copy);
      filled++;
    }
  }
  if (filled === 0) return undefined;
  return isChanged ? out : value;
}

function leaf(walk: Walk, child: Child, value: Json): Json | undefined {
  if (child.mode === modes.keep) return keptLeaf(walk, child, value);
  return child.mode === modes.change ? changedLeaf(walk, child, value) : dropped(walk, child, value, 0);
}

type WalkOne = (walk: Walk, child: Child, value: JsonObject, depth: number) => Json | undefined;

/** An object, or a list of them: whatever else stands there is not what R4 has. */
function eachObject(walk: Walk, child: Child, value: Json, depth: number, one: WalkOne): Json | undefined {
  if (value === null) return undefined;
  if (!child.isArray) {
    if (!isObject(value)) throw new Withheld('wrong-json-type');
    return one(walk, child, value, depth + 1);
  }
  if (!Array.isArray(value)) throw new Withheld('wrong-json-type');
  let out: Json[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const member = value[index] ?? null;
    if (!isObject(member)) throw new Withheld('wrong-json-type');
    walk.trail?.push(index);
    const copy = one(walk, child, member, depth + 2);
    walk.trail?.pop();
    if (out === undefined) {
      if (copy === member) continue;
      out = value.slice(0, index);
    }
    if (copy !== undefined) out.push(copy);
  }
  if (out === undefined) return value.length === 0 ? undefined : value;
  return out.length === 0 ? undefined : out;
}

/** The child under the rule that a mark puts on this very object. */
const markedAs = (walk: Walk, child: Child, value: JsonObject): Child => {
  const mark = walk.marks?.objects.get(value);
  return mark === undefined ? child : child.under(mark);
};

/** The child's plan under the conditions that hold for this object. */
function planOf(child: Child, value: JsonObject): ObjectPlan {
  const plan = child.plan();
  const { pending } = plan.arrival;
  if (pending.length === 0) return plan;
  const held = pending.flatMap(({ conditions }, index) =>
    conditions.every(({ path, equals }) => holds(value, path, equals, 0)) ? [index] : [],
  );
  return plan.variant(held);
}

function holds(value: Json | undefined, path: readonly string[], equals: string, at: number): boolean {
  if (Array.isArray(value)) return value.some((member) => holds(member, path, equals, at));
  const step = path[at];
  if (step === undefined) return typeof value === 'object' ? false : String(value) === equals;
  if (!isObject(value) || !Object.hasOwn(value, step)) return false;
  return holds(value[step], path, equals, at + 1);
}

/** An object of an R4 type. */
function object(walk: Walk, outer: Child, value: JsonObject, depth: number): Json | undefined {
  const child = walk.marks === undefined ? outer : markedAs(walk, outer, value);
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  const plan = planOf(child, value);
  if (child.mode === modes.substitute) return constant(walk, child, value, depth);
  // A resource where R4 has a data type (Aidbox's own form of a reference) holds an id that no rule would see.
  if (typeof value.resourceType === 'string') throw new Withheld('wrong-json-type');
  const { replacement } = plan;
  if (replacement !== undefined) {
    return constant(walk, { ...child, leaf: replacement.with, rule: plan.winner }, value, depth);
  }
  if (plan.type === 'Bundle.entry') walk.entryId = entryIdOf(value);
  const copy = walkObject(walk, value, plan, depth);
  if (plan.type !== 'Reference') return copy;
  // Whether a display names a person is told by the reference beside it, which its own leaf does not see.
  if (walk.trace !== undefined && copy?.display !== value.display) collectDisplay(walk, child, value);
  return copy === undefined ? undefined : rewriteReference(walk, value, copy);
}

/** The id that a Bundle entry's resource will have where it has none yet: what others point at it by. */
function entryIdOf({ fullUrl }: JsonObject): string {
  return typeof fullUrl === 'string'
    ? fullUrl.slice(Math.max(fullUrl.lastIndexOf(':'), fullUrl.lastIndexOf('/')) + 1)
    : '';
}

/** An extension: a known one by its rules, an unknown one by what the policy says of those. */
function extension(walk: Walk, outer: Child, value: JsonObject, depth: number): Json | undefined {
  const child = walk.marks === undefined ? outer : markedAs(walk, outer, value);
  const { fallbacks } = walk.policy;
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  const plan = planOf(child, value);
  if (plan.winner === fallbacks.extensionWithhold) {
    throw new Withheld(child.isModifier ? 'modifier-extension' : 'extension');
  }
  if (plan.winner === fallbacks.extensionDrop) {
    const known = absentReasonOf(value);
    dropped(walk, { ...child, rule: plan.winner }, value, depth);
    return known;
  }
  const copy = walkObject(walk, value, plan, depth);
  // A url alone says nothing.
  return copy !== undefined && Object.keys(copy).every((key) => key === 'url' || key === 'id') ? undefined : copy;
}

const reasonForm = /^[a-z][a-z-]{0,30}$/;

/** HL7's data-absent-reason passes wherever it stands, cut down to its code: it says that there is nothing. */
function absentReasonOf({ url, valueCode }: JsonObject): JsonObject | undefined {
  if (url !== absentReason.url || typeof valueCode !== 'string' || !reasonForm.test(valueCode)) return undefined;
  return { url, valueCode };
}

/** What stands beside primitives: an Element, or a list of them with holes. */
function sibling(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (!child.isArray) {
    if (!isObject(value)) throw new Withheld('wrong-json-type');
    return walkObject(walk, value, child.plan(), depth + 1);
  }
  if (!Array.isArray(value)) throw new Withheld('wrong-json-type');
  let filled = false;
  let isChanged = false;
  const out = value.map((member): Json => {
    if (member === null) return null;
    if (!isObject(member)) throw new Withheld('wrong-json-type');
    const copy = walkObject(walk, member, child.plan(), depth + 2) ?? null;
    filled ||= copy !== null;
    isChanged ||= copy !== member;
    return copy;
  });
  if (!filled) return undefined;
  return isChanged ? out : value;
}

function substituted(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (child.isArray && !Array.isArray(value)) throw new Withheld('wrong-json-type');
  if (!Array.isArray(value)) return constant(walk, child, value, depth + 1);
  return value.length === 0 ? undefined : value.map((member) => constant(walk, child, member, depth + 2));
}

/** The constant in a value's place. What was there counts as removed. */
function constant(walk: Walk, child: Child, value: Json, depth: number): Json {
  dropped(walk, child, value, depth);
  walk.labels |= labelBits.substituted;
  return child.leaf as Json;
}

function literal(walk: Walk, child: Child, value: Json): Json | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') throw new Withheld('wrong-json-type');
  count(walk, child.rule);
  return value;
}

/** An address in a Bundle that names an entry's resource. */
function address(walk: Walk, child: Child, value: Json): Json | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') throw new Withheld('wrong-json-type');
  count(walk, child.rule);
  return child.mode === modes.fullUrl ? rewriteFullUrl(walk, value) : rewriteRequestUrl(walk, value);
}

/** What R4 does not have, by its shape: lists and objects are gone through, references recognised. */
function unknown(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) {
    const out = value.flatMap((member) => unknown(walk, child, member, depth + 1) ?? []);
    return out.length === 0 ? undefined : out;
  }
  if (!isObject(value)) return unknownLeaf(walk, child, value);
  if (typeof value.resourceType === 'string') return embeddedResource(walk, child, value, depth);
  if (looksLikeReference(value)) return eachObject(walk, child.shapedAs('Reference'), value, depth, object);
  return walkObject(walk, value, child.plan(), depth);
}
