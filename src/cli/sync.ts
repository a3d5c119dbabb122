/** `sluice sync`: now, instead of with the next tick. */
import type { Command } from 'commander';

import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';
import { printStreams } from './status.ts';
import { needsAttention } from './table.ts';

export function addSync(program: Command): void {
  program
    .command('sync')
    .description('look for changes now: of these types, or of all')
    .argument('[types...]', 'resource types')
    .addOption(configOption())
    .option(
      '--wait',
      'return when all are caught up; exit 1 when one is denied, blocked, paused or has quarantined resources',
    )
    .addOption(jsonOption())
    .action(async (types: string[], { config: file, wait, json }: CommonOptions & { wait?: boolean }) => {
      await withClient(file, async (client) => {
        const streams = await client.sync(types);
        if (wait !== true) {
          console.log(
            json === true ? JSON.stringify(streams) : `asked ${String(streams.length)} streams to look for changes`,
          );
          return;
        }
        const statuses = await client.waitUntilSettled(types);
        if (json === true) console.log(JSON.stringify(statuses, null, 2));
        else await printStreams(client, statuses);
        if (statuses.some(needsAttention)) process.exitCode = 1;
      });
    });
}
