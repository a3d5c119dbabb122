/** After a commit: ledger, seen set, parked resources, positions and totals move in one transaction of the state. */
import type { Database } from '../../state/database.ts';
import { dropDeletions } from '../../state/deletions.ts';
import { type LedgerWrite, typeOfKey, writeLedger } from '../../state/ledger.ts';
import { noteArrived, parkedBy, releaseClaims, removeParked } from '../../state/parked.ts';
import { quarantinedBy, releaseFromQuarantine } from '../../state/quarantine.ts';
import { orderHeldDeletes, settleRetried } from '../../state/retries.ts';
import {
  addCounts,
  noCounts,
  type OpenCommit,
  readStream,
  type StreamCounts,
  type StreamKey,
  type StreamPosition,
  writeStream,
} from '../../state/streams.ts';
import { dropWanted, settleWanted } from '../../state/wanted.ts';
import { settleSeen } from '../../state/window.ts';
import { TroubleError } from '../failures.ts';
import { type Parts, settleMsOf } from '../parts.ts';
import type { Progress } from './fence.ts';
import type { CommitPlan, PlannedWrite } from './planned.ts';

export interface Finished {
  readonly position: StreamPosition;
  readonly counts: StreamCounts;
  /** Parked resources that have nothing left to wait for. */
  readonly freed: number;
}

/**
 * Notes a commit that the target has taken. May be called again: it notes a sequence once.
 * @param versions - the target's versions of what was written, as far as its answers were heard
 */
export async function finishCommit(
  parts: Parts,
  plan: CommitPlan,
  versions: ReadonlyMap<string, string> = new Map(),
): Promise<Finished> {
  return parts.db.transaction().execute(async (tx) => {
    const position = await readStream(tx, plan.stream);
    if (position.epoch !== plan.epoch || position.sequence >= plan.sequence)
      return { position, counts: noCounts, freed: 0 };
    // Opened anew since, with another plan: what the target has taken may be that one's.
    const { openCommit } = position;
    if (openCommit?.label === plan.label && openCommit.planner !== plan.planner) throw new TroubleError('lost-race');
    const { direction } = plan.stream;
    const { left, quarantined } = await leftBehind(tx, plan);
    const done = plan.writes.filter((write) => !left.has(write.key));
    const { counts: sent, freed } = await noteDone(tx, plan, done, versions);
    await removeParked(tx, direction, quarantined);
    await releaseClaims(tx, plan.label);
    // The deletes of leftovers say nothing of a state that is refused now.
    const decided = plan.own === 'leftovers' ? [] : [...done.map((write) => write.key), ...plan.unchangedKeys];
    await releaseFromQuarantine(tx, direction, decided);
    if (plan.own === 'wanted') await settleWanted(tx, direction, plan.batch);
    if (plan.own === 'retry') await settleRetried(tx, direction, plan.batch);
    await dropDeletions(tx, direction, [...plan.writes.map((write) => write.key), ...plan.unchangedKeys]);
    if (plan.batch !== '') await settleSeen(tx, plan.stream, plan.batch, plan.settled, settleMsOf(parts.limits));
    const counts = { ...plan.counts, ...sent };
    const now = parts.now();
    const current = plan.delivered >= plan.head;
    const next: StreamPosition = {
      ...position,
      sequence: plan.sequence,
      settled: plan.settled,
      delivered: plan.delivered,
      policy: plan.policy,
      counts: addCounts(position.counts, counts),
      loaded: position.loaded || current,
      progressAtMs: now,
      currentAtMs: current ? now : position.currentAtMs,
      denied: '',
      openCommit: undefined,
    };
    await writeStream(tx, next);
    return { position: next, counts, freed };
  });
}

/**
 * Notes what the target has of a commit that was given up, and that nothing more of it can come: the next batch brings the
 * same states again and finds them there. Positions stay as they are.
 */
