/** Objects of R4's types: data types and backbone elements, extensions, and what stands beside primitives. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { absentReason, absentReasonCodes } from '../engine.ts';
import { modes } from '../plan/child.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { inspect, isObject, portableMeta, Withheld } from '../shape.ts';
import { markedAs, resolved } from './conditions.ts';
import { entryIdOf } from './bundle-entries.ts';
import type { Walk } from './context.ts';
import { collectDisplay } from './guard-words.ts';
import { rewriteReference } from './literals.ts';
import { notePatient } from './named-patients.ts';
import { constant, dropped } from './removal.ts';

/** The constant that a rule under a condition puts in an object's place. */
const whole = (walk: Walk, child: Child, plan: ObjectPlan, value: JsonObject, depth: number): Json =>
  constant(walk, { ...child, leaf: plan.replacement?.with, rule: plan.winner }, value, depth);

/** An object of an R4 type. */
export function object(walk: Walk, outer: Child, value: JsonObject, depth: number): Json | undefined {
  const child = walk.marks === undefined ? outer : markedAs(walk, outer, value);
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  if (child.mode === modes.substitute) return constant(walk, child, value, depth);
  const plan = resolved(child.plan(), value);
  if (plan.replacement !== undefined) return whole(walk, child, plan, value, depth);
  if (plan.type === 'Bundle.entry') walk.entryId = entryIdOf(value);
  if (plan.type === 'Meta') return walk.walkObject(walk, soundMeta(value, depth), plan, depth);
  const copy = walk.walkObject(walk, value, plan, depth);
  if (plan.type !== 'Reference') return copy;
  if (walk.trace !== undefined) notePatient(walk, value);
  // Whether a display names a person is told by the reference beside it, which its own leaf does not see.
  if (walk.trace !== undefined && copy?.display !== value.display) collectDisplay(walk, child, value);
  const rewritten = copy === undefined ? undefined : rewriteReference(walk, copy);
  return rewritten === undefined || isEmpty(rewritten) ? undefined : rewritten;
}

function isEmpty(value: JsonObject): boolean {
  for (const _key in value) return false;
  return true;
}

function isUrlAlone(value: JsonObject): boolean {
  for (const key in value) if (key !== 'url' && key !== 'id') return false;
  return true;
}

/** A Meta in an extension holds what a resource's holds, and no more of it passes. */
function soundMeta(value: JsonObject, depth: number): JsonObject {
  inspect(value, depth);
  return portableMeta(value);
}

/** An extension: a known one by its rules, an unknown one by what the policy says of those. */
export function extension(walk: Walk, outer: Child, value: JsonObject, depth: number): Json | undefined {
  const child = walk.marks === undefined ? outer : markedAs(walk, outer, value);
  const { fallbacks } = walk.policy;
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  if (child.mode === modes.substitute) return constant(walk, child, value, depth);
  const plan = resolved(child.plan(), value);
  const isWithheld = plan.winner === fallbacks.extensionWithhold;
  if (isWithheld || plan.winner === fallbacks.extensionDrop) {
    const known = absentReasonOf(value);
    if (isWithheld && known === undefined) throw new Withheld(child.isModifier ? 'modifier-extension' : 'extension');
    dropped(walk, { ...child, rule: plan.winner }, value, depth);
    return known;
  }
  if (plan.replacement !== undefined) return whole(walk, child, plan, value, depth);
  const copy = walk.walkObject(walk, value, plan, depth);
  // A url alone says nothing.
  return copy === undefined || isUrlAlone(copy) ? undefined : copy;
}

/** HL7's data-absent-reason passes wherever it stands, cut down to its code: it says that there is nothing. */
function absentReasonOf({ url, valueCode }: JsonObject): JsonObject | undefined {
  if (url !== absentReason.url || typeof valueCode !== 'string' || !absentReasonCodes.has(valueCode)) return undefined;
  return { url, valueCode };
}

/** What stands beside primitives: an Element, or a list of them with holes. `values`: what they stand beside. */
export function sibling(
  walk: Walk,
  child: Child,
  value: Json,
  values: Json | undefined,
  depth: number,
): Json | undefined {
  if (value === null) return undefined;
  if (!child.isArray) return element(walk, child, value, depth + 1);
  if (!Array.isArray(value)) throw new Withheld('wrong-json-type');
  const marks = Array.isArray(values) ? walk.marks?.leaves.get(values) : undefined;
  const out = value.map((member, index): Json => {
    if (member === null) return null;
    walk.trail?.push(index);
    const mark = marks?.get(String(index));
    const copy = element(walk, mark === undefined ? child : child.under(mark), member, depth + 2) ?? null;
    walk.trail?.pop();
    return copy;
  });
  if (out.every((copy) => copy === null)) return undefined;
  return out.every((copy, index) => copy === value[index]) ? value : out;
}

function element(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (!isObject(value)) throw new Withheld('wrong-json-type');
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  return walk.walkObject(walk, value, child.plan(), depth);
}
