/** The plan of a commit that was planned: the one that the state names, or, once it is noted, the one staged as the batch's. */
import { readStream, type StreamKey, type StreamPosition } from '../../state/streams.ts';
import { splitLabel } from '../../sync/commit-label.ts';
import type { Parts } from '../parts.ts';
import { markPlan, readMarkedPlan, readPlan } from '../staged.ts';
import type { CommitPlan } from './planned.ts';

/** The plan of a commit, and where its stream stood when it was looked for. */
export interface KnownPlan {
  readonly plan: CommitPlan | undefined;
  readonly position: StreamPosition;
}

export async function knownPlan(parts: Parts, stream: StreamKey, label: string): Promise<KnownPlan> {
  const [batch, round] = splitLabel(label);
  const position = await readStream(parts.db, stream);
  const { openCommit } = position;
  if (openCommit?.label !== label || openCommit.planner === undefined)
    return { plan: await readMarkedPlan<CommitPlan>(parts.staging, batch, round), position };
  if (openCommit.planned !== true) return { plan: undefined, position };
  const plan = await readPlan<CommitPlan>(parts.staging, batch, round, openCommit.planner);
  // Whoever made it the plan may not have come so far.
  await markPlan(parts.staging, batch, round, openCommit.planner);
  return { plan, position };
}
