/** The engine with its leak guard, as whoever runs it uses both: words of all resources first, then each output. */
import type { CompiledPolicy } from '../../../src/deid/compile.ts';
import { applyGuard, guardHits } from '../../../src/deid/guard/apply.ts';
import { keys, run } from '../support.ts';

/** The outputs of some resources as JSON, guarded by the words of all of them; `withheld` where there is none. */
export function guarded(policy: CompiledPolicy, ...resources: object[]): string[] {
  const results = resources.map((resource) => run(resource, policy));
  const words = new Map<string, Set<number>>();
  for (const { patient, removed } of results.flatMap(({ traces }) => traces)) {
    words.set(patient, new Set([...(words.get(patient) ?? []), ...removed]));
  }
  const wordsOf = (patient: string): ReadonlySet<number> => words.get(patient) ?? new Set();
  return results.map((result) => {
    if (result.kind === 'withheld') return 'withheld';
    if (!guardHits(result.traces, wordsOf)) return JSON.stringify(result.resource);
    const outcome = applyGuard(result.resource, result.traces, policy, keys, wordsOf);
    return outcome.kind === 'withheld' ? 'withheld' : JSON.stringify(outcome.resource);
  });
}
