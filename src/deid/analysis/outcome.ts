/** What becomes of values, by what the plan says of their key. */
import { modes } from '../plan/child.ts';
import type { Child, ObjectPlan } from '../plan/child.ts';
import { r4Type } from '../r4/model.ts';

/** What becomes of the values at a place. */
export type Outcome =
  | 'kept'
  | 'removed'
  | 'changed' // by the rule's method
  | 'parts' // an object: each of its parts is judged by itself
  | 'pseudonym' // an id, a reference, an address: rewritten whatever rule lets it pass
  | 'always' // resourceType, an extension's url, the portable parts of meta
  | 'resource' // judged by its own type's rules
  | 'withheld'; // the whole resource

/** What the plan does with a key, extensions and unknown attributes aside: their rule says more. */
export function outcomeOfMode({ mode, leaf }: Child): Outcome {
  switch (mode) {
    case modes.keep:
      return 'kept';
    case modes.unknown:
      return leaf === undefined ? 'kept' : 'changed';
    case modes.change:
    case modes.substitute:
      return 'changed';
    case modes.object:
    case modes.extension:
    case modes.sibling:
      return 'parts';
    case modes.resource:
      return 'resource';
    case modes.type:
    case modes.meta:
      return 'always';
    case modes.id:
    case modes.literal:
    case modes.fullUrl:
    case modes.requestUrl:
      return 'pseudonym';
    default:
      return 'removed';
  }
}

/** Leaves that one rule takes in one way. */
export interface Part {
  readonly rule: number;
  readonly outcome: Outcome;
  readonly leaves: number;
}

/** R4's types nest in circles: a leaf this deep below the path is not counted. */
const depthMax = 6;
const leavesMax = 20_000;
/** Judged where they stand, and no data. */
const apart: ReadonlySet<string> = new Set(['extension', 'modifierExtension', 'id']);

/** The leaves of an object's R4 elements by who takes them; extensions are judged apart, where they stand. */
export function partsOf(plan: ObjectPlan): Part[] {
  const counts = new Map<string, Part>();
  let leaves = 0;
  const look = (at: ObjectPlan, depth: number): void => {
    for (const key of r4Type(at.type)?.elements.keys() ?? []) {
      if (apart.has(key)) continue;
      if (leaves > leavesMax) return;
      const child = at.child(key);
      const outcome = outcomeOfMode(child);
      if (outcome === 'always' || outcome === 'resource') continue;
      if (outcome === 'parts') {
        if (depth < depthMax) look(child.plan(), depth + 1);
        continue;
      }
      leaves += 1;
      const name = `${String(child.rule)} ${outcome}`;
      const count = counts.get(name) ?? { rule: child.rule, outcome, leaves: 0 };
      counts.set(name, { ...count, leaves: count.leaves + 1 });
    }
  };
  look(plan, 0);
  return [...counts.values()].toSorted((one, other) => other.leaves - one.leaves || one.rule - other.rule);
}
