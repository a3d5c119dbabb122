/** Compiles a policy once, for walks over many resources, and computes the digest that the hub approves. */
import { createHash } from 'node:crypto';
import type { AnswerRule, CompiledPolicy, GeneralRule } from './compiled.ts';
import type { MethodPlugin, ReferenceScope } from './engine.ts';
import { methodFor, needsPlace } from './methods/index.ts';
import { compileGeneral } from './path/general.ts';
import { Planner } from './plan/planner.ts';
import { compileRules } from './plan/rules.ts';
import type { CompiledRule } from './plan/rules.ts';
import type { PolicyDocument, ResolvedPolicy } from './policy/document.ts';
import { canonicalJson } from './policy/canonical-json.ts';
import { resolvePolicy } from './policy/resolve.ts';
import { normalizeDefinition, normalizeWord } from './walk/marks.ts';

export type { CompiledPolicy } from './compiled.ts';

/** The digest of a resolved policy and the plug-ins that its rules name. */
export function policyDigest(policy: ResolvedPolicy, plugins: ReadonlyMap<string, MethodPlugin>): string {
  const named = new Set(policy.rules.flatMap((rule) => (rule.method === 'plugin' ? [rule.params.name] : [])));
  const versions = [...named].sort().map((name) => [name, plugins.get(name)?.version]);
  const text = canonicalJson(versions.length === 0 ? policy : { ...policy, plugins: versions });
  return createHash('sha256').update(text).digest('hex');
}

function answerRulesOf(rules: readonly CompiledRule[]): AnswerRule[] {
  return rules.flatMap(({ rule }, index): AnswerRule[] => {
    if (rule?.answersTo === undefined) return [];
    const { linkIds = [], texts = [], definitions = [] } = rule.answersTo;
    const words = (list: readonly string[]): Set<string> => new Set(list.map(normalizeWord));
    const urls = new Set(definitions.map(normalizeDefinition));
    return [{ rule: index, linkIds: words(linkIds), texts: words(texts), definitions: urls }];
  });
}

/**
 * Compiles a document that `readPolicy` accepted, for one site's scope. Throws where a rule names a plug-in that is not
 * handed in: it would remove in silence what its author meant to change.
 */
export function compilePolicy(
  document: PolicyDocument,
  scope: ReferenceScope,
  plugins: readonly MethodPlugin[] = [],
): CompiledPolicy {
  const resolved = resolvePolicy(document);
  const compiled = compileRules(resolved);
  const { rules, fallbacks } = compiled;
  const pluginsByName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  for (const { rule } of rules) {
    if (rule?.method === 'plugin' && !pluginsByName.has(rule.params.name)) {
      throw new Error('policy: a rule names a plug-in that is not configured');
    }
  }
  const planner = new Planner(resolved, compiled, (index, type) => {
    const rule = rules[index]?.rule;
    return rule === undefined ? undefined : methodFor(rule, type, pluginsByName);
  });
  return {
    digest: policyDigest(resolved, pluginsByName),
    document: resolved,
    scope,
    rules,
    fallbacks,
    firstOwnRule: compiled.first,
    planner,
    generalRules: rules.flatMap(({ path, passes }, rule): GeneralRule[] =>
      path.kind === 'general' ? [{ rule, root: path.root, find: compileGeneral(path, !passes) }] : [],
    ),
    answerRules: answerRulesOf(rules),
    needsPlace: resolved.rules.some(needsPlace),
    plugins: pluginsByName,
  };
}
