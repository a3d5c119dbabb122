/** What a run did, as JSON for a file and as lines for standard error. Paths of the policy, codes and counts: no data. */
import { ruleRef } from '../../deid/analysis/rule-ref.ts';
import type { RuleRef } from '../../deid/analysis/rule-ref.ts';
import type { CompiledPolicy } from '../../deid/compiled.ts';
import type { InputMistake } from './mistakes.ts';
import type { RunResult } from './run.ts';
import { count } from './tally.ts';
import type { Tally } from './tally.ts';
import { countText } from './units.ts';

/** What a report says of our own policies, and cannot of others' configurations. */
export interface PolicyFacts {
  readonly compiled: CompiledPolicy;
  readonly siteRules: number;
  readonly instance: string;
  readonly key: { readonly version: number; readonly ephemeral: boolean };
}

export interface RunFacts {
  readonly policyName: string;
  /** Of the policy, or of another tool's configuration without its keys. */
  readonly digest: string;
  readonly asOf: string;
  readonly files: number;
  readonly policy: PolicyFacts | undefined;
}

export interface PolicyReport {
  readonly instance: string;
  readonly key: PolicyFacts['key'];
  /** By order of precedence; rules that took nothing are left out. */
  readonly rules: readonly (RuleRef & { readonly leaves: number })[];
  readonly references: { readonly pseudonymized: number; readonly detached: number };
  readonly leakGuard: { readonly mode: string; readonly records: number; readonly valuesMasked: number };
}

export interface Report extends Partial<PolicyReport> {
  readonly policy: { readonly name: string; readonly digest: string };
  readonly asOf: string;
  readonly input: {
    readonly files: number;
    readonly records: number;
    /** By code. File names and lines are told on standard error alone: a name may be a patient's. */
    readonly unreadable: Readonly<Record<string, number>>;
  };
  readonly output: { readonly records: number; /** False where its reader stopped. */ readonly complete: boolean };
  readonly withheld: Readonly<Record<string, number>>;
}

export function reportOf(facts: RunFacts, { tally, isComplete }: RunResult, mistakes: readonly InputMistake[]): Report {
  const unreadable: Record<string, number> = {};
  for (const { code } of mistakes) count(unreadable, code);
  return {
    policy: { name: facts.policyName, digest: facts.digest },
    asOf: facts.asOf,
    input: { files: facts.files, records: tally.records, unreadable },
    output: { records: tally.written, complete: isComplete },
    withheld: tally.withheld,
    ...(facts.policy && policyReport(facts.policy, tally)),
  };
}

function policyReport({ compiled, siteRules, instance, key }: PolicyFacts, tally: Tally): PolicyReport {
  return {
    instance,
    key,
    references: { pseudonymized: tally.referencesPseudonymized, detached: tally.referencesDetached },
    leakGuard: { mode: compiled.document.leakGuard, records: tally.guardHits, valuesMasked: tally.guardMasked },
    rules: Object.entries(tally.taken)
      .map(([number, leaves]) => ({ ...ruleRef(Number(number), compiled, siteRules), leaves }))
      .toSorted((one, other) => one.number - other.number),
  };
}

/** A policy that drops a type means it; everything else that is withheld needs somebody's eye. */
const meant = 'policy-drops-type';

export const needsEye = ({ withheld, input }: Report): boolean =>
  Object.keys(withheld).some((reason) => reason !== meant) || Object.keys(input.unreadable).length > 0;

const because: Readonly<Record<string, string>> = {
  'policy-drops-type': 'the policy drops their type',
  'unknown-type': 'R4 has no such type, and no rule names it',
  'modifier-extension': 'a modifierExtension that did not pass: no rule names it, or nothing is in it',
  extension: 'an extension that no rule names',
  'wrong-json-type': 'not what R4 has in that place',
  'leak-guard': 'a removed value stands somewhere else',
  'rule-failed': 'a rule’s expression or plug-in failed',
  'not-a-resource': 'no resourceType or id, or one that R4 does not allow',
  'too-deep': 'nested too deeply',
  'forbidden-key': 'a forbidden key',
};

/** A line for each reason. */
export function withheldLines({ withheld }: Report): string[] {
  return Object.entries(withheld).map(([reason, records]) => {
    const why = Object.hasOwn(because, reason) ? `: ${because[reason] ?? ''}` : '';
    return `withheld ${countText(records, 'record')}${why} (${reason})`;
  });
}

/** `42 records in, 41 out, 3 values masked by the leak guard`. */
export function summaryLine({ input, output, leakGuard }: Report): string {
  const count = leakGuard?.valuesMasked ?? 0;
  const masked = count === 0 ? '' : `, ${countText(count, 'value')} masked by the leak guard`;
  return `${countText(input.records, 'record')} in, ${output.records.toLocaleString('en')} out${masked}`;
}
