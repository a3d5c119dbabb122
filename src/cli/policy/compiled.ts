/** Compiles a policy for a look at it, outside any site. */
import { compilePolicy } from '../../deid/compile.ts';
import type { CompiledPolicy } from '../../deid/compiled.ts';
import type { MethodPlugin } from '../../deid/engine.ts';
import { scopeOf } from '../deid/scope.ts';
import type { LoadedPolicy } from './load.ts';

export interface Compiled {
  readonly compiled: CompiledPolicy;
  /** How many rules are a site's own, before those of a preset. */
  readonly siteRules: number;
  /** Plug-ins that its rules name and nobody handed in: nothing stands in for them, and what they take is removed. */
  readonly plugins: readonly string[];
}

export function compileLoaded(
  { document, isPreset }: LoadedPolicy,
  instance = 'local',
  given: readonly MethodPlugin[] = [],
): Compiled {
  const rules = document.rules ?? [];
  const named = new Set(rules.flatMap((rule) => (rule.method === 'plugin' ? [rule.params.name] : [])));
  const plugins = [...named].filter((name) => !given.some((plugin) => plugin.name === name));
  const standIns = plugins.map((name): MethodPlugin => ({ name, version: '', types: [], apply: () => undefined }));
  return {
    compiled: compilePolicy(document, scopeOf(instance), [...given, ...standIns]),
    siteRules: isPreset ? 0 : rules.length,
    plugins,
  };
}
