/** What of a plan hangs on the data: rules found by marks, and rules under conditions. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { isMet } from '../path/path.ts';
import type { Condition } from '../path/path.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { r4Type } from '../r4/model.ts';
import { isObject } from '../shape.ts';
import type { Walk } from './context.ts';

/** The child under the rule that a mark puts on this very object. */
export function markedAs(walk: Walk, child: Child, value: JsonObject): Child {
  const mark = walk.marks?.objects.get(value);
  return mark === undefined ? child : child.under(mark);
}

/** The plan of an object under the conditions that hold for it. */
export function resolved(plan: ObjectPlan, value: JsonObject): ObjectPlan {
  const { pending } = plan.arrival;
  if (pending.length === 0) return plan;
  const held = pending.flatMap(({ conditions }, index) =>
    conditions.every((condition) => holds(value, condition.path, condition, 0)) ? [index] : [],
  );
  return plan.variant(held);
}

function isChoiceOf(name: string, key: string): boolean {
  if (!key.startsWith(name) || key.length === name.length) return false;
  const suffix = key.slice(name.length);
  return (r4Type(suffix) ?? r4Type(suffix.charAt(0).toLowerCase() + suffix.slice(1))) !== undefined;
}

/** Whether something at the path, in any member of lists on the way, is the text. A list in a list is nothing of R4's. */
function holds(value: Json | undefined, path: readonly string[], condition: Condition, at: number): boolean {
  const step = path[at];
  if (step === undefined) return typeof value !== 'object' && isMet(condition, String(value));
  if (!isObject(value)) return false;
  if (!Object.hasOwn(value, step)) {
    // The FHIRPath name of a choice: `value` for `valueString`.
    return Object.keys(value).some(
      (key) => isChoiceOf(step, key) && holds(value, [key, ...path.slice(at + 1)], condition, 0),
    );
  }
  const member = value[step];
  if (!Array.isArray(member)) return holds(member, path, condition, at + 1);
  return member.some((one) => !Array.isArray(one) && holds(one, path, condition, at + 1));
}
