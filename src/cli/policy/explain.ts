/** `sluice policy explain`: which rule takes a path, and why. */
import type { Command } from 'commander';

import { explain } from '../../deid/analysis/explain.ts';
import type { Explanation, Outcome } from '../../deid/analysis/explain.ts';
import type { RuleRef } from '../../deid/analysis/rule-ref.ts';
import { jsonOption } from '../options.ts';
import { compileLoaded } from './compiled.ts';
import { usageExit } from '../exit.ts';
import { loadPolicy } from './load.ts';
import type { LoadedPolicy } from './load.ts';

export function addExplain(policy: Command): void {
  policy
    .command('explain')
    .description('say which rule takes a path, and why')
    .argument('<policy>', 'a file, or the name of a preset')
    .argument('<paths...>', "such as Patient.birthDate, Observation.value or Patient.extension('url')")
    .addOption(jsonOption())
    .action(async (name: string, paths: string[], { json }: { json?: boolean }) => {
      const loaded = await loadPolicy(name);
      const compiled = compileLoaded(loaded);
      const explained = paths.flatMap((path) => {
        const explaining = explain(path, compiled);
        if (!explaining.ok) usageExit(`${path}: expected ${explaining.expected}`);
        return explaining.places;
      });
      const withLines = explained.map((one) => lined(one, loaded));
      if (json === true) console.log(JSON.stringify(withLines, null, 2));
      else console.log(explained.map((one) => explanationText(one, loaded)).join('\n\n'));
    });
}

/** The same, with the line of each of the file's own rules. */
function lined(one: Explanation, { lineOfRule }: LoadedPolicy): Explanation {
  const withLine = (ref: RuleRef): RuleRef & { line?: number } => {
    const line = ref.origin === 'site' && ref.index !== undefined ? lineOfRule(ref.index) : undefined;
    return line === undefined ? ref : { ...ref, line };
  };
  return {
    ...one,
    rule: withLine(one.rule),
    before: one.before.map(withLine),
    after: one.after.map(withLine),
    parts: one.parts.map((part) => ({ ...part, rule: withLine(part.rule) })),
  };
}

/** `rules[3] (line 14): dateTruncate Patient.birthDate`. */
export function ruleText(
  { origin, index, method, path }: RuleRef,
  { document, lineOfRule, name }: LoadedPolicy,
): string {
  if (origin === 'built-in') return `what holds in every Bundle: ${method} ${path}`;
  if (origin === 'meta') return 'no rule; of meta, profile, security and tag pass by themselves';
  if (origin === 'default') return `no rule; default: ${method === 'default-keep' ? 'keep' : 'drop'}`;
  if (origin === 'extensions') return `no rule names this extension; unknown ones: ${method.replace('extension-', '')}`;
  const line = index === undefined || origin === 'preset' ? undefined : lineOfRule(index);
  const whose = origin === 'preset' ? `preset ${document.extends ?? name} ` : '';
  const where = line === undefined ? '' : ` (line ${String(line)})`;
  return `${whose}rules[${String(index)}]${where}: ${method} ${path}`;
}

const outcomes: Readonly<Record<Outcome, string>> = {
  kept: 'passes',
  removed: 'is removed',
  changed: 'is changed',
  parts: 'is judged part by part',
  pseudonym: 'is rewritten: ids, references and addresses always become pseudonyms',
  always: 'is written by the engine, whatever the policy says',
  resource: 'is judged by the rules of the type that stands there',
  withheld: 'is withheld: resources of this type do not pass',
};

/** A whole resource has dozens. */
const partsMax = 12;

function explanationText(one: Explanation, loaded: LoadedPolicy): string {
  const said = (ref: RuleRef): string => ruleText(ref, loaded);
  const lines = [`${one.path}${one.type === '' ? '' : ` (${one.type})`} ${outcomes[one.outcome]}`];
  if (!one.isFixed) lines.push(`  by     ${said(one.rule)}`);
  if (one.methodDoesNotFit) lines.push(`         which does not work on ${one.type === '' ? 'it' : `a ${one.type}`}`);
  for (const ref of one.before) lines.push(`  unless ${said(ref)} (depends on the data)`);
  for (const { rule, outcome, leaves } of one.parts.slice(0, partsMax)) {
    lines.push(`  parts  ${String(leaves)} ${outcome}: ${said(rule)}`);
  }
  if (one.parts.length > partsMax) lines.push(`  parts  … by ${String(one.parts.length - partsMax)} more (--json)`);
  for (const ref of one.after) lines.push(`  then   ${said(ref)} (would, if the others did not)`);
  return lines.join('\n');
}
