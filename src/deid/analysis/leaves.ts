/**
 * The leaves of a resource, each with the rule that decides on it: a walk over the engine's own plan that changes nothing.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { CompiledPolicy } from '../compiled.ts';
import { maxDepthLevels } from '../engine.ts';
import { isMet } from '../path/path.ts';
import type { Condition } from '../path/path.ts';
import { modes } from '../plan/child.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { marksOf } from '../walk/marks.ts';
import type { Marks } from '../walk/marks.ts';
import { keyName, urlName } from './name.ts';

export interface Leaf {
  /** JSON keys without indexes, from the type of the resource that it stands in: `Patient.name.family`. */
  readonly path: string;
  /** R4's type; empty for what R4 does not have. */
  readonly type: string;
  readonly rule: number;
  /** One of the plan's modes: what the walk does with it. */
  readonly mode: number;
  /** Whether it stands in an attribute that R4 does not have. */
  readonly isUnknown: boolean;
}

export interface MetExtension {
  /** Of the element that it stands in. */
  readonly path: string;
  readonly url: string;
  readonly isModifier: boolean;
  readonly rule: number;
  /** A rule names it, one that it stands in, or something in it. */
  readonly isKnown: boolean;
}

export interface LeafVisitor {
  leaf(leaf: Leaf): void;
  extension(extension: MetExtension): void;
  /** A resource of a type that neither R4 nor the policy has. */
  unknownType(type: string): void;
}

/** Visits all leaves of a value that may be a resource; what is none is passed over. */
export function visitLeaves(value: unknown, policy: CompiledPolicy, visitor: LeafVisitor): void {
  new Visit(policy, visitor).resource(value as Json | undefined, undefined, { depth: 1 });
}

/** What holds at a place in the data. */
interface At {
  readonly depth: number;
  /** Rules that were found by looking at the data. */
  readonly marks?: Marks | undefined;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const under = (child: Child, mark: number | undefined): Child => (mark === undefined ? child : child.under(mark));

class Visit {
  readonly #policy: CompiledPolicy;
  readonly #visitor: LeafVisitor;

  constructor(policy: CompiledPolicy, visitor: LeafVisitor) {
    this.#policy = policy;
    this.#visitor = visitor;
  }

  resource(value: Json | undefined, place: Child | undefined, at: At): void {
    if (!isObject(value) || typeof value.resourceType !== 'string') return;
    const type = value.resourceType;
    const { planner } = this.#policy;
    const plan = place === undefined ? planner.resource(type) : planner.embedded(type, place.arrival);
    if (plan === undefined) this.#visitor.unknownType(keyName(type));
    else
      this.#object(value, settled(plan, value), type, { depth: at.depth, marks: this.#marks(value, type, at.marks) });
  }

  #marks(resource: JsonObject, type: string, outer: Marks | undefined): Marks | undefined {
    try {
      return marksOf(resource, type, this.#policy, outer);
    } catch {
      return outer; // a rule fails here: the engine withholds the resource, and says so
    }
  }

  #object(node: JsonObject, plan: ObjectPlan, path: string, at: At): void {
    if (at.depth > maxDepthLevels) return;
    for (const [key, value] of Object.entries(node)) {
      const child = under(plan.child(key), at.marks?.leaves.get(node)?.get(key));
      this.#value(value, child, `${path}.${keyName(key)}`, { ...at, depth: at.depth + 1 });
    }
  }

  #value(value: Json, outer: Child, path: string, at: At): void {
    if (at.depth > maxDepthLevels || value === null) return;
    if (Array.isArray(value)) {
      const marks = at.marks?.leaves.get(value);
      for (const [index, member] of value.entries()) {
        this.#value(member, under(outer, marks?.get(String(index))), path, { ...at, depth: at.depth + 1 });
      }
      return;
    }
    if (!isObject(value)) {
      const { type, rule, mode, isR4 } = outer;
      this.#visitor.leaf({ path, type, rule, mode, isUnknown: !isR4 });
      return;
    }
    const child = under(outer, at.marks?.objects.get(value));
    if (isResourcePlace(child, value)) this.resource(value, child, at);
    else if (child.type === 'Extension') this.#extension(value, child, path, at);
    else if (child.mode === modes.drop) this.#dropped(value, child, path, at);
    else this.#object(value, settled(child.plan(), value), path, at);
  }

  #extension(value: JsonObject, child: Child, path: string, at: At): void {
    const holder = path.slice(0, path.lastIndexOf('.'));
    const url = urlName(value.url, holder);
    const plan = settled(child.plan(), value);
    const { extensionDrop, extensionWithhold, keep } = this.#policy.fallbacks;
    const isDropped = child.mode === modes.drop || plan.winner === extensionDrop || plan.winner === extensionWithhold;
    const rule = child.mode === modes.drop ? child.rule : plan.winner;
    const { isModifier } = child;
    this.#visitor.extension({ path: holder, url, isModifier, rule, isKnown: plan.isKnownExtension || rule < keep });
    const below = `${holder}.${isModifier ? 'modifierExtension' : 'extension'}('${url}')`;
    if (isDropped) this.#dropped(value, { ...child, rule, mode: modes.drop }, below, at);
    else this.#object(value, plan, below, at);
  }

  /** All that is below goes by one rule. */
  #dropped(value: JsonObject, child: Child, path: string, at: At): void {
    if (at.depth > maxDepthLevels) return;
    for (const [key, member] of Object.entries(value)) {
      const below = `${path}.${keyName(key)}`;
      for (const one of Array.isArray(member) ? member : [member]) {
        if (isObject(one)) this.#dropped(one, child, below, { ...at, depth: at.depth + 1 });
        else if (one !== null) {
          this.#visitor.leaf({ path: below, type: '', rule: child.rule, mode: child.mode, isUnknown: !child.isR4 });
        }
      }
    }
  }
}

const isResourcePlace = ({ mode }: Child, value: JsonObject): boolean =>
  mode === modes.resource || (mode === modes.unknown && typeof value.resourceType === 'string');

/** The plan of a node, now that its conditions are known. */
function settled(plan: ObjectPlan, node: JsonObject): ObjectPlan {
  const { pending } = plan.arrival;
  if (pending.length === 0) return plan;
  const held = pending.flatMap(({ conditions }, index) =>
    conditions.every((condition) => holds(node, condition, 0)) ? [index] : [],
  );
  return plan.variant(held);
}

/** Whether something stands at the condition's path that equals its text. */
function holds(value: Json | undefined, condition: Condition, at: number): boolean {
  if (Array.isArray(value)) return value.some((member) => holds(member, condition, at));
  const step = condition.path[at];
  if (step === undefined) return typeof value === 'object' ? false : isMet(condition, String(value));
  return isObject(value) && Object.hasOwn(value, step) && holds(value[step], condition, at + 1);
}
