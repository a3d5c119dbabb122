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

/** Variants by the texts that they hang on: the same units and systems come over and over. */
interface Variants {
  /** The members that all conditions ask for; undefined where one asks for something below a member. */
  readonly members: readonly string[] | undefined;
  readonly byTexts: Map<string, ObjectPlan>;
}

const known = new WeakMap<ObjectPlan, Variants>();
/** Of a plan: texts come from the data. */
const variantsMax = 500;
const textsLengthMax = 256;

function variantsOf(plan: ObjectPlan): Variants {
  let variants = known.get(plan);
  if (variants === undefined) {
    const paths = plan.arrival.pending.flatMap(({ conditions }) => conditions.map(({ path }) => path));
    const members = paths.every((path) => path.length === 1) ? [...new Set(paths.flat())] : undefined;
    known.set(plan, (variants = { members, byTexts: new Map<string, ObjectPlan>() }));
  }
  return variants;
}

/** All that the conditions see of a value, with lengths so that no two are alike; undefined where that is no mere texts. */
function textsOf(value: JsonObject, members: readonly string[]): string | undefined {
  let texts = '';
  for (const member of members) {
    const text = Object.hasOwn(value, member) ? value[member] : undefined;
    if (typeof text !== 'string') return undefined;
    texts += `${text.length}:${text}`;
  }
  return texts.length > textsLengthMax ? undefined : texts;
}

/** The plan of an object under the conditions that hold for it. */
export function resolved(plan: ObjectPlan, value: JsonObject): ObjectPlan {
  if (plan.arrival.pending.length === 0) return plan;
  const { members, byTexts } = variantsOf(plan);
  const texts = members === undefined ? undefined : textsOf(value, members);
  if (texts === undefined) return variantFor(plan, value);
  let variant = byTexts.get(texts);
  if (variant === undefined) {
    if (byTexts.size >= variantsMax) byTexts.clear();
    byTexts.set(texts, (variant = variantFor(plan, value)));
  }
  return variant;
}

function variantFor(plan: ObjectPlan, value: JsonObject): ObjectPlan {
  const { pending } = plan.arrival;
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
