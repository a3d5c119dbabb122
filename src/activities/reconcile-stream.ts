/**
 * reconcile-stream: compares what the source has of a stream with what stands in the target, and finds what no feed shows:
 * purges, bulk loads, raw SQL, copies that somebody edited. Repairs it on request, by the stream's own batches.
 *
 * The ledger is copied first, then the target is listed, then the source is read through; what the feed brings meanwhile is
 * left to the feed.
 */
import { randomBytes } from 'node:crypto';

import { fixedLimits } from '../limits.ts';
import { currentDeparture } from '../state/departures.ts';
import { readStream, type StreamPosition } from '../state/streams.ts';
import { beginSurvey, copyLedger, dropSurvey, endSurvey, type Survey } from '../state/survey.ts';
import { compareCursor, cursorOf } from '../sync/cursor.ts';
import { readCursor } from './commit/cursor-writes.ts';
import type { ReconcileInput, ReconcileReport, SkipReason, StreamKey } from './contract.ts';
import { cancelSignal, guarded, heartbeat, onSide, TroubleError } from './failures.ts';
import { type Parts, policyOf, sourceName } from './parts.ts';
import type { StartStream } from './poll-streams.ts';
import { judgeAll } from './reconcile/judge.ts';
import { leaveMoving } from './reconcile/moving.ts';
import { readSource } from './reconcile/source-pass.ts';
import { Tally } from './reconcile/tally.ts';
import { commitsOnTheirWay, haveEnded, listTarget } from './reconcile/target-pass.ts';

export const createReconcileStream = (
  parts: Parts,
  start: StartStream,
): ((input: ReconcileInput) => Promise<ReconcileReport>) =>
  guarded('reconcile-stream', parts.log, (input: ReconcileInput) => reconcileStream(parts, start, input));

async function reconcileStream(parts: Parts, start: StartStream, input: ReconcileInput): Promise<ReconcileReport> {
  const { stream, repair } = input;
  const position = await readStream(parts.db, stream);
  const reason = await notComparable(parts, stream, position);
  if (reason !== undefined) return skipped(parts, input, reason);
  const survey: Survey = { ...stream, run: randomBytes(8).toString('hex') };
  const tally = new Tally();
  await copyWholeLedger(parts, survey, tally);
  await listTarget(parts, survey, tally);
  const onTheirWay = await commitsOnTheirWay(parts, stream.direction);
  await readSource(parts, { survey, tally, keepsIds: repair });
  tally.undecided += await leaveMoving(parts, survey, position.settled);
  const trustsTarget = await haveEnded(parts, stream.direction, onTheirWay);
  const isSame = await judgeAll(parts, { survey, tally, repair, epoch: position.epoch, trustsTarget });
  if (!isSame) {
    await dropSurvey(parts.db, survey);
    return skipped(parts, input, 'resynced');
  }
  const report = reportOf(input, tally);
  await endSurvey(parts.db, survey, report, parts.now());
  const { drift: _drift, ranges: _ranges, outcome: _outcome, ...counts } = report;
  const differing = Object.values(report.drift).reduce((sum, count) => sum + count, 0);
  parts.log[differing > 0 ? 'warn' : 'info']('stream-reconciled', { ...counts, differing, ...report.drift });
  if (repair && differing > 0) await start({ stream, askFirst: false });
  return report;
}

/** Why a stream cannot be compared now; its own workflow says what it needs. */
async function notComparable(
  parts: Parts,
  stream: StreamKey,
  position: StreamPosition,
): Promise<SkipReason | undefined> {
  const { direction, type } = stream;
  if (!parts.streams.some((one) => one.direction === direction && one.type === type))
    throw new TroubleError('stream-unknown');
  if ((await currentDeparture(parts.db)) !== undefined) return 'left';
  if (!position.loaded) return 'not-loaded';
  if (position.denied !== '') return 'denied';
  // What an earlier epoch has left is not judged before the resync itself has.
  if (position.leftoversFrom !== -1) return 'resync-unfinished';
  const versioned = await readCursor(parts, { direction, type });
  const verdict = compareCursor(cursorOf(versioned?.resource), position, policyOf(parts, direction));
  if (verdict.kind === 'trouble') return verdict.code;
  const head = await onSide('source', () => parts.servers[sourceName(direction)].head(type, cancelSignal()));
  return head < position.delivered ? 'source-restored' : undefined;
}

async function copyWholeLedger(parts: Parts, survey: Survey, tally: Tally): Promise<void> {
  await beginSurvey(parts.db, survey);
  for (let after = ''; ;) {
    const keys = await copyLedger(parts.db, survey, after, fixedLimits.reconcileKeysMax);
    const last = keys.at(-1);
    if (last === undefined) return;
    for (const key of keys) tally.count('written', key);
    heartbeat({ written: tally.total('written') });
    after = last;
  }
}

function reportOf({ stream, repair }: ReconcileInput, tally: Tally): ReconcileReport {
  const { direction, type } = stream;
  return {
    direction,
    type,
    outcome: 'compared',
    repair,
    written: tally.total('written'),
    target: tally.total('target'),
    source: tally.total('source'),
    undecided: tally.undecided,
    drift: tally.drift,
    ranges: tally.ranges,
  };
}

function skipped(parts: Parts, { stream, repair }: ReconcileInput, reason: SkipReason): ReconcileReport {
  const { direction, type } = stream;
  parts.log.info('reconcile-skipped', { direction, type, reason });
  const none = { written: 0, target: 0, source: 0, undecided: 0, drift: {}, ranges: {} };
  return { direction, type, outcome: 'skipped', reason, repair, ...none };
}
