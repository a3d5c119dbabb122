/** Lists: of primitives, whose places count beside their siblings', and of objects. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import { modes } from '../plan/child.ts';
import type { Child } from '../plan/child.ts';
import { isObject, Withheld } from '../shape.ts';
import type { Walk } from './context.ts';
import { changedLeaf, keptLeaf } from './leaf.ts';
import { constant, dropped } from './removal.ts';

/** A primitive, or a list of them. */
export function leaves(walk: Walk, child: Child, value: Json, depth: number): Json | undefined {
  if (value === null) return undefined;
  if (!child.isArray) return leaf(walk, child, value);
  if (!Array.isArray(value)) throw new Withheld('wrong-json-type');
  if (depth + 1 > maxDepthLevels) throw new Withheld('too-deep');
  const marks = walk.marks?.leaves.get(value);
  let isChanged = false;
  let filled = 0;
  const out: Json[] = [];
  for (let index = 0; index < value.length; index++) {
    const member = value[index] ?? null;
    walk.trail?.push(index);
    const mark = marks?.get(String(index));
    const copy = member === null ? null : leaf(walk, mark === undefined ? child : child.under(mark), member);
    walk.trail?.pop();
    isChanged ||= copy !== member;
    // `given` and `_given` are parallel: what goes leaves a hole, which is closed where no sibling passes.
    if (copy === undefined || copy === null) {
      out.push(null);
      walk.hasHoles = true;
    } else {
      out.push(copy);
      filled++;
    }
  }
  if (filled === 0) return undefined;
  return isChanged ? out : value;
}

function leaf(walk: Walk, child: Child, value: Json): Json | undefined {
  if (child.mode === modes.keep) return keptLeaf(walk, child, value);
  if (child.mode === modes.change) return changedLeaf(walk, child, value);
  if (child.mode === modes.substitute) return constant(walk, child, value, 0);
  return dropped(walk, child, value, 0);
}

/** Closes the holes of lists beside which no sibling stands. */
export function withoutHoles(value: JsonObject): JsonObject {
  let out = value;
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (!Array.isArray(member) || key.startsWith('_') || !member.includes(null) || `_${key}` in value) continue;
    if (out === value) out = { ...value };
    out[key] = member.filter((one) => one !== null);
  }
  return out;
}

export type WalkOne = (walk: Walk, child: Child, value: JsonObject, depth: number) => Json | undefined;

/** An object, or a list of them: whatever else stands there is not what R4 has. */
export function eachObject(walk: Walk, child: Child, value: Json, depth: number, one: WalkOne): Json | undefined {
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
