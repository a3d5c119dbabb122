/**
 * commit: writes an anonymized batch to its target, in transactions, with the cursor in the last.
 * Plan, fence, send, finish; then the parked resources that the batch has set free, in rounds of their own.
 */
import type { JsonObject } from '../fhir/resource.ts';
import { fixedLimits } from '../limits.ts';
import { countParked } from '../state/parked.ts';
import { addCounts, noCounts, readStream, type StreamPosition, writeStream } from '../state/streams.ts';
import { forgetVersions } from '../state/ledger.ts';
import { noteMarkers, oldMarkers } from '../state/markers.ts';
import type { FenceMode } from '../state/tables.ts';
import { commitLabel } from '../sync/commit-label.ts';
import { cursorId, cursorOf } from '../sync/cursor.ts';
import { contentsOf } from './commit/contents.ts';
import { cursorType, readCursor } from './commit/cursor-writes.ts';
import { openFence } from './commit/fencing.ts';
import { finishCommit, type Finished } from './commit/finish.ts';
import { knownPlan } from './commit/known-plan.ts';
import { planBatch, planRelease } from './commit/plan.ts';
import type { CommitPlan } from './commit/planned.ts';
import { beginPlanning, closeAsEmpty, makeItThePlan, type Opening, type Planning } from './commit/planner.ts';
import { fenceModeOf } from './commit/probe.ts';
import { sendPlan } from './commit/send.ts';
import type { Batch, CommitInput, CommitResult } from './contract.ts';
import { assertInTime, guarded, TroubleError } from './failures.ts';
import { type Parts, targetName } from './parts.ts';
import { markPlan, writePlan } from './staged.ts';
import { totalsOf } from './totals.ts';

export const createCommit = (parts: Parts): ((input: CommitInput) => Promise<CommitResult>) =>
  guarded('commit', parts.log, ({ batch }: CommitInput) => commit(parts, batch));

async function commit(parts: Parts, batch: Batch): Promise<CommitResult> {
  assertInTime();
  const mode = await fenceModeOf(parts, batch.stream.direction);
  let counts = noCounts;
  let released = 0;
  let bundles = 0;
  let masked = 0;
  let guardWithheld = 0;
  let plan: CommitPlan | undefined;
  for (let round = 0; ; round++) {
    plan = await planOf(parts, batch, round, plan);
    if (plan === undefined) break;
    const { finished, posted } = await carryOut(parts, mode, plan);
    counts = addCounts(counts, finished.counts);
    released += plan.released;
    bundles += posted;
    masked += plan.guarded?.masked ?? 0;
    guardWithheld += plan.guarded?.withheld ?? 0;
  }
  await parts.staging.discard(batch.id);
  const totals = await totalsOf(parts, batch.stream);
  const { parked, quarantined } = totals;
  const { direction, type } = batch.stream;
  const { committed, deleted, unchanged } = counts;
  const result = { counts, parked, released, quarantined, bundles, totals };
  parts.log.info('batch-committed', {
    direction,
    type,
    batch: batch.id,
    committed,
    deleted,
    unchanged,
    parked,
    released,
    quarantined,
    masked,
    guardWithheld,
    bundles,
  });
  return result;
}

/** The round's plan: the one that an attempt made before, or a new one; `undefined` where there is nothing to release. */
async function planOf(
  parts: Parts,
  batch: Batch,
  round: number,
  previous: CommitPlan | undefined,
): Promise<CommitPlan | undefined> {
  const label = commitLabel(batch.id, round);
  const known = await knownPlan(parts, batch.stream, label);
  if (known.plan !== undefined) return known.plan;
  if (round > 0 && (await countParked(parts.db, batch.stream.direction)) === 0) return undefined;
  // An attempt whose time is over must not take the planning over from the one that goes on.
  assertInTime();
  const opening = { batch, round, label, sequence: previous?.sequence ?? known.position.sequence };
  const planning = await beginPlanning(parts, opening);
  if (planning !== undefined) return makePlan(planning, opening);
  const meanwhile = await knownPlan(parts, batch.stream, label);
  if (meanwhile.plan === undefined) throw new TroubleError('lost-race');
  return meanwhile.plan;
}

