/** `sluice check`: is the configuration right, and which policy digest has the hub to approve? */
import type { Command } from 'commander';

import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { configOrExit } from './run.ts';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check the configuration, print the streams and the policy digest that the hub has to approve')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async ({ config: file, json }: CommonOptions) => {
      const config = await configOrExit(file);
      // Loaded here: it brings the whole service with it, which no other command should wait for.
      const { compiledPolicyOf } = await import('../assemble.ts');
      const policyDigest = (await compiledPolicyOf(config)).digest;
      const types = (direction: 'up' | 'down'): string[] =>
        config.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type);
      const registration = {
        resourceType: 'AidboxInstance',
        id: config.instance,
        enabled: true,
        up: types('up'),
        down: types('down'),
        policies: [policyDigest],
      };
      if (json === true)
        console.log(JSON.stringify({ instance: config.instance, policyDigest, registration }, null, 2));
      else {
        console.log(`${file} is right: instance ${config.instance}, ${String(config.streams.length)} streams.`);
        console.log(`Policy digest: ${policyDigest}`);
        console.log(`What the hub has to hold to allow all of it:\n${JSON.stringify(registration, null, 2)}`);
      }
    });
}
