/** Our own engine, with the leak guard behind it. */
import { compilePolicy } from '../../deid/compile.ts';
import { deidentify } from '../../deid/deidentify.ts';
import type { DeidReport, Deidentified, MethodPlugin } from '../../deid/engine.ts';
import { applyGuard, guardHits } from '../../deid/guard/apply.ts';
import type { WordsOf } from '../../deid/guard/apply.ts';
import type { Json } from '../../fhir/resource.ts';
import type { PolicyJob } from './job.ts';
import { scopeOf } from './scope.ts';
import { count } from './tally.ts';
import type { Tally } from './tally.ts';
import type { Transform } from './transform.ts';

export function policyTransform(
  { document, instance, keys, asOf }: PolicyJob,
  plugins: readonly MethodPlugin[],
): Transform {
  const policy = compilePolicy(document, scopeOf(instance), plugins);
  const date = new Date(asOf);
  const guarded = (result: Deidentified, tally: Tally, words: WordsOf | undefined): Json | undefined => {
    addReport(tally, result.report);
    if (result.kind === 'withheld') {
      count(tally.withheld, result.reason);
      return undefined;
    }
    const { resource, traces } = result;
    if (words === undefined || !guardHits(traces, words)) return resource;
    tally.guardHits += 1;
    const outcome = applyGuard(resource, traces, policy, keys, words);
    if (outcome.kind === 'withheld') {
      count(tally.withheld, outcome.reason);
      return undefined;
    }
    tally.guardMasked += outcome.masked;
    return outcome.resource;
  };
  return {
    traces: ({ value }) => deidentify(value, policy, keys, date).traces,
    output: ({ value }, tally, { words, indent }) => {
      tally.records += 1;
      const output = guarded(deidentify(value, policy, keys, date), tally, words);
      if (output === undefined) return undefined;
      tally.written += 1;
      return JSON.stringify(output, null, indent);
    },
  };
}

function addReport(tally: Tally, { taken, referencesPseudonymized, referencesDetached }: DeidReport): void {
  for (const [rule, leaves] of Object.entries(taken)) count(tally.taken, rule, leaves);
  tally.referencesPseudonymized += referencesPseudonymized;
  tally.referencesDetached += referencesDetached;
}
