/** What to call a rule of a compiled policy: where it stands, and whose it is. */
import type { CompiledPolicy } from '../compiled.ts';

export type RuleOrigin = 'built-in' | 'site' | 'preset' | 'default' | 'extensions' | 'meta';

export interface RuleRef {
  /** Number among the compiled rules: the order of precedence. */
  readonly number: number;
  readonly origin: RuleOrigin;
  /** Index in the document's, or its preset's, `rules`; undefined where no rule of theirs decides. */
  readonly index?: number;
  /** The rule's path, or what decides in its place. */
  readonly path: string;
  readonly method: string;
}

/** Names the rule of a number. `siteRules`: how many rules the document has beside those of its preset. */
export function ruleRef(number: number, policy: CompiledPolicy, siteRules: number): RuleRef {
  const { rules, fallbacks, firstOwnRule: first } = policy;
  const rule = rules[number];
  const path = rule?.text ?? '';
  const method = rule?.method ?? '';
  if (number >= fallbacks.extensionDrop) return { number, origin: 'extensions', path, method };
  // Nothing passes by default, but for the parts of a resource's meta that are no server's own.
  if (number === fallbacks.keep && policy.document.default === 'drop') return { number, origin: 'meta', path, method };
  if (number >= fallbacks.keep) return { number, origin: 'default', path, method };
  if (number < first) return { number, origin: 'built-in', path, method };
  const index = number - first;
  return index < siteRules
    ? { number, origin: 'site', index, path, method }
    : { number, origin: 'preset', index: index - siteRules, path, method };
}
