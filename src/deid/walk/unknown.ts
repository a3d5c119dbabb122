/** What R4 does not have, by its shape: lists and objects are gone through, references and resources recognised. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import { modes } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import { looksLikeReference } from '../references.ts';
import { isObject, Withheld } from '../shape.ts';
import { markedAs, resolved } from './conditions.ts';
import type { Walk } from './context.ts';
import { unknownLeaf } from './leaf.ts';
import { object } from './object.ts';
import { constant, dropped } from './removal.ts';
import { embeddedResource } from './resource.ts';

/** A value under a key that R4 does not have. */
export function unknown(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) return list(walk, child, value, depth);
  if (isObject(value))
    return shaped(walk, walk.marks === undefined ? child : markedAs(walk, child, value), value, depth);
  if (child.mode === modes.substitute) return constant(walk, child, value, depth);
  return child.mode === modes.drop ? dropped(walk, child, value, depth) : unknownLeaf(walk, child, value);
}

function list(walk: Walk, child: Child, values: Json[], depth: number): Json | undefined {
  const marks = walk.marks?.leaves.get(values);
  const out = values.flatMap((member, index) => {
    walk.trail?.push(index);
    const mark = marks?.get(String(index));
    const copy = unknown(walk, mark === undefined ? child : child.under(mark), member, depth + 1);
    walk.trail?.pop();
    return copy ?? [];
  });
  return out.length === 0 ? undefined : out;
}

function shaped(walk: Walk, child: Child, value: JsonObject, depth: number): Json | undefined {
  if (child.mode === modes.drop) return dropped(walk, child, value, depth);
  if (typeof value.resourceType === 'string') return embeddedResource(walk, child, value, depth);
  if (looksLikeReference(value)) return object(walk, child.shapedAs('Reference'), value, depth);
  const plan = resolved(child.plan(), value);
  if (plan.replacement !== undefined) {
    return constant(walk, { ...child, leaf: plan.replacement.with, rule: plan.winner }, value, depth);
  }
  return walk.walkObject(walk, value, plan, depth);
}
