/** What a stream's workflow shows: its status, its search attribute, and the details in Temporal's UI. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';

import type { RefusalCode, ResyncFound, StreamTotals } from '../activities/contract.ts';
import { countsText } from '../sync/counts-text.ts';
import { meaningOf } from '../sync/denial.ts';
import {
  type Need,
  type ResyncNote,
  searchAttributes,
  type SyncInput,
  type SyncState,
  type SyncStatus,
} from './messages.ts';

/** States in which data moves: one value of the search attribute, so that each step is not an event more. */
const moving: ReadonlySet<SyncState> = new Set([
  'fetching',
  'anonymizing',
  'stepping',
  'authorizing',
  'committing',
  'resyncing',
]);

const attributeOf = (state: SyncState): string => (moving.has(state) ? 'syncing' : state);

export class Face {
  #status: SyncStatus;

  constructor(input: SyncInput) {
    const { instance, direction, type, carried } = input;
    this.#status = {
      instance,
      direction,
      type,
      state: 'fetching',
      since: workflowInfo().startTime.toISOString(),
      paused: carried?.paused ?? false,
      ...(carried?.totals && { totals: carried.totals }),
    };
  }

  get status(): SyncStatus {
    return this.#status;
  }

  /** Enters a state. What a person has to do stands only as long as the state that needs it. */
  enter(state: SyncState, extra: { need?: Need; waitingFor?: readonly string[] } = {}): void {
    const before = attributeOf(this.#status.state);
    const { need: _need, waitingFor: _waitingFor, ...rest } = this.#status;
    // In workflow code `Date` is Temporal's clock: the same at every replay.
    this.#status = { ...rest, state, since: new Date().toISOString(), ...extra };
    if (attributeOf(state) !== before) {
      upsertSearchAttributes([{ key: searchAttributes.state, value: attributeOf(state) }]);
    }
    this.#show();
  }

  note(change: Partial<Pick<SyncStatus, 'paused' | 'batch' | 'head' | 'totals'>>): void {
    this.#status = { ...this.#status, ...change };
    this.#show();
  }

  /** An order to resync was carried out, or refused. Stands until the next one. */
  answerResync(codes: readonly RefusalCode[], found: ResyncFound | undefined): void {
    const refused = codes.map((code) => ({ code, ...meaningOf(code) }));
    this.#status = {
      ...this.#status,
      resync: { at: new Date().toISOString(), refused, ...(found && { found }) },
    };
    this.#show();
  }

  batchDone(totals: StreamTotals): void {
    const { batch: _done, ...rest } = this.#status;
    this.#status = { ...rest, totals };
    this.#show();
  }

  #show(): void {
    setCurrentDetails(detailsOf(this.#status));
  }
}

/** What a person has to do, in Markdown. */
export const needLines = ({ means, cure, code }: Readonly<Record<'means' | 'cure' | 'code', string>>): string[] => [
  '',
  `> ${means}`,
  '>',
  `> **To do:** ${cure} (\`${code}\`)`,
];

/** What came of an order to resync. */
function resyncLines({ at, refused, found }: ResyncNote): string[] {
  const counts = countsText(found);
  if (refused.length === 0) return ['', `Resync begun ${at}.${counts}`];
  return ['', `**Resync refused** ${at}: nothing was changed.${counts}`, ...refused.flatMap(needLines)];
}

/** The runbook that Temporal's UI shows beside a workflow, in Markdown. */
export function detailsOf(status: SyncStatus): string {
  const lines = [`**${status.type}** ${status.direction} · **${status.state}** since ${status.since}`];
  if (status.need !== undefined) lines.push(...needLines(status.need));
  if (status.resync !== undefined) lines.push(...resyncLines(status.resync));
  if (status.waitingFor !== undefined) lines.push('', `Waits for the first load of ${status.waitingFor.join(', ')}.`);
  if (status.batch !== undefined) {
    const { lo, hi, changes, deleted } = status.batch;
    lines.push('', `Batch ${String(lo)}→${String(hi)}: ${String(changes)} changes, ${String(deleted)} deleted.`);
  }
  if (status.totals !== undefined) {
    const { counts, delivered, parked, parkedAged, quarantined } = status.totals;
    const row = [
      counts.changes,
      counts.committed,
      counts.deleted,
      counts.unchanged,
      counts.withheld,
      parkedAged === undefined ? parked : `${String(parked)} (${String(parkedAged)} aged)`,
      quarantined,
    ];
    lines.push(
      '',
      '| changes | committed | deleted | unchanged | withheld | parked | quarantined |',
      '|---:|---:|---:|---:|---:|---:|---:|',
      `| ${row.join(' | ')} |`,
      '',
      `Delivered up to version ${String(delivered)}${status.head === undefined ? '' : ` of ${String(status.head)}`}.`,
    );
  }
  return lines.join('\n');
}
