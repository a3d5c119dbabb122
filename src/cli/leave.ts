/** `sluice leave` and `sluice join`: an instance leaves the hub, and comes back. */
import { type Command, Option } from 'commander';

import type { LeaveChoice, LeaveStatus, SluiceClient } from '../client.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { configOrExit, withClient } from './run.ts';
import { countTexts } from './table.ts';

interface LeaveOptions extends CommonOptions {
  readonly data: LeaveChoice;
  readonly confirm: string;
  readonly wait: boolean;
}

export function addLeave(program: Command): void {
  program
    .command('leave')
    .description('take this instance off the hub: end its streams, delete or keep its data there, clear the site')
    .addOption(configOption())
    .addOption(
      new Option('--data <what>', 'what becomes of its data in the hub')
        .choices(['delete', 'keep'])
        .makeOptionMandatory(),
    )
    .requiredOption('--confirm <instance>', 'the instance’s name, as a confirmation')
    .option('--no-wait', 'return when it is begun; without it, when it is done or needs somebody')
    .addOption(jsonOption())
    .action(leave);
  program
    .command('join')
    .description('come back to the hub after `leave`: everything is read and written anew with the next sync')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async ({ config: file, json }: CommonOptions) => {
      await withClient(file, async (client) => {
        const streams = await client.join();
        if (json === true) console.log(JSON.stringify({ streams }));
        else if (streams === 0) console.log('the instance had not left: nothing to do');
        else console.log(`${String(streams)} streams begin anew. Now: sluice schedule, or sluice sync`);
      });
    });
}

async function leave({ config: file, data, confirm, wait, json }: LeaveOptions): Promise<void> {
  const { instance } = await configOrExit(file);
  if (confirm !== instance) {
    console.error(`--confirm has to be the name of the instance that leaves: ${instance}`);
    process.exit(2);
  }
  await withClient(file, async (client) => {
    await client.leave({ data });
    if (!wait) {
      if (json !== true) console.log('begun. The same command again shows how far it is');
      return;
    }
    const status = await untilLeft(client, json === true ? undefined : progress());
    if (json === true) console.log(JSON.stringify(status, null, 2));
    else if (status !== undefined) console.log(endText(status));
    if (status?.phase !== 'left') process.exitCode = 1;
  });
}

/** Waits for the end. Whoever is told that no worker answers has to know that it is begun all the same. */
async function untilLeft(
  client: SluiceClient,
  onChange: ((status: LeaveStatus) => void) | undefined,
): Promise<LeaveStatus | undefined> {
  try {
    return await client.waitUntilLeft(onChange);
  } catch (error) {
    console.error('It is begun, and goes on as soon as a worker runs.');
    throw error;
  }
}

/** Says each phase once. */
function progress(): (status: LeaveStatus) => void {
  let said = '';
  return ({ phase, type }) => {
    const text = `${phase}${type === undefined ? '' : ` ${type}`}`;
    if (text !== said && phase !== 'left') console.error(text);
    said = text;
  };
}

/** What came of it, and what is left for people to do. */
export function endText({ instance, data, phase, since, deleted, need, unnoted = [], keys = {} }: LeaveStatus): string {
  if (need !== undefined)
    return `${need.means}\n${need.cure} (${need.code})\nIt goes on by itself when that is mended.`;
  if (phase !== 'left') return `${instance}: ${phase}`;
  const counts = countTexts(deleted);
  const lines = [
    `${instance} has left the hub since ${since}. Data in the hub: ${data === 'keep' ? 'kept' : 'deleted'}`,
  ];
  if (counts.length > 0) lines.push(`deleted: ${counts.join(', ')}`);
  if (unnoted.length > 0) lines.push(`their cursors could not be told: ${unnoted.join(', ')}`);
  return [...lines, '', ...keysText(data, keys)].join('\n');
}

/** Key files are the operator's: the program made none of them where they lie, and deletes none. */
function keysText(data: LeaveChoice, keys: Readonly<Record<string, readonly number[]>>): string[] {
  const named = (purpose: string): string => {
    const versions = keys[purpose] ?? [];
    return versions.length === 0
      ? purpose
      : `${purpose} (${versions.map((version) => `v${String(version)}`).join(', ')})`;
  };
  const pseudonyms =
    data === 'keep'
      ? 'Destroy it, and what is kept in the hub can never be linked to patients again. Keep it, if coming back should give the same ids.'
      : 'Destroy it, unless coming back should give the same ids.';
  return [
    'Now do with the keys, and with every backup of them:',
    `  ${named('pseudonym')}: ${pseudonyms}`,
    `  ${named('staging')}: destroy it. Backups of state and staging are unreadable then.`,
    `  ${named('payload')}: keep it as long as Temporal’s histories are to be read, then destroy it.`,
    'To come back: sluice join.',
  ];
}
