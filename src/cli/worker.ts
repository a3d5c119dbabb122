/** `sluice worker`: the site's background service. */
import type { Command } from 'commander';

import { type CommonOptions, configOption } from './options.ts';
import { configOrExit } from './run.ts';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('run the background service of a site, until SIGTERM: batches in flight finish or are given back')
    .addOption(configOption())
    .option(
      '--bundle <file>',
      'workflow bundle made by `npm run bundle`; without it the workflows are bundled at start',
    )
    .action(async ({ config: file, bundle }: CommonOptions & { bundle?: string }) => {
      const config = await configOrExit(file);
      const { runWorker } = await import('../worker.ts');
      try {
        await runWorker(config, bundle === undefined ? {} : { workflowBundle: { codePath: bundle } });
      } catch (error) {
        console.error(startProblem(error, config.temporal.address));
        process.exitCode = 1;
      }
    });
}

/** What kept the worker from running, without the error's message: that may quote anything. */
function startProblem(error: unknown, address: string): string {
  const name = error instanceof Error ? error.constructor.name : 'unknown error';
  if (name === 'TransportError') return `Temporal does not answer at ${address}. Is it running?`;
  if (name === 'StagingProblem' && error instanceof Error) return `staging cannot be used: ${error.message}`;
  if (name === 'StateProblem')
    return 'the state cannot be opened: check `state` in sluice.yaml, the file or the database, and the permissions';
  return `the worker failed: ${name}`;
}
