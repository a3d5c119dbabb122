/** `sluice deidentify`: de-identifies files or standard input, without a site and without a hub. */
import { availableParallelism } from 'node:os';

import { type Command, InvalidArgumentError, Option } from 'commander';

import type { DeidentifyOptions } from './start.ts';

const help = `
Input: a resource, a Bundle or NDJSON, plain or gzip, told by its content; standard input where no file is named. Output
goes to standard output in the form it came in; several files become NDJSON. Input is read twice, since the leak guard has
to know all of a patient's words before anything is written; standard input is kept for that, encrypted, until the end.

The report is written at the end, in one piece: a run that breaks off leaves the one before. It cannot be a file that the
run reads.

--dry-run writes nothing but the counts; with --diff it shows each record before and after. That shows patients' data:
use it at the site, on a terminal. It refuses to write that into a file or a pipe without --force.

Exit codes: 0 done · 1 it failed · 2 a wrong policy, key or usage, nothing was read · 3 something was withheld or could
not be read: the rest was written. Types that the policy drops on purpose do not count as withheld. Where the reader of the
output stops early, as head does, standard error says so and the code is that of what was read until then.
`;

export function addDeidentify(program: Command): void {
  program
    .command('deidentify')
    .description('de-identify files or standard input by a policy, to standard output')
    .argument('[files...]', 'resources, Bundles or NDJSON, also .gz; standard input where there is none')
    .requiredOption('-p, --policy <file>', 'a policy, or the name of a preset')
    .addOption(
      new Option('--compat <tool>', 'run another tool’s configuration as it is').choices(['ms', 'fhir-pseudonymizer']),
    )
    .option('--key <file>', 'the pseudonym key (sluice keygen); without it a random one, for this run alone')
    .addOption(
      new Option('--instance <name>', 'the site, part of every pseudonym').default('local').argParser(parseInstance),
    )
    .addOption(new Option('--as-of <date>', 'the day that ages are counted at (default: today)').argParser(parseDate))
    .option('--plugin <module>', 'a plug-in that rules name, as in policy.plugins; repeat for several', collect)
    .option('--report <file>', 'write what was done as JSON: counts by rule and reason, no data')
    .addOption(
      new Option('--threads <n>', 'worker threads')
        .default(Math.min(8, availableParallelism()))
        .argParser(parseThreads),
    )
    .option('--dry-run', 'write no output')
    .option('--diff', 'with --dry-run: show each record before and after; THIS SHOWS PATIENTS’ DATA')
    .option('--force', 'with --diff: write it even where standard output is no terminal')
    .option('--quiet', 'no progress, no summary')
    .addHelpText('after', help)
    .action(async (files: string[], options: DeidentifyOptions) => {
      // Loaded here: no other command needs the engine.
      const { deidentifyFiles } = await import('./start.ts');
      await deidentifyFiles(files, options);
    });
}

const collect = (value: string, sofar: readonly string[] = []): string[] => [...sofar, value];

function parseInstance(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(text)) {
    throw new InvalidArgumentError('1 to 20 small letters, digits and dashes, as in a site’s configuration.');
  }
  return text;
}

function parseDate(text: string): Date {
  const date = new Date(text);
  if (
    !/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) ||
    Number.isNaN(date.getTime())
  ) {
    throw new InvalidArgumentError('a day such as 2026-01-31, or an ISO time with its zone.');
  }
  return date;
}

function parseThreads(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 99.');
  return Number(text);
}
