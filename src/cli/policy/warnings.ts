/** What is no mistake in a policy, but worth a second look. */
import type { CompiledPolicy } from '../../deid/compiled.ts';

export interface PolicyWarning {
  readonly code: string;
  readonly means: string;
}

/** What whoever approves the policy should have seen. */
export function warningsOf({ document }: CompiledPolicy, plugins: readonly string[]): PolicyWarning[] {
  const { default: fallback, extensions, modifierExtensions, leakGuard, labels, rules } = document;
  const warnings: [boolean, PolicyWarning][] = [
    [fallback === 'keep', { code: 'default-keep', means: 'whatever no rule names passes (default: keep)' }],
    [
      extensions === 'keep',
      { code: 'extensions-keep', means: 'extensions that no rule names pass where their element does' },
    ],
    [
      modifierExtensions !== 'withhold',
      {
        code: 'modifier-extensions',
        means: `unknown modifierExtensions: ${modifierExtensions}; what they stand in may then mean something else`,
      },
    ],
    [
      leakGuard === 'off',
      {
        code: 'leak-guard-off',
        means: 'removed names and numbers are not looked for in what is kept (leakGuard: off)',
      },
    ],
    [!labels, { code: 'no-labels', means: 'the output does not say what was done to it (labels: false)' }],
    [
      rules.length === 0,
      { code: 'no-rules', means: fallback === 'keep' ? 'no rules: everything passes' : 'no rules: nothing passes' },
    ],
    [
      plugins.length > 0,
      { code: 'plugins', means: `the digest depends on plug-ins that are not here: ${plugins.join(', ')}` },
    ],
  ];
  return warnings.filter(([holds]) => holds).map(([, warning]) => warning);
}
