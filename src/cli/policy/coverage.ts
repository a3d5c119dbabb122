/** `sluice policy coverage`: what of given data no rule of a policy names. */
import type { Command } from 'commander';

import { Coverage } from '../../deid/analysis/coverage.ts';
import type { CoverageResult } from '../../deid/analysis/coverage.ts';
import { countText } from '../deid/units.ts';
import { jsonOption } from '../options.ts';
import { table } from '../table.ts';
import { compileLoaded } from './compiled.ts';
import { exitCodes } from '../exit.ts';
import { lookAtData } from './data.ts';
import { loadPolicy } from './load.ts';

const help = `
Prints paths, extensions by url, attributes and types, with counts; no values and no ids. Of a url what stands behind ? or #
is left out, and a part that looks like a number, a date or an address is "…".

Exit codes: 0 done · 2 a wrong policy or usage, nothing was read · 3 something could not be read
`;

export function addCoverage(policy: Command): void {
  policy
    .command('coverage')
    .description('show what of given data no rule names: what the default, not the author, decides on')
    .argument('<policy>', 'a file, or the name of a preset')
    .argument('[data...]', 'resources, Bundles or NDJSON, also .gz; standard input where there is none')
    .addOption(jsonOption())
    .option('--quiet', 'no progress')
    .addHelpText('after', help)
    .action(async (name: string, data: string[], { json, quiet }: { json?: boolean; quiet?: boolean }) => {
      const { compiled } = compileLoaded(await loadPolicy(name));
      const coverage = new Coverage(compiled);
      const whole = await lookAtData(data, quiet === true, (value) => {
        coverage.add(value);
      });
      const result = coverage.result();
      console.log(json === true ? JSON.stringify(result, null, 2) : coverageText(result));
      process.exitCode = whole ? exitCodes.done : exitCodes.withheld;
    });
}

function coverageText(result: CoverageResult): string {
  const { resources, leaves, named, paths, extensions, types } = result;
  const share =
    leaves === 0 ? 'there is nothing to name' : `${((named / leaves) * 100).toFixed(1)} % are named by a rule`;
  const own = paths.filter(({ isUnknown }) => isUnknown);
  const parts = [
    `${countText(resources, 'resource')}, ${countText(leaves, 'leaf', 'leaves')}: ${share}`,
    listed(
      'path that no rule names',
      paths.filter(({ isUnknown }) => !isUnknown),
    ),
    listed('path that R4 does not have', own),
    extensions.length === 0
      ? ''
      : table(
          ['unknown extension', 'count', 'outcome', 'in'],
          extensions.map((one) => [
            `${one.isModifier ? 'modifier ' : ''}${one.url}`,
            one.count,
            one.outcome,
            one.paths.join(', '),
          ]),
        ),
    types.length === 0
      ? ''
      : table(
          ['unknown type', 'resources'],
          types.map(({ type, resources: count }) => [type, count]),
        ),
    result.isCut ? 'There was more than is listed.' : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const listed = (head: string, paths: CoverageResult['paths']): string =>
  paths.length === 0
    ? ''
    : table(
        [head, 'leaves', 'outcome'],
        paths.map(({ path, leaves, outcome }) => [path, leaves, outcome]),
      );
