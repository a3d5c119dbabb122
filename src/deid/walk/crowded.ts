/**
 * A resource that names more patients than the leak guard compares with (a Group, a List): a word of any of them may stand
 * in it. So each token that it could be recognised by goes, as if it were such a word.
 */
import type { Resource } from '../../fhir/resource.ts';
import type { DeidKeys } from '../engine.ts';
import { applyGuard } from '../guard/apply.ts';
import { Withheld } from '../shape.ts';
import type { Walk } from './context.ts';
import { isCrowded } from './patient.ts';

/** Every word that there is. */
class AllWords extends Set<number> {
  override has(): boolean {
    return true;
  }
}

const allWords = new AllWords();

/** The output with the text of such resources masked; withheld where the policy says so of what meets a word. */
export function withoutCrowdedText(walk: Walk, resource: Resource, keys: DeidKeys): Resource {
  const crowded = walk.traces.filter(({ patients, kept }) => isCrowded(patients) && kept.length > 0);
  if (crowded.length === 0) return resource;
  const places = [...new Set(crowded.map((trace) => trace.resource))].map((name) => ({ patient: '', resource: name }));
  const outcome = applyGuard(resource, places, walk.policy, keys, () => allWords);
  if (outcome.kind === 'withheld') throw new Withheld(outcome.reason);
  for (const { kept } of crowded) kept.length = 0;
  return outcome.resource;
}