async function makePlan({ parts, position }: Planning, opening: Opening): Promise<CommitPlan | undefined> {
  const { batch, round } = opening;
  const plan = round === 0 ? await planBatch(parts, batch, position) : await planRelease(parts, batch, round, position);
  if (plan === undefined) {
    await closeAsEmpty(parts, opening);
    return undefined;
  }
  await writePlan(parts.staging, batch.id, round, plan);
  await makeItThePlan(parts, opening);
  await markPlan(parts.staging, batch.id, round, plan.planner);
  return plan;
}

async function carryOut(
  parts: Parts,
  modeNow: FenceMode,
  plan: CommitPlan,
): Promise<{ finished: Finished; posted: number }> {
  const position = await readStream(parts.db, plan.stream);
  if (position.epoch !== plan.epoch) throw new TroubleError('lost-race');
  // Noted by an earlier attempt.
  if (position.sequence >= plan.sequence) return { finished: await finishCommit(parts, plan), posted: 0 };
  const target = parts.servers[targetName(plan.stream.direction)];
  const id = cursorId(parts.instance, plan.stream.direction, plan.stream.type);
  const versioned = await readCursor(parts, plan.stream);
  const cursor = cursorOf(versioned?.resource);
  if (cursor?.batch === plan.label) return { finished: await finishCommit(parts, plan), posted: 0 };
  const sequence = cursor?.epoch === plan.epoch ? cursor.sequence : 0;
  if (sequence !== plan.sequence - 1 || (cursor?.epoch ?? 0) > plan.epoch) throw new TroubleError('lost-race');
  const mode = await noteSending(parts, plan, modeNow);
  const sweepable =
    mode === 'marker' ? await oldMarkers(parts.db, id, parts.now() - fixedLimits.markerAgeSecondsMax * 1_000) : [];
  const cursorContent = cursorResource(parts, plan, position);
  const fence = await openFence(mode, {
    instance: parts.instance,
    target,
    plan,
    cursor: versioned,
    cursorContent,
    oldMarkers: sweepable,
  });
  const { posted, versions } = await sendPlan({ parts, target, plan, mode, fence, contents: contentsOf(parts, plan) });
  if (mode === 'marker') {
    await noteMarkers(parts.db, id, fence.markers(), sweepable, parts.now());
  }
  return { finished: await finishCommit(parts, plan, versions), posted };
}

/**
 * Notes that the plan is about to be sent. Returns how it is fenced.
 * @param modeNow - how the target is fenced where the commit has not begun yet
 */
async function noteSending(parts: Parts, plan: CommitPlan, modeNow: FenceMode): Promise<FenceMode> {
  return parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, plan.stream);
    // Closed: it was given up. Another's: it was opened anew since.
    if (at.openCommit?.label !== plan.label || at.openCommit.planner !== plan.planner)
      throw new TroubleError('lost-race');
    const { mode = modeNow } = at.openCommit;
    const bundles = Math.max(1, plan.bundles.length);
    await writeStream(tx, { ...at, openCommit: { ...at.openCommit, bundles, lanes: plan.lanes, mode } });
    const known = plan.writes.flatMap(({ key, version }) => (version === undefined ? [] : [key]));
    await forgetVersions(tx, plan.stream.direction, known);
    return mode;
  });
}

/** The cursor as it is written with the last transaction. Read by `src/sync/cursor.ts`, and by people. */
function cursorResource(parts: Parts, plan: CommitPlan, position: StreamPosition): JsonObject {
  const { direction, type } = plan.stream;
  const counts = addCounts(position.counts, plan.counts);
  return {
    resourceType: cursorType,
    id: cursorId(parts.instance, direction, type),
    kind: 'cursor',
    instance: parts.instance,
    direction,
    type,
    version: plan.delivered,
    settled: plan.settled,
    head: plan.head,
    epoch: plan.epoch,
    sequence: plan.sequence,
    batch: plan.label,
    policy: plan.policy,
    committedAt: new Date(parts.now()).toISOString(),
    // Numbers of what is known when the cursor is sent; the site's state has the exact ones.
    counts: {
      ...counts,
      committed: counts.committed + plan.writes.filter((write) => write.method === 'PUT').length,
      deleted: counts.deleted + plan.writes.filter((write) => write.method === 'DELETE').length,
    },
  };
}
