/** `sluice reconcile`: do source and target agree, and what was edited where it should not have been? */
import type { Command } from 'commander';

import type { Conflict, ReconcileReport, SluiceClient } from '../client.ts';
import { type CommonOptions, configOption, jsonOption } from './options.ts';
import { withClient } from './run.ts';
import { countTexts, table, utcTime } from './table.ts';

interface ReconcileOptions extends CommonOptions {
  readonly repair?: boolean;
  readonly wait?: boolean;
  readonly conflicts?: boolean;
}

export function addReconcile(program: Command): void {
  program
    .command('reconcile')
    .description(
      'compare sources with targets, and find what no feed shows: purges, bulk loads, raw SQL, edited copies',
    )
    .argument('[types...]', 'resource types')
    .addOption(configOption())
    .option('--repair', 'mend what differs: the owner’s state is written again, what has no owner is deleted')
    .option(
      '--wait',
      'return with the counts; with --repair when all are caught up. Exit 1 when something differs still',
    )
    .option(
      '--conflicts',
      'list the copies that somebody had changed, and that a repair wrote anew; nothing is compared',
    )
    .addOption(jsonOption())
    .action(async (types: string[], options: ReconcileOptions) => {
      if (options.conflicts === true && (options.repair === true || options.wait === true)) {
        console.error('say either --conflicts, or --repair and --wait');
        process.exit(2);
      }
      await withClient(options.config, (client) =>
        options.conflicts === true ? showConflicts(client, types, options) : compare(client, types, options),
      );
    });
}

async function compare(
  client: SluiceClient,
  types: readonly string[],
  { repair = false, wait, json }: ReconcileOptions,
): Promise<void> {
  if (wait !== true) {
    const streams = await client.startReconcile(types, { repair });
    console.log(json === true ? JSON.stringify(streams) : `asked to compare ${String(streams.length)} streams`);
    return;
  }
  const reports = await client.reconcile(types, { repair });
  const mended = repair ? reports.filter(differs).map(({ type }) => type) : [];
  if (mended.length > 0) await client.waitUntilSettled(mended);
  console.log(json === true ? JSON.stringify(reports, null, 2) : reportText(reports));
  if (reports.some((report) => report.outcome !== 'compared' || (differs(report) && !repair))) process.exitCode = 1;
}

const differs = ({ drift }: ReconcileReport): boolean => Object.keys(drift).length > 0;

function reportText(reports: readonly ReconcileReport[]): string {
  const rows = reports.map(({ direction, type, outcome, reason, written, target, source, undecided, drift }) => {
    if (outcome !== 'compared') return [direction, type, '–', '–', '–', '–', `${outcome}: ${reason ?? ''}`];
    const kinds = countTexts(drift);
    return [direction, type, source, written, target, undecided, kinds.length === 0 ? 'nothing' : kinds.join(', ')];
  });
  const head = ['direction', 'type', 'source', 'written', 'target', 'undecided', 'differs'];
  const ranges = reports.filter(differs).map(rangesText);
  return [table(head, rows), ...ranges].join('\n\n');
}

/** Where it differs, by the first character of the ids in the target. */
function rangesText({ type, ranges }: ReconcileReport): string {
  const lines = Object.entries(ranges).flatMap(([range, { written: _w, target: _t, source: _s, ...drift }]) => {
    const kinds = countTexts(drift);
    return kinds.length === 0 ? [] : [`  ${range}…  ${kinds.join(', ')}`];
  });
  return [`${type}, by the first character of the ids in the target:`, ...lines].join('\n');
}

async function showConflicts(
  client: SluiceClient,
  types: readonly string[],
  { json }: ReconcileOptions,
): Promise<void> {
  const conflicts = await client.conflicts(types);
  if (json === true) console.log(JSON.stringify(conflicts, null, 2));
  else console.log(conflicts.length === 0 ? 'no conflicts' : conflictTable(conflicts));
}

const conflictTable = (conflicts: readonly Conflict[]): string =>
  table(
    ['direction', 'key in the target', 'what was found', 'when (UTC)'],
    conflicts.map(({ direction, key, kind, foundMs }) => [
      direction,
      key,
      kind === 'edited' ? 'edited there' : 'deleted there, or its origin taken away',
      utcTime(foundMs),
    ]),
  );
