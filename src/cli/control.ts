/** `sluice pause`, `resume`, `retry`. */
import type { Command } from 'commander';

import type { SluiceClient } from '../client.ts';
import type { StreamKey } from '../state/streams.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';

interface Order {
  readonly name: string;
  readonly description: string;
  readonly done: string;
  readonly give: (client: SluiceClient, types: string[]) => Promise<StreamKey[]>;
}

const orders: readonly Order[] = [
  {
    name: 'pause',
    description: 'finish the batch in hand, then hold until resumed: these types, or all',
    done: 'paused',
    give: (client, types) => client.pause(types),
  },
  { name: 'resume', description: 'end a pause', done: 'resumed', give: (client, types) => client.resume(types) },
  {
    name: 'retry',
    description: 'try at once what is blocked or waits for a retry',
    done: 'retry asked of',
    give: (client, types) => client.retry(types),
  },
];

export function addControl(program: Command): void {
  for (const { name, description, done, give } of orders) {
    program
      .command(name)
      .description(description)
      .argument('[types...]', 'resource types')
      .addOption(configOption())
      .addOption(jsonOption())
      .action(async (types: string[], { config: file, json }: CommonOptions) => {
        await withClient(file, async (client) => {
          const streams = await give(client, types);
          if (json === true) console.log(JSON.stringify(streams));
          else
            console.log(
              streams.length === 0
                ? 'no stream is open: nothing to do'
                : `${done} ${streams.map(({ type }) => type).join(', ')}`,
            );
        });
      });
  }
}
