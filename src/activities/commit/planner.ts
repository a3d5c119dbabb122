/**
 * Who plans a commit. Attempts of one commit may overlap, in one process or in several that share the state, and a plan has
 * to fit what it has claimed and parked there. So an attempt writes its name into the open commit before it plans, and each
 * of its writes looks whether that name still stands there: the attempt that came last plans, the others stop. Once a plan is
 * whole and staged, one more transaction makes it the commit's, and whoever comes then follows it.
 */
import { randomBytes } from 'node:crypto';

import type { Database } from '../../state/database.ts';
import { releaseClaims } from '../../state/parked.ts';
import { type OpenCommit, readStream, type StreamPosition, writeStream } from '../../state/streams.ts';
import { isPending } from '../../state/window.ts';
import type { Batch } from '../contract.ts';
import { TroubleError } from '../failures.ts';
import type { Parts } from '../parts.ts';

/** The parts of an attempt that plans. */
export interface PlanningParts extends Parts {
  /** Names the attempt, and its plan. */
  readonly planner: string;
  /** A transaction of the state; throws `lost-race` where another attempt has taken the planning over. */
  readonly write: <Result>(work: (tx: Database) => Promise<Result>) => Promise<Result>;
}

/** What has to be true of the stream for a commit to be opened. */
export interface Opening {
  readonly batch: Batch;
  readonly round: number;
  readonly label: string;
  /** The stream's commits before this one. */
  readonly sequence: number;
}

export interface Planning {
  readonly parts: PlanningParts;
  /** Where the stream stood when the planning began. */
  readonly position: StreamPosition;
}

/**
 * Opens a commit, before it claims anything (whoever gives it up has to close it), or takes the planning of an open one over.
 * `undefined` where it was planned meanwhile.
 */
export async function beginPlanning(parts: Parts, opening: Opening): Promise<Planning | undefined> {
  const { batch, label } = opening;
  const planner = randomBytes(8).toString('hex');
  const position = await parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, batch.stream);
    requireNext(at, opening);
    if (opening.round === 0 && !(await isPending(tx, batch.stream, batch.id))) throw new TroubleError('lost-race');
    if (at.openCommit?.planned === true) return undefined;
    await writeStream(tx, { ...at, openCommit: { label, bundles: 0, lanes: 0, planner } });
    return at;
  });
  if (position === undefined) return undefined;
  const write: PlanningParts['write'] = (work) =>
    parts.db.transaction().execute(async (tx) => {
      await ownCommit(tx, batch, label, planner);
      return work(tx);
    });
  return { parts: { ...parts, planner, write }, position };
}

function requireNext(at: StreamPosition, { batch, round, label, sequence }: Opening): void {
  const isNext =
    at.epoch === batch.epoch &&
    at.sequence === sequence &&
    // The batch was read where the stream stands, or it is not the next one.
    (round > 0 || at.delivered === batch.from.delivered) &&
    (at.openCommit === undefined || at.openCommit.label === label);
  // One that was sent is planned; an older program noted that by its bundles alone.
  if (!isNext || (at.openCommit?.planner === undefined && (at.openCommit?.bundles ?? 0) > 0))
    throw new TroubleError('lost-race');
}

/** The stream's position while the commit is this attempt's to plan. */
async function ownCommit(
  tx: Database,
  { stream, epoch }: Batch,
  label: string,
  planner: string,
): Promise<StreamPosition & { readonly openCommit: OpenCommit }> {
  const at = await readStream(tx, stream);
  const { openCommit } = at;
  if (
    openCommit?.label !== label ||
    openCommit.planner !== planner ||
    openCommit.planned === true ||
    at.epoch !== epoch
  )
    throw new TroubleError('lost-race');
  return { ...at, openCommit };
}

/** Makes the attempt's plan the commit's. It is staged by now. */
export const makeItThePlan = (parts: PlanningParts, { batch, label }: Opening): Promise<void> =>
  parts.db.transaction().execute(async (tx) => {
    const at = await ownCommit(tx, batch, label, parts.planner);
    await writeStream(tx, { ...at, openCommit: { ...at.openCommit, planned: true } });
  });

/** There is nothing to commit. */
export const closeAsEmpty = (parts: PlanningParts, { batch, label }: Opening): Promise<void> =>
  parts.db.transaction().execute(async (tx) => {
    const at = await ownCommit(tx, batch, label, parts.planner);
    await releaseClaims(tx, label);
    await writeStream(tx, { ...at, openCommit: undefined });
  });
