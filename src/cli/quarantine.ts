/** `sluice quarantine`: list what was refused, look at it at the site, have it tried again, or give it up. */
import { type Command, Option } from 'commander';

import { discardReasons } from '../activities/contract.ts';
import type { DiscardReason, QuarantineSelection, QuarantineView, SluiceClient } from '../client.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { showQuarantined } from './quarantine-show.ts';
import { configOrExit, withClient } from './run.ts';
import { countTexts, table, utcTime } from './table.ts';

interface ChoiceOptions extends CommonOptions {
  readonly type?: string[];
  readonly all?: boolean;
}

interface DiscardOptions extends ChoiceOptions {
  readonly reason: DiscardReason;
  readonly ticket: string;
}

export function addQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('what was refused: list, show, retry, discard');
  addList(quarantine);
  addShow(quarantine);
  withChoice(quarantine.command('retry').description('try again what was refused, now'))
    .addOption(jsonOption())
    .action((keys: string[], options: ChoiceOptions) =>
      order(keys, options, ['to be tried again', 'not in quarantine, or cannot be tried again'], (client, selection) =>
        client.retryQuarantined(selection),
      ),
    );
  withChoice(quarantine.command('discard').description('give up what was refused; it is recorded, with the reason'))
    .addOption(new Option('--reason <reason>', 'why').choices(discardReasons).makeOptionMandatory())
    .option('--ticket <ticket>', 'where more is written about it: letters, digits, dashes', '')
    .addOption(jsonOption())
    .action((keys: string[], options: DiscardOptions) =>
      order(keys, options, ['discarded', 'not in quarantine'], (client, selection) =>
        client.discardQuarantined(selection, options.reason, options.ticket),
      ),
    );
}

const withChoice = (command: Command): Command =>
  command
    .argument('[keys...]', 'Type/id, as `sluice quarantine list` prints them')
    .option('--type <types...>', 'all of these types')
    .option('--all', 'all of this instance')
    .addOption(configOption());

function addList(quarantine: Command): void {
  quarantine
    .command('list')
    .description('reasons, attempts and times, of these types or of all; never content')
    .argument('[types...]', 'resource types')
    .option('--discarded', 'what was given up instead, and of which nothing newer has come')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (types: string[], { config, discarded = false, json }: CommonOptions & { discarded?: boolean }) => {
      await withClient(config, async (client) => {
        const entries: QuarantineView[] = [];
        for await (const entry of client.quarantined(types, { discarded })) entries.push(entry);
        if (json === true) console.log(JSON.stringify(entries, null, 2));
        else if (entries.length === 0) console.log(discarded ? 'nothing was given up' : 'nothing is in quarantine');
        else console.log((discarded ? discardedTable : entryTable)(entries));
      });
    });
}

const discardedTable = (entries: readonly QuarantineView[]): string =>
  table(
    ['key', 'refused for', 'status', 'given up for', 'ticket', 'when (UTC)'],
    entries.map(({ key, reason, status, discarded }) => [
      key,
      reason,
      status === 0 ? '–' : status,
      discarded?.reason ?? '',
      discarded?.ticket ?? '',
      utcTime(discarded?.atMs ?? 0),
    ]),
  );

function entryTable(entries: readonly QuarantineView[]): string {
  return table(
    ['key', 'reason', 'status', 'attempts', 'first (UTC)', 'last (UTC)', 'retry'],
    entries.map(({ key, reason, status, attempts, firstMs, lastMs, form, ordered }) => [
      key,
      reason,
      status === 0 ? '–' : status,
      attempts,
      utcTime(firstMs),
      utcTime(lastMs),
      ordered ? 'ordered' : form === 'row' || form === 'none' ? 'not possible' : 'possible',
    ]),
  );
}

function addShow(quarantine: Command): void {
  quarantine
    .command('show')
    .description('print what was refused. At the site only, with its keys: it may be patients’ data')
    .argument('<key>', 'Type/id, as `sluice quarantine list` prints it')
    .addOption(configOption())
    .option('--force', 'also where standard output is no terminal')
    .action(async (key: string, { config: file, force }: CommonOptions & { readonly force?: boolean }) => {
      if (!process.stdout.isTTY && force !== true) {
        console.error(
          'standard output is no terminal: what is printed may be patients’ data. Say --force if you mean it.',
        );
        process.exit(2);
      }
      process.exitCode = await showQuarantined(await configOrExit(file), key);
    });
}

/** Gives an order for some entries; for all of them only where that is said. Ends with 1 where a key that was named is none. */
async function order(
  keys: readonly string[],
  { config, type: types = [], all, json }: ChoiceOptions,
  [done, undone]: readonly [done: string, undone: string],
  give: (client: SluiceClient, selection: QuarantineSelection) => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  if (keys.length === 0 && types.length === 0 && all !== true) {
    console.error('say which: keys, --type <types...> or --all');
    process.exit(2);
  }
  if (keys.length > 0 && (types.length > 0 || all === true)) {
    console.error('say either keys, or --type and --all');
    process.exit(2);
  }
  await withClient(config, async (client) => {
    const counts = await give(client, { keys, types });
    const texts = countTexts(counts);
    if (json === true) console.log(JSON.stringify(counts));
    else console.log(texts.length === 0 ? `nothing ${done}` : `${done}: ${texts.join(', ')}`);
    const left = new Set(keys).size - Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (left <= 0) return;
    console.error(`${String(left)} of the keys: ${undone}`);
    process.exitCode = 1;
  });
}
