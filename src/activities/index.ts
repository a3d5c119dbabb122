/** All activities of a site, made of its parts. */
import { createAnonymize } from './anonymize.ts';
import { createAuthorize } from './authorize.ts';
import { createBeginResync } from './begin-resync.ts';
import { FenceModes } from './commit/probe.ts';
import { createCommit } from './commit.ts';
import type { Activities, StepActivities } from './contract.ts';
import { createDescribeStreams } from './describe-streams.ts';
import { createFetchChanges } from './fetch-changes.ts';
import type { Parts } from './parts.ts';
import { createPollStreams, type StartStream } from './poll-streams.ts';
import { createSteps } from './run-step.ts';

export function createActivities(parts: Parts, start: StartStream): Activities & StepActivities {
  const modes = new FenceModes();
  return {
    pollStreams: createPollStreams(parts, start),
    fetchChanges: createFetchChanges(parts, modes),
    anonymize: createAnonymize(parts),
    ...createSteps(parts),
    authorize: createAuthorize(parts),
    commit: createCommit(parts, modes),
    beginResync: createBeginResync(parts),
    describeStreams: createDescribeStreams(parts),
  };
}
