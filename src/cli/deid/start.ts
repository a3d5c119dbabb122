/** What `sluice deidentify` does, from its options to its exit code. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { exitCodes, usageExit } from '../exit.ts';
import type { Job } from './job.ts';
import { InputProblem, mistakeText } from './mistakes.ts';
import type { InputMistake } from './mistakes.ts';
import { OutputProblem, outputTo } from './output.ts';
import { prepare } from './prepare.ts';
import type { PolicyOptions } from './prepare.ts';
import { startProgress } from './progress.ts';
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
  const report = await reportOrExit(options.report);
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
    if (!(error instanceof OutputProblem || error instanceof WorkFailed)) throw error;
    console.error(error.message);
    process.exitCode = exitCodes.failed;
  } finally {
    await report?.close();
    await Promise.all(sources.map((source) => source.close()));
  }
}

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
    const transform = transformOf(job);
    return showDifferences({
      ...asked,
      transform,
      output: outputTo(),
      columns: { width: isTTY ? columns : 160, colour },
    });
  }
  const bytes = bytesTotal(asked.sources);
  const isLittle = bytes !== undefined && bytes <= soloBytesMax;
  const team = isLittle || options.threads === 1 ? soloTeam(job) : threadTeam(job, options.threads);
  const progress = startProgress(options.quiet === true);
  try {
    return await runOver({ ...asked, team, progress, output: options.dryRun === true ? undefined : outputTo() });
  } finally {
    progress.end();
    await team.close();
  }
}

async function conclude(
  report: ReturnType<typeof reportOf>,
  file: FileHandle | undefined,
  quiet: boolean,
): Promise<void> {
  await file?.writeFile(`${JSON.stringify(report, null, 2)}\n`);
  const unreadable = Object.values(report.input.unreadable).reduce((sum, one) => sum + one, 0);
  if (unreadable > mistakesShownMax) console.error(`… and ${String(unreadable - mistakesShownMax)} more`);
  for (const line of withheldLines(report)) console.error(line);
  if (!quiet) console.error(summaryLine(report));
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

/** Opened before anything is read: a report that cannot be written should not be found out at the end. */
async function reportOrExit(file: string | undefined): Promise<FileHandle | undefined> {
  return file === undefined ? undefined : open(file, 'w').catch(() => usageExit(`${file}: cannot be written`));
}
