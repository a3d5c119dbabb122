/** Compiled policies of a thread: compiled once for each ruleset, used for every task. */
import { type CompiledPolicy, compilePolicy } from '../deid/compile.ts';
import type { DeidKeys } from '../deid/engine.ts';
import type { Ruleset } from './task.ts';

const compiled = new Map<string, CompiledPolicy>();

export function compiledPolicy(ruleset: Ruleset): CompiledPolicy {
  const known = compiled.get(ruleset.id);
  if (known !== undefined) return known;
  const policy = compilePolicy(ruleset.policy, ruleset.scope);
  // One ruleset a direction is in use at a time; an old one is of no use any more.
  if (compiled.size > 8) compiled.clear();
  compiled.set(ruleset.id, policy);
  return policy;
}

export const deidKeys = (ruleset: Ruleset): DeidKeys => ({
  pseudonymKeyVersion: ruleset.pseudonymKeyVersion,
  pseudonymKey: ruleset.pseudonymKey,
});
