/** `sluice resync`: asks, and waits a while for what each stream answers: it looks first whether anything stands in the way. */
import { type Command, Option } from 'commander';

import { exitCodes } from './exit.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';
import { answerText } from './table.ts';

/** Longer than a preflight takes, shorter than a person waits. */
const patienceMs = 60_000;

interface ResyncOptions extends CommonOptions {
  readonly acceptFewer?: boolean;
}

export function addResync(program: Command): void {
  program
    .command('resync')
    .description('read and write everything again from version 0, in a new epoch; exit 1 where that is refused')
    .argument('[types...]', 'resource types')
    .addOption(new Option('--accept-fewer', 'also where the source has far less than the target holds of this site'))
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (types: string[], { config: file, json, acceptFewer = false }: ResyncOptions) => {
      await withClient(file, async (client) => {
        const asked = await client.resync(types, { acceptFewer, patienceMs });
        if (json === true) console.log(JSON.stringify(asked));
        else {
          for (const { type, answer } of asked)
            console.log(
              answer === undefined
                ? `${type}: resync asked. It begins when the batch in hand is done, or the pause is over: see \`sluice status\``
                : answerText(type, answer),
            );
        }
        if (asked.some(({ answer }) => (answer?.refused.length ?? 0) > 0)) process.exitCode = exitCodes.failed;
      });
    });
}
