/** What `sluice deidentify` does, from its options to its exit code. */
import { exitCodes, usageExit } from '../exit.ts';
import type { Job } from './job.ts';
import { InputProblem, mistakeText } from './mistakes.ts';
import type { InputMistake } from './mistakes.ts';
import { OutputProblem, outputTo } from './output.ts';
import { prepare } from './prepare.ts';
import type { PolicyOptions } from './prepare.ts';
import { startProgress } from './progress.ts';
import { outputOver, targetFile, TargetProblem } from './replace-file.ts';
import type { ReadFile, Target } from './replace-file.ts';
import { needsEye, reportOf, summaryLine, withheldLines } from './report.ts';
import { runOver } from './run.ts';
import type { Run, RunResult } from './run.ts';
import { showDifferences } from './show.ts';
import { bytesTotal, openSources } from './source.ts';
import type { Source } from './source.ts';
import { soloTeam, threadTeam, WorkFailed } from './team.ts';
import { transformOf } from './transform-of.ts';

export interface DeidentifyOptions extends PolicyOptions {
  readonly report?: string;
  readonly threads: number;
  readonly dryRun?: boolean;
  readonly diff?: boolean;
  readonly force?: boolean;
  readonly quiet?: boolean;
}

/** More of them would bury what follows. All are counted. */
const mistakesShownMax = 100;
/** Threads take longer to start than this takes to do. */
const soloBytesMax = 4 * 2 ** 20;

export async function deidentifyFiles(files: string[], options: DeidentifyOptions): Promise<void> {
  checkDiff(options);
  const { job, guard, facts, note } = await prepare(options);
  const report = await targetsOrExit(files, options);
  const sources = await sourcesOrExit(files, guard);
  if (note !== undefined) console.error(note);
  const mistakes: InputMistake[] = [];
  const onMistake = (mistake: InputMistake): void => {
    mistakes.push(mistake);
    if (mistakes.length <= mistakesShownMax) console.error(mistakeText(mistake));
  };
  try {
    const result = await runJob(job, { sources, guard, onMistake }, options);
    await conclude(reportOf({ ...facts, files: sources.length }, result, mistakes), report, options.quiet === true);
  } catch (error) {
    if (!isTold(error)) throw error;
    console.error(error.message);
    process.exitCode = exitCodes.failed;
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

/** Errors whose message says all that is to be said. */
const isTold = (error: unknown): error is Error =>
  error instanceof OutputProblem || error instanceof WorkFailed || error instanceof TargetProblem;

function checkDiff({ diff = false, dryRun = false, force = false }: DeidentifyOptions): void {
  if (diff && !dryRun) usageExit('--diff shows patients’ data and needs --dry-run beside it');
  if (diff && !process.stdout.isTTY && !force) {
    usageExit('--diff shows patients’ data, and standard output is no terminal; --force writes it all the same');
  }
}

type Asked = Pick<Run, 'sources' | 'guard' | 'onMistake'>;

async function runJob(job: Job, asked: Asked, options: DeidentifyOptions): Promise<RunResult> {
  if (options.diff === true) {
    const { columns, isTTY } = process.stdout;
    const colour = isTTY && process.env.NO_COLOR === undefined;
    const transform = await transformOf(job);
    return showDifferences({
      ...asked,
      transform,
      output: outputTo(),
      columns: { width: isTTY ? columns : 160, colour },
    });
  }
  const bytes = bytesTotal(asked.sources);
  const isLittle = bytes !== undefined && bytes <= soloBytesMax;
  const team = isLittle || options.threads === 1 ? await soloTeam(job) : threadTeam(job, options.threads);
  const progress = startProgress(options.quiet === true);
  try {
    return await runOver({ ...asked, team, progress, output: options.dryRun === true ? undefined : outputTo() });
  } finally {
    progress.end();
    await team.close();
  }
}

/** Also with --quiet: the output is no whole set, and whoever reads it may not know. */
const stopped = 'Standard output was closed by its reader before the end: what follows was not written.';

async function conclude(
  report: ReturnType<typeof reportOf>,
  target: Target | undefined,
  quiet: boolean,
): Promise<void> {
  const unreadable = Object.values(report.input.unreadable).reduce((sum, one) => sum + one, 0);
  if (unreadable > mistakesShownMax) console.error(`… and ${String(unreadable - mistakesShownMax)} more`);
  for (const line of withheldLines(report)) console.error(line);
  if (!quiet) console.error(summaryLine(report));
  if (!report.output.complete) console.error(stopped);
  await target?.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = needsEye(report) ? exitCodes.withheld : exitCodes.done;
}

async function sourcesOrExit(files: readonly string[], twice: boolean): Promise<Source[]> {
  try {
    return await openSources(files, { twice });
  } catch (error) {
    if (error instanceof InputProblem) return usageExit(error.message);
    throw error;
  }
}

/** Looked at before anything is read: that the report cannot be written, or is the input, should not be found out at the end. */
async function targetsOrExit(files: readonly string[], options: DeidentifyOptions): Promise<Target | undefined> {
  const inputs = files.filter((file) => file !== '-').map((file): ReadFile => ({ what: 'the input', file }));
  const over = await outputOver(inputs);
  if (over !== undefined) usageExit(`standard output: the same file as ${over}; nothing was read`);
  if (options.report === undefined) return undefined;
  const { policy, key, plugin = [] } = options;
  const reads: ReadFile[] = [
    ...inputs,
    { what: 'the policy', file: policy },
    ...(key === undefined ? [] : [{ what: 'the key file', file: key }]),
    ...plugin.map((file) => ({ what: 'the plug-in', file })),
  ];
  return targetFile(options.report, reads).catch((error: unknown) => {
    if (error instanceof TargetProblem) usageExit(`--report ${error.message}`);
    throw error;
  });
}
