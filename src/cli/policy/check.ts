/** `sluice policy check`: is a policy right, what does it come to, and what should be looked at twice? */
import type { Command } from 'commander';

import { countText } from '../deid/units.ts';
import { jsonOption } from '../options.ts';
import { compileLoaded } from './compiled.ts';
import { loadPolicy } from './load.ts';
import { warningsOf } from './warnings.ts';

const help = `
Exit codes: 0 the policy is right, with or without warnings · 2 it has mistakes: all of them are shown
`;

export function addPolicyCheck(policy: Command): void {
  policy
    .command('check')
    .description('check a policy: every mistake with its line, or its digest, a summary and warnings')
    .argument('<policy>', 'a file, or the name of a preset')
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(async (name: string, { json }: { json?: boolean }) => {
      const loaded = await loadPolicy(name);
      const { compiled, siteRules, plugins } = compileLoaded(loaded);
      const { document, digest } = compiled;
      const preset = loaded.isPreset ? loaded.name : loaded.document.extends;
      const warnings = warningsOf(compiled, plugins);
      const presetRules = document.rules.length - siteRules;
      const methods = Object.groupBy(document.rules, ({ method }) => method);
      const byMethod = Object.fromEntries(Object.entries(methods).map(([method, rules]) => [method, rules.length]));
      const { default: fallback, extensions, modifierExtensions, leakGuard, labels } = document;
      if (json === true) {
        const settings = { default: fallback, extensions, modifierExtensions, leakGuard, labels };
        const rules = { own: siteRules, ofPreset: presetRules, byMethod };
        console.log(JSON.stringify({ name, digest, extends: preset, ...settings, rules, warnings }, null, 2));
        return;
      }
      const own = loaded.isPreset ? [] : [countText(siteRules, 'rule')];
      const ofPreset = preset === undefined ? [] : [`${countText(presetRules, 'rule')} of the preset ${preset}`];
      console.log(
        [
          `${name} is right: ${[...own, ...ofPreset].join(', then ')}.`,
          ...(plugins.length === 0 ? [`Policy digest: ${digest}`] : []),
          `Whatever no rule names: ${fallback}; extensions: ${extensions}; modifierExtensions: ${modifierExtensions}; ` +
            `leak guard: ${leakGuard}`,
          `By method: ${Object.entries(byMethod)
            .map(([method, count]) => `${method} ${String(count)}`)
            .join(', ')}`,
          ...warnings.map(({ means, code }) => `Warning: ${means} (${code})`),
        ].join('\n'),
      );
    });
}
