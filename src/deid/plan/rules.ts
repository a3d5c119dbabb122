/** A policy's rules as the plan sees them: parsed, numbered by precedence, with what always holds around them. */
import { isR4DataType } from '../r4/model.ts';
import type { PolicyPath, Step } from '../path/path.ts';
import { parsePath } from '../path/path.ts';
import type { PolicyRule, ResolvedPolicy, RuleMethod } from '../policy/document.ts';

/** Outcomes that stand for no rule of the document; they lose against every rule. */
export type FallbackMethod =
  'default-keep' | 'default-drop' | 'extension-drop' | 'extension-keep' | 'extension-withhold';

/** A rule of a compiled policy: one of the document's, or one that always holds. */
export interface CompiledRule {
  readonly method: RuleMethod | FallbackMethod;
  readonly path: PolicyPath;
  /** The path as the document has it, or the fallback's name. */
  readonly text: string;
  /** The document's rule; undefined for fallbacks. */
  readonly rule: PolicyRule | undefined;
  /** Whether something may pass where it decides. */
  readonly passes: boolean;
}

/** No rule: greater than every rule's number, and still a small integer. */
export const noRule = 2 ** 30 - 1;

/**
 * What holds in Bundles whatever a policy says: their type and each request's method pass, since without them the Bundle
 * is none; links, conditions and answers of the source do not. Addresses (`fullUrl`, `request.url`) are rewritten by
 * the walk. Source: https://hl7.org/fhir/R4/bundle.html
 */
export const builtInRules: readonly PolicyRule[] = [
  { path: 'Bundle.type', method: 'keep' },
  { path: 'Bundle.entry.request.method', method: 'keep' },
  { path: 'Bundle.entry.request.url', method: 'keep' },
  { path: 'Bundle.entry.request', method: 'redact' },
  { path: 'Bundle.entry.fullUrl', method: 'keep' },
  { path: 'Bundle.link', method: 'redact' },
  { path: 'Bundle.entry.link', method: 'redact' },
  { path: 'Bundle.entry.response', method: 'redact' },
];

const removing = new Set<CompiledRule['method']>([
  'redact',
  'dropResource',
  'default-drop',
  'extension-drop',
  'extension-withhold',
]);

/** Methods that let a value pass as it is. */
export const keepsAsIs: ReadonlySet<string> = new Set(['keep', 'default-keep', 'extension-keep']);

function compileRule(rule: PolicyRule): CompiledRule {
  const path = parsePath(rule.path, isR4DataType);
  if (path === undefined) throw new Error('policy: a path that readPolicy would have refused');
  return { method: rule.method, path, text: rule.path, rule, passes: !removing.has(rule.method) };
}

const fallback = (method: FallbackMethod): CompiledRule => ({
  method,
  path: { kind: 'plain', root: undefined, steps: [] },
  text: method,
  rule: undefined,
  passes: !removing.has(method),
});

/** Numbers of the fallbacks among the compiled rules. */
export interface Fallbacks {
  readonly keep: number;
  readonly drop: number;
  readonly extensionDrop: number;
  readonly extensionKeep: number;
  readonly extensionWithhold: number;
}

export interface CompiledRules {
  /** In order of precedence: built-in, the site's, the preset's, then the fallbacks. Reports count by this number. */
  readonly rules: readonly CompiledRule[];
  readonly fallbacks: Fallbacks;
  /** Number of the document's first rule. */
  readonly first: number;
}

/** Numbers a resolved policy's rules. */
export function compileRules(resolved: ResolvedPolicy): CompiledRules {
  const own = [...builtInRules, ...resolved.rules].map(compileRule);
  const count = own.length;
  const methods = ['default-keep', 'default-drop', 'extension-drop', 'extension-keep', 'extension-withhold'] as const;
  return {
    rules: [...own, ...methods.map(fallback)],
    fallbacks: {
      keep: count,
      drop: count + 1,
      extensionDrop: count + 2,
      extensionKeep: count + 3,
      extensionWithhold: count + 4,
    },
    first: builtInRules.length,
  };
}

/** The steps of a rule that the plan follows; undefined for those that are looked up by marks. */
export function planSteps(rule: CompiledRule): readonly Step[] | undefined {
  return rule.path.kind === 'general' || rule.rule?.answersTo !== undefined ? undefined : rule.path.steps;
}
