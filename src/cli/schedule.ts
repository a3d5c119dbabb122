/** `sluice schedule`: Schedules as the configuration says. */
import type { Command } from 'commander';

import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';

export function addSchedule(program: Command): void {
  program
    .command('schedule')
    .description('create, update and remove the instance’s Schedules (and the search attributes) in Temporal')
    .addOption(configOption())
    .option('--remove', 'remove them all: nothing is started any more')
    .addOption(jsonOption())
    .action(async ({ config: file, remove, json }: CommonOptions & { remove?: boolean }) => {
      await withClient(file, async (client) => {
        const changes =
          remove === true
            ? { created: [], updated: [], removed: await client.removeSchedules() }
            : await client.registerSchedules();
        if (json === true) console.log(JSON.stringify(changes));
        else {
          for (const [what, ids] of Object.entries(changes)) for (const id of ids) console.log(`${what} ${String(id)}`);
        }
      });
    });
}
