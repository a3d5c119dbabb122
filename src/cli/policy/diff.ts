/** `sluice policy diff`: what becomes different of given data under another policy. */
import { randomBytes } from 'node:crypto';

import type { Command } from 'commander';

import { Changes } from '../../deid/analysis/changes.ts';
import type { ChangesResult } from '../../deid/analysis/changes.ts';
import { countText } from '../deid/units.ts';
import { jsonOption } from '../options.ts';
import { table } from '../table.ts';
import { compileLoaded } from './compiled.ts';
import { exitCodes } from '../exit.ts';
import { lookAtData } from './data.ts';
import { loadPolicy } from './load.ts';

const help = `
Both policies run on the data with one random key. Counted are leaves of the output by path: removed (the old policy
lets them pass, the new one does not), added, changed; no values. What the leak guard would mask is left out.

Exit codes: 0 nothing differs · 1 something differs · 2 a wrong policy or usage, nothing was read ·
3 something could not be read
`;

export function addDiff(policy: Command): void {
  policy
    .command('diff')
    .description('show which paths of given data come out differently under another policy')
    .argument('<old>', 'a file, or the name of a preset')
    .argument('<new>', 'a file, or the name of a preset')
    .argument('[data...]', 'resources, Bundles or NDJSON, also .gz; standard input where there is none')
    .addOption(jsonOption())
    .option('--quiet', 'no progress')
    .addHelpText('after', help)
    .action(
      async (before: string, after: string, data: string[], { json, quiet }: { json?: boolean; quiet?: boolean }) => {
        const one = compileLoaded(await loadPolicy(before)).compiled;
        const other = compileLoaded(await loadPolicy(after)).compiled;
        const keys = { pseudonymKeyVersion: 1, pseudonymKey: randomBytes(32) };
        const changes = new Changes(one, other, keys, new Date());
        const whole = await lookAtData(data, quiet === true, (value) => {
          changes.add(value);
        });
        const result = changes.result();
        console.log(json === true ? JSON.stringify(result, null, 2) : changesText(result));
        if (!whole) process.exitCode = exitCodes.withheld;
        else process.exitCode = result.differing > 0 ? exitCodes.failed : exitCodes.done;
      },
    );
}

function changesText({ resources, differing, paths, withheld, isCut }: ChangesResult): string {
  if (differing === 0) return `${countText(resources, 'resource')}: no difference`;
  const parts = [
    `${differing.toLocaleString('en')} of ${countText(resources, 'resource')} come out differently`,
    paths.length === 0
      ? ''
      : table(
          ['path', 'removed', 'added', 'changed'],
          paths.map(({ path, removed, added, changed }) => [path, removed, added, changed]),
        ),
    withheld.length === 0
      ? ''
      : table(
          ['before', 'after', 'resources'],
          withheld.map(({ before, after, resources: count }) => [before, after, count]),
        ),
    isCut ? 'There was more than is listed.' : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}
