/** `sluice policy convert`: a policy of ours out of another tool's configuration. */
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';

import type { CompatConfig, Conversion } from '../../deid/compat/index.ts';
import { targetFile, TargetProblem } from '../deid/replace-file.ts';
import type { Target } from '../deid/replace-file.ts';
import { exitCodes, usageExit } from '../exit.ts';
import { policyText, problemsText } from './load.ts';

interface ConvertOptions {
  readonly from?: 'ms' | 'fhir-pseudonymizer';
  readonly default?: 'keep' | 'drop';
  readonly output?: string;
}

const help = `
Prints the policy as YAML; standard error says what became stricter, what differs and what could not be said. Keys are
left out: ours come from a key file. Both tools let pass what no rule names; --default keep asks for that here as well.

Exit codes: 0 done · 2 the configuration has mistakes · 3 done, but something could not be said and is
stricter now, or is weaker than it was: look at it
`;

export function addConvert(policy: Command): void {
  policy
    .command('convert')
    .description('make a policy of a configuration of Microsoft’s tool or of fhir-pseudonymizer')
    .argument('<file>', 'the configuration')
    .addOption(
      new Option('--from <tool>', 'whose it is; told by its content where left out').choices([
        'ms',
        'fhir-pseudonymizer',
      ]),
    )
    .addOption(new Option('--default <what>', 'what becomes of what no rule names').choices(['keep', 'drop']))
    .option('-o, --output <file>', 'write the policy there instead of to standard output')
    .addHelpText('after', help)
    .action(async (file: string, { from, output, default: fallback }: ConvertOptions) => {
      const { convertCompat, readCompatConfig } = await import('../../deid/compat/index.ts');
      const target = output === undefined ? undefined : await targetOrExit(output, file);
      const reading = readCompatConfig(await policyText(file));
      if (!reading.ok) usageExit(problemsText(file, reading.problems));
      const config = spokenBy(reading.config, from, file);
      const conversion = convertCompat(config, fallback === undefined ? {} : { default: fallback });
      const text = stringify(conversion.policy, { lineWidth: 120 });
      if (target === undefined) process.stdout.write(text);
      else await target.write(text).catch(exitWith);
      for (const line of reportLines(conversion)) console.error(line);
      process.exitCode = isFaithful(conversion) ? exitCodes.done : exitCodes.withheld;
    });
}

const targetOrExit = (output: string, source: string): Promise<Target> =>
  targetFile(output, [{ what: 'the configuration', file: source }]).catch(exitWith);

function exitWith(error: unknown): never {
  if (error instanceof TargetProblem) usageExit(error.message);
  throw error;
}

/** The configuration in the dialect that was asked for, if it can be in that. */
export function spokenBy(
  config: CompatConfig,
  tool: 'ms' | 'fhir-pseudonymizer' | undefined,
  file: string,
): CompatConfig {
  if (tool === undefined) return config;
  if (tool === 'ms' && config.dialect !== 'microsoft') {
    usageExit(`${file}: says what only fhir-pseudonymizer knows, so it is none of Microsoft's tool`);
  }
  return { ...config, dialect: tool === 'ms' ? 'microsoft' : tool };
}

/** Whether nobody has to look at it again. */
const isFaithful = ({ report, unconvertible }: Conversion): boolean =>
  unconvertible.length === 0 && report.every(({ change }) => change !== 'weaker');

function reportLines({ report, unconvertible }: Conversion): string[] {
  const where = (rule: number | undefined, path: string): string =>
    rule === undefined ? path || 'everywhere' : `fhirPathRules[${String(rule)}] ${path}`;
  return [
    ...report
      .filter(({ change }) => change !== 'same')
      .map(({ rule, path, change, what }) => `${change}: ${where(rule, path)}: ${what}`),
    ...unconvertible.map(
      ({ rule, path, why, instead }) => `cannot be said: ${where(rule, path)}: ${why}; instead ${instead}`,
    ),
  ];
}
