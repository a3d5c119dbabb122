/**
 * Which types and element names can stand below a type of R4, so that the plan need not look below a node that is
 * removed where nothing below it could pass. What stands in extensions is left out: they are judged apart.
 */
import { r4Type } from '../r4/model.ts';

export interface Reach {
  readonly types: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  /** Whether a whole resource can stand below: it is judged by its own type's rules. */
  readonly hasResource: boolean;
}

const known = new Map<string, Reach>();

/** Types and names of all elements below the type, itself left out. */
export function reachOf(type: string): Reach {
  const before = known.get(type);
  if (before !== undefined) return before;
  const types = new Set<string>();
  const names = new Set<string>();
  const pending = [type];
  const seen = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const element of r4Type(next)?.elements.values() ?? []) {
      names.add(element.name).add(element.key);
      types.add(element.type);
      if (element.name !== 'extension' && element.name !== 'modifierExtension') pending.push(element.type);
    }
  }
  const reach = { types, names, hasResource: types.has('Resource') };
  known.set(type, reach);
  return reach;
}
