/**
 * Before a stream is read: do the target's cursor and the site's notes tell the same story? A commit that was not
 * noted is noted now; one that was given up is fenced off, so that a lost attempt of it can do no harm any more, and as
 * much of it as the target has is noted.
 */
import { StagingProblem } from '../staging/staging.ts';
import { releaseClaims } from '../state/parked.ts';
import { readStream, type StreamKey, writeStream } from '../state/streams.ts';
import { compareCursor, cursorOf } from '../sync/cursor.ts';
import { readCursor } from './commit/cursor-writes.ts';
import { fenceOff } from './commit/fencing.ts';
import { closeCommit, finishCommit } from './commit/finish.ts';
import { knownPlan } from './commit/known-plan.ts';
import type { CommitPlan } from './commit/planned.ts';
import { fenceModeOf } from './commit/probe.ts';
import { TroubleError } from './failures.ts';
import { type Parts, policyOf, targetName } from './parts.ts';

/** Throws the trouble where the stories differ in a way that only a person can judge. */
export async function agreeWithTarget(parts: Parts, stream: StreamKey): Promise<void> {
  const versioned = await readCursor(parts, stream);
  const position = await readStream(parts.db, stream);
  const verdict = compareCursor(cursorOf(versioned?.resource), position, policyOf(parts, stream.direction));
  if (verdict.kind === 'trouble') throw new TroubleError(verdict.code);
  if (verdict.kind === 'commit-unnoted') return noteCommit(parts, stream, verdict.batch);
  const { openCommit } = position;
  if (openCommit === undefined) return;
  if (openCommit.bundles === 0) {
    if (await closeUnsent(parts, stream, openCommit.label)) return;
    return agreeWithTarget(parts, stream);
  }
  const mode = openCommit.mode ?? (await fenceModeOf(parts, stream.direction));
  const plan = await planIfStaged(parts, stream, openCommit.label);
  const target = parts.servers[targetName(stream.direction)];
  const input = { instance: parts.instance, target, stream, open: openCommit, cursor: versioned };
  const progress = await fenceOff(mode, input);
  await closeCommit(parts, stream, openCommit, { plan, progress });
}

/** The commit went through, but whoever sent it did not live to note it. */
async function noteCommit(parts: Parts, stream: StreamKey, label: string): Promise<void> {
  const { plan } = await knownPlan(parts, stream, label);
  if (plan?.label !== label) throw new TroubleError('state-lost');
  await finishCommit(parts, plan);
  return agreeWithTarget(parts, stream);
}

/** The plan of a commit that was given up, unless it went with its batch: what the target has of it is written again then. */
async function planIfStaged(parts: Parts, stream: StreamKey, label: string): Promise<CommitPlan | undefined> {
  try {
    return (await knownPlan(parts, stream, label)).plan;
  } catch (error) {
    if (error instanceof StagingProblem && error.code === 'staging-missing') return undefined;
    throw error;
  }
}

/** Closes a commit of which nothing was sent; false where that is not so any more. */
async function closeUnsent(parts: Parts, stream: StreamKey, label: string): Promise<boolean> {
  return parts.db.transaction().execute(async (tx) => {
    const at = await readStream(tx, stream);
    if (at.openCommit?.label !== label || at.openCommit.bundles > 0) return false;
    await releaseClaims(tx, label);
    await writeStream(tx, { ...at, openCommit: undefined });
    return true;
  });
}
