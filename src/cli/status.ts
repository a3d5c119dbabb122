/** `sluice status`: the state of each stream. */
import type { Command } from 'commander';

import type { SluiceClient, StreamStatus } from '../client.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';
import { needsText, streamTable } from './table.ts';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the state of each stream: of these types, or of all')
    .argument('[types...]', 'resource types')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (types: string[], { config: file, json }: CommonOptions) => {
      await withClient(file, async (client) => {
        const statuses = await client.status(types);
        if (json === true) {
          console.log(JSON.stringify(statuses, null, 2));
          return;
        }
        await printStreams(client, statuses);
      });
    });
}

/** The table of streams, and what they need. */
export async function printStreams(client: SluiceClient, statuses: readonly StreamStatus[]): Promise<void> {
  console.log(streamTable(statuses));
  // Where no worker answers, what the streams say is all that is known.
  const leaving = statuses.some(({ state }) => state === 'left')
    ? await client.leaveStatus().catch(() => undefined)
    : undefined;
  const needs = needsText(statuses, leaving);
  if (needs !== '') console.log(`\n${needs}`);
}
