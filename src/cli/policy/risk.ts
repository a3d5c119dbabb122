/** `sluice policy risk`: how easily could somebody be found in a de-identified set? */
import { type Command, InvalidArgumentError, Option } from 'commander';

import type { RiskPath } from '../../deid/risk/path.ts';
import type { RiskResult } from '../../deid/risk/result.ts';
import { jsonOption } from '../options.ts';
import { exitCodes, usageExit } from '../exit.ts';
import { lookAtData } from './data.ts';
import { riskText } from './risk-text.ts';

interface RiskOptions {
  readonly qi?: readonly string[];
  readonly sensitive?: readonly string[];
  readonly k: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const help = `
Quasi-identifiers are what an outsider may know: Patient.birthDate, Patient.gender, Patient.address.state,
Patient.address.postalCode, Patient.deceased and us-core-race, unless --qi names others. A path may be any FHIRPath on
Patient or on a type that refers to patients (Encounter.period.start). us-core-race and us-core-ethnicity are names.
Patients without a value are alike in that. Only counts are printed, no value and no id.

Exit codes: 0 every class has --k patients or more · 1 a class is smaller, or there is no patient ·
2 wrong usage, nothing was read · 3 something could not be read or evaluated
`;

export function addRisk(policy: Command): void {
  policy
    .command('risk')
    .description('measure k-anonymity, l-diversity and re-identification risk of de-identified data')
    .argument('[files...]', 'resources, Bundles or NDJSON, also .gz; standard input where there is none')
    .option('--qi <path>', 'a quasi-identifier instead of the usual ones; repeat for several', collect)
    .option('--sensitive <path>', 'a sensitive value (default: Condition.code); repeat for several', collect)
    .addOption(new Option('--k <n>', 'the smallest class that will do').default(11).argParser(parseK))
    .addOption(jsonOption())
    .option('--quiet', 'no progress')
    .addHelpText('after', help)
    .action(async (files: string[], { qi, sensitive, k, json, quiet }: RiskOptions) => {
      // Loaded here: only this command needs the FHIRPath library, which takes a while.
      const { defaultQuasiIdentifiers, defaultSensitive, readRiskPath } = await import('../../deid/risk/path.ts');
      const { RiskSurvey } = await import('../../deid/risk/survey.ts');
      const read = (paths: readonly string[], option: string): RiskPath[] =>
        [...new Set(paths)].map((text) => {
          const reading = readRiskPath(text);
          if (!reading.ok) usageExit(`${option} ${text}: expected ${reading.expected}`);
          return reading.path;
        });
      const survey = new RiskSurvey(
        read(qi ?? defaultQuasiIdentifiers, '--qi'),
        read(sensitive ?? defaultSensitive, '--sensitive'),
      );
      const whole = await lookAtData(files, quiet === true, (value) => {
        survey.add(value);
      });
      const result = survey.result(k);
      console.log(json === true ? JSON.stringify(result, null, 2) : riskText(result));
      process.exitCode = codeOf(result, whole);
    });
}

function codeOf(result: RiskResult, whole: boolean): number {
  if (!whole || result.failures.length > 0) return exitCodes.withheld;
  return (result.smallestK ?? 0) < result.k ? exitCodes.failed : exitCodes.done;
}

const collect = (value: string, sofar: readonly string[] = []): string[] => [...sofar, value];

function parseK(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('a whole number from 1.');
  return Number(text);
}
