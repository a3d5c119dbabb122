/** Elements with several types, of which R4 allows an object one. Source: https://hl7.org/fhir/R4/formats.html#choice */
import type { JsonObject } from '../../fhir/resource.ts';
import { plainKey } from '../plan/child.ts';
import type { ObjectPlan } from '../plan/child.ts';

/** Whether an object has one element by two of its types, as a value or as what stands beside one. */
export function hasTwoChoices(value: JsonObject, plan: ObjectPlan): boolean {
  const keys = new Map<string, string>();
  for (const key in value) {
    const { name, isChoice } = plan.child(key);
    if (!isChoice) continue;
    const own = plainKey({ key, isSibling: key.startsWith('_') });
    if ((keys.get(name) ?? own) !== own) return true;
    keys.set(name, own);
  }
  return false;
}