export async function closeCommit(
  parts: Parts,
  stream: StreamKey,
  open: OpenCommit,
  { plan, progress }: { readonly plan: CommitPlan | undefined; readonly progress: Progress },
): Promise<void> {
  await parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, stream);
    // Another has closed it: the one that is open then is the next.
    if (at.openCommit?.label !== open.label || at.openCommit.planner !== open.planner) return;
    const isOurs = plan !== undefined && plan.planner === open.planner;
    const sent = isOurs ? await noteSent(tx, plan, progress) : {};
    await releaseClaims(tx, open.label);
    await writeStream(tx, { ...at, counts: addCounts(at.counts, { ...noCounts, ...sent }), openCommit: undefined });
  });
}

/** Notes what has come through of a plan, and counts the stream's own. */
async function noteSent(tx: Database, plan: CommitPlan, progress: Progress): Promise<SentCounts> {
  const { left } = await leftBehind(tx, plan);
  const sets = plan.bundles.flatMap((bundle, at) =>
    progress.isApplied(at) ? bundle.sets : bundle.sets.slice(0, progress.setsSent(at)),
  );
  const sent = sets.flat().flatMap((index) => plan.writes[index] ?? []);
  const { counts } = await noteDone(
    tx,
    plan,
    sent.filter(({ key }) => !left.has(key)),
    new Map(),
  );
  return counts;
}

/** Keys that a commit has parked or quarantined while it was sent, and the latter alone. */
async function leftBehind(
  tx: Database,
  { stream, label }: CommitPlan,
): Promise<{ left: ReadonlySet<string>; quarantined: readonly string[] }> {
  const quarantined = await quarantinedBy(tx, stream.direction, label);
  return { left: new Set([...(await parkedBy(tx, stream.direction, label)), ...quarantined]), quarantined };
}

type SentCounts = Pick<StreamCounts, 'committed' | 'deleted'>;

/** Notes writes that the target has: in the ledger, and for whatever waited for them. */
async function noteDone(
  tx: Database,
  plan: CommitPlan,
  done: readonly PlannedWrite[],
  versions: ReadonlyMap<string, string>,
): Promise<{ counts: SentCounts; freed: number }> {
  const { direction } = plan.stream;
  const puts = done.filter((write) => write.method === 'PUT').map((write) => write.key);
  await noteOthers(tx, plan, done, versions);
  const own = done.filter((write) => typeOfKey(write.key) === plan.stream.type);
  await writeLedger(tx, direction, ledgerWrites(own, plan.epoch, versions));
  await removeParked(
    tx,
    direction,
    done.map((write) => write.key),
  );
  if (done.some((write) => write.method === 'DELETE')) await orderHeldDeletes(tx, direction);
  await dropWanted(tx, direction, puts);
  const freed = await noteArrived(tx, direction, puts);
  return { counts: countsOf(own), freed };
}

function countsOf(writes: readonly PlannedWrite[]): SentCounts {
  const committed = writes.filter((write) => write.method === 'PUT').length;
  return { committed, deleted: writes.length - committed };
}

const ledgerWrites = (
  writes: readonly PlannedWrite[],
  epoch: number,
  versions: ReadonlyMap<string, string>,
): LedgerWrite[] => writes.map(({ key, digest }) => ({ key, digest, epoch, version: versions.get(key) ?? '' }));

/** Released resources of other types belong to their own streams: their epoch, their totals. */
async function noteOthers(
  tx: Database,
  plan: CommitPlan,
  done: readonly PlannedWrite[],
  versions: ReadonlyMap<string, string>,
): Promise<void> {
  const { direction } = plan.stream;
  const byType = Map.groupBy(done, (write) => typeOfKey(write.key));
  byType.delete(plan.stream.type);
  for (const [type, writes] of byType) {
    const position = await readStream(tx, { direction, type });
    await writeLedger(tx, direction, ledgerWrites(writes, position.epoch, versions));
    await writeStream(tx, { ...position, counts: addCounts(position.counts, { ...noCounts, ...countsOf(writes) }) });
  }
}
