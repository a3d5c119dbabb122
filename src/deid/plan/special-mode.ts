/** Keys that mean something by themselves, whatever the rules say. */
import { modes } from './child.ts';
import type { ObjectPlan } from './child.ts';

/** Keys whose treatment no rule decides. */
export function specialMode(owner: ObjectPlan, key: string): number | undefined {
  if (owner.isResource) {
    if (key === 'resourceType') return modes.type;
    if (key === 'id') return modes.id;
    if (key === 'meta') return modes.meta;
    if (key === '_id' || key === '_meta' || key === '_resourceType') return modes.drop;
  }
  if (owner.type === 'Bundle.entry' && key === 'fullUrl') return modes.fullUrl;
  if (owner.type === 'Bundle.entry.request' && key === 'url') return modes.requestUrl;
  if (owner.type === 'Extension' && key === 'url') return modes.keep;
  return undefined;
}
