/**
 * What rules by general FHIRPath remove, found again in the output: asked only where finding it there proves that it was
 * found in the source, see `provingOperands`.
 */
import type { JsonObject } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import { provingOperands } from './general.ts';
import type { Taker } from './json.ts';
import type { PolicyReading } from './reading.ts';

/** Rules by the object, or by the key (and index) of the object that holds the value. */
export interface Marks {
  readonly objects: ReadonlyMap<object, readonly Taker[]>;
  readonly values: ReadonlyMap<object, ReadonlyMap<string, readonly Taker[]>>;
}

interface Proving {
  readonly rule: number;
  readonly root: string | undefined;
  readonly operands: readonly string[];
  readonly find: PolicyReading['policy']['generalRules'][number]['find'];
}

const proving = new WeakMap<PolicyReading, readonly Proving[]>();

/** The general rules of a policy that remove something, and whose findings prove anything. */
export function provingRules(reading: PolicyReading): readonly Proving[] {
  let known = proving.get(reading);
  if (known === undefined) {
    known = reading.policy.generalRules.flatMap(({ rule, root, find }): Proving[] => {
      const path = reading.policy.rules[rule]?.path;
      if (path?.kind !== 'general' || reading.passes(rule)) return [];
      const operands = provingOperands(path);
      return operands === undefined ? [] : [{ rule, root, operands, find }];
    });
    proving.set(reading, known);
  }
  return known;
}

const startsAt = (root: string | undefined, type: string): boolean =>
  root === undefined || root === type || (root === 'DomainResource' && r4Type(type)?.base === 'DomainResource');

/** What general rules find in a resource of which values under the names in `changed` are no more the source's. */
export function marksOf(
  reading: PolicyReading,
  resource: JsonObject,
  type: string,
  changed: ReadonlySet<string>,
): Marks {
  const objects = new Map<object, Taker[]>();
  const values = new Map<object, Map<string, Taker[]>>();
  for (const { rule, root, operands, find } of provingRules(reading)) {
    if (!startsAt(root, type) || operands.some((name) => changed.has(name))) continue;
    for (const place of found(() => find(resource, type))) {
      const taker = { rule, isSure: true };
      if ('object' in place) objects.set(place.object, [...(objects.get(place.object) ?? []), taker]);
      else {
        const byKey = values.get(place.owner) ?? new Map<string, Taker[]>();
        const name = place.index === undefined ? place.key : `${place.key}.${String(place.index)}`;
        // What stands beside a value goes with it.
        for (const one of [name, `_${name}`]) byKey.set(one, [...(byKey.get(one) ?? []), taker]);
        values.set(place.owner, byKey);
      }
    }
  }
  return { objects, values };
}

/** An expression that fails on an output proves nothing: it did not fail on the source. */
function found<Result>(find: () => Result[]): Result[] {
  try {
    return find();
  } catch {
    return [];
  }
}

/** Where nothing is marked. */
export const noMarks: Marks = {
  objects: new Map<object, readonly Taker[]>(),
  values: new Map<object, ReadonlyMap<string, readonly Taker[]>>(),
};
