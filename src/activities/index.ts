/** All activities of a site, made of its parts. */
import { createAnonymize } from './anonymize.ts';
import { createAuthorize } from './authorize.ts';
import { createBeginResync } from './begin-resync.ts';
import { createCommit } from './commit.ts';
import type { Activities, StepActivities } from './contract.ts';
import { createDescribeStreams } from './describe-streams.ts';
import { createFetchChanges } from './fetch-changes.ts';
import { createListConflicts } from './list-conflicts.ts';
import { createBeginLeave } from './leave/begin.ts';
import { createLeavingBatch } from './leave/leaving-batch.ts';
import { createNoteLeft } from './leave/note-left.ts';
import { type LeavePorts, noLeavePorts } from './leave/ports.ts';
import { createRejoin } from './leave/rejoin.ts';
import { createFinishLeave, createForgetLive } from './leave/retire.ts';
import { createStopStream } from './leave/stop-stream.ts';
import type { Parts } from './parts.ts';
import { createPollStreams, type StartStream } from './poll-streams.ts';
import { createReconcileStream } from './reconcile-stream.ts';
import { createSteps } from './run-step.ts';
import { createTendQuarantine } from './tend-quarantine.ts';

export function createActivities(
  parts: Parts,
  start: StartStream,
  leave: LeavePorts = noLeavePorts,
): Activities & StepActivities {
  return {
    pollStreams: createPollStreams(parts, start),
    fetchChanges: createFetchChanges(parts),
    anonymize: createAnonymize(parts),
    ...createSteps(parts),
    authorize: createAuthorize(parts),
    commit: createCommit(parts),
    beginResync: createBeginResync(parts),
    describeStreams: createDescribeStreams(parts),
    tendQuarantine: createTendQuarantine(parts),
    beginLeave: createBeginLeave(parts, leave),
    stopStream: createStopStream(parts, leave),
    leavingBatch: createLeavingBatch(parts),
    noteLeft: createNoteLeft(parts),
    forgetLive: createForgetLive(parts),
    finishLeave: createFinishLeave(parts, leave),
    rejoin: createRejoin(parts),
    reconcileStream: createReconcileStream(parts, start),
    listConflicts: createListConflicts(parts),
  };
}
