/** What is no mistake in a policy, but worth a second look. */
import type { CompiledPolicy } from '../../deid/compiled.ts';
import { broadKeeps, idleRules } from '../../deid/policy/breadth.ts';

export interface PolicyWarning {
  readonly code: string;
  readonly means: string;
}

/** A list may be as long as a policy. */
const shownMax = 10;

function listed(paths: readonly string[]): string {
  const more = paths.length - shownMax;
  return `${paths.slice(0, shownMax).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
}

/** What whoever approves the policy should have seen. */
export function warningsOf(compiled: CompiledPolicy, plugins: readonly string[]): PolicyWarning[] {
  const { default: fallback, extensions, modifierExtensions, leakGuard, labels, rules } = compiled.document;
  const { wholes, unbounded } = broadKeeps(compiled);
  const idle = idleRules(compiled);
  const warnings: [boolean, PolicyWarning][] = [
    [fallback === 'keep', { code: 'default-keep', means: 'whatever no rule names passes (default: keep)' }],
    [wholes.length > 0, { code: 'keep-all', means: `all of what these rules name passes: ${listed(wholes)}` }],
    [
      unbounded.length > 0,
      {
        code: 'keep-unbounded',
        means: `only data tells what these rules let pass, and it may be anything: ${listed(unbounded)}`,
      },
    ],
    [
      idle.length > 0,
      {
        code: 'type-dropped',
        means: `these rules do nothing, since a later one drops the whole type: ${listed(idle)}`,
      },
    ],
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
