/** Tables for a terminal. */
import type { LeaveStatus, ResyncAnswer, StreamStatus } from '../client.ts';
import { countsText } from '../sync/counts-text.ts';
import { denials, meaningOf } from '../sync/denial.ts';

/** Columns aligned by their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const right = head.map((_, column) => rows.every((row) => typeof row[column] === 'number' || row[column] === '–'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...cells.slice(1).map(line)].join('\n');
}

/** A time for a table: UTC, to the second. */
export const utcTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

/** Counts by what they count, as `2 Patient`. */
export const countTexts = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).map(([what, count]) => `${String(count)} ${what}`);

/** The table of streams. */
export function streamTable(statuses: readonly StreamStatus[]): string {
  const none = '–';
  return table(
    ['instance', 'direction', 'type', 'changes', 'committed', 'deleted', 'parked', 'quarantined', 'lag', 'state'],
    statuses.map(({ instance, direction, type, totals, lagSeconds, state }) => [
      instance,
      direction,
      type,
      totals?.counts.changes ?? none,
      totals?.counts.committed ?? none,
      totals?.counts.deleted ?? none,
      totals?.parkedAged === undefined
        ? (totals?.parked ?? none)
        : `${String(totals.parked)} (${String(totals.parkedAged)} aged)`,
      totals?.quarantined ?? none,
      lagSeconds === undefined ? none : `${String(lagSeconds)} s`,
      state,
    ]),
  );
}

/**
 * What a person has to do about streams, each cause once.
 * @param leaving - where the instance's leaving stands, where it has left or is about to
 */
export function needsText(statuses: readonly StreamStatus[], leaving?: LeaveStatus): string {
  const byCause = Map.groupBy(
    statuses.filter((status) => status.need !== undefined || ['denied', 'left', 'unanswered'].includes(status.state)),
    (status) => status.need?.code ?? (status.state === 'denied' ? `denied: ${status.reason ?? ''}` : status.state),
  );
  return [...byCause]
    .map(([cause, streams]) => {
      const need = streams[0]?.need;
      const types = streams.map((stream) => stream.type).join(', ');
      if (cause === 'left') return `${types}: ${leftText(leaving)}`;
      if (cause === 'unanswered') {
        return `${types}: no worker of ${streams[0]?.instance ?? ''} answers. Is \`sluice worker\` running there?`;
      }
      return need === undefined
        ? `${types}: ${cause}.${denialText(streams[0]?.reason)}`
        : `${types}: ${need.means} ${need.cure} (${need.code})`;
    })
    .concat(refusedText(statuses), agedText(statuses), driftText(statuses))
    .join('\n');
}

/** One that is not through yet must not look as if the data were gone. */
function leftText(leaving: LeaveStatus | undefined): string {
  if (leaving === undefined || leaving.phase === 'left')
    return 'the instance has left the hub. To come back: sluice join.';
  const { instance, data, phase, type, need } = leaving;
  const where = `${instance} is leaving the hub, data ${data}: ${phase}${type === undefined ? '' : ` ${type}`}.`;
  return need === undefined ? where : `${where} ${need.means} ${need.cure} (${need.code})`;
}

/** Orders to resync that were refused: each stands here until the next one of its stream. */
const refusedText = (statuses: readonly StreamStatus[]): string[] =>
  statuses.flatMap(({ type, resync }) =>
    resync === undefined || resync.refused.length === 0 ? [] : [answerText(type, resync)],
  );

/** What came of an order to resync, for a person. */
export function answerText(type: string, { atMs, refused, found }: ResyncAnswer): string {
  const counts = countsText(found);
  if (refused.length === 0) return `${type}: resync begun.${counts}`;
  const needs = refused.map((code) => {
    const { means, cure } = meaningOf(code);
    return `  ${means} ${cure} (${code})`;
  });
  return [`${type}: resync refused (${utcTime(atMs)} UTC), nothing was changed.${counts}`, ...needs].join('\n');
}

/** What has waited too long for a reference target. */
function agedText(statuses: readonly StreamStatus[]): string[] {
  const aged = statuses.filter(({ totals }) => (totals?.parkedAged ?? 0) > 0);
  if (aged.length === 0) return [];
  const types = aged.map(({ type, totals }) => `${String(totals?.parkedAged)} ${type}`).join(', ');
  return [
    `${types}: parked for too long. What they refer to has not come: are the streams of those types running, and does the source have it? (limits.parkedAgeSecondsMax)`,
  ];
}

/** What the last comparison of source and target has found, and nobody has mended. */
function driftText(statuses: readonly StreamStatus[]): string[] {
  return statuses.flatMap(({ type, reconciled }) => {
    if (reconciled === undefined || reconciled.differing === 0 || reconciled.repair) return [];
    const when = new Date(reconciled.atMs).toISOString().slice(0, 16).replace('T', ' ');
    return [
      `${type}: ${String(reconciled.differing)} differ between source and target (${when} UTC). \`sluice reconcile ${type} --repair\` mends them.`,
    ];
  });
}

/** What the hub's no means, and what mends it. */
function denialText(reason: string | undefined): string {
  const denial = Object.entries(denials).find(([code]) => code === reason)?.[1];
  return denial === undefined ? '' : ` ${denial.means} ${denial.cure}`;
}

/** Whether a person has to look: denied, blocked, paused, without a worker, something in quarantine, or parked for too long. */
export const needsAttention = (status: StreamStatus): boolean =>
  ['denied', 'blocked', 'paused', 'failed', 'terminated', 'unanswered'].includes(status.state) ||
  (status.totals?.quarantined ?? 0) > 0 ||
  (status.totals?.parkedAged ?? 0) > 0;
