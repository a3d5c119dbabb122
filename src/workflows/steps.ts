/** The one table of timeouts and retries: every activity of a stream, and how often Temporal tries it. */
import type { RetryPolicy } from '@temporalio/common';
import { proxyActivities, scheduleActivity } from '@temporalio/workflow';

import type { Activities, Batch, StepInput } from '../activities/contract.ts';
import { stepActivityName } from '../sync/step-name.ts';

/** Transient troubles are retried so many times, over about five minutes, before the workflow says so. */
const retry = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '60 seconds',
  maximumAttempts: 10,
  // Which troubles are not retried, `failureOf` says in the failure itself: a list of codes here would stand in the
  // history with every activity, half a kilobyte each time. NotFoundError is the SDK's own: the worker was restarted
  // without this step; the batch goes through the steps it has now.
  nonRetryableErrorTypes: ['NotFoundError'],
} satisfies RetryPolicy;

/** Steps that move data: as long as a batch may take, and a heartbeat that tells a dead worker soon. */
const long = { startToCloseTimeout: '30 minutes', heartbeatTimeout: '60 seconds', retry } as const;

/** Steps that ask one question. */
const short = { startToCloseTimeout: '2 minutes', heartbeatTimeout: '60 seconds', retry } as const;

export const { fetchChanges, anonymize, commit } =
  proxyActivities<Pick<Activities, 'fetchChanges' | 'anonymize' | 'commit'>>(long);

/** Runs a configured extra step's activity (`StepActivities` in the contract). */
export const extraStep = (name: string, summary: string, input: StepInput): Promise<Batch> =>
  scheduleActivity<Batch>(stepActivityName(name), [input], { ...long, summary });

export const { authorize } = proxyActivities<Pick<Activities, 'authorize'>>(short);

/** Asks many, and two servers to count. */
export const { beginResync } = proxyActivities<Pick<Activities, 'beginResync'>>({
  ...short,
  startToCloseTimeout: '10 minutes',
});

/** For somebody who waits at a terminal. */
export const { describeStreams } = proxyActivities<Pick<Activities, 'describeStreams'>>({
  startToCloseTimeout: '20 seconds',
  retry: { ...retry, maximumAttempts: 2 },
});

/** For somebody who waits at a terminal, too; what it changes, it may change again. */
export const { tendQuarantine } = proxyActivities<Pick<Activities, 'tendQuarantine'>>({
  startToCloseTimeout: '60 seconds',
  retry: { ...retry, maximumAttempts: 3 },
});

/** As long as a large source takes to be read through; each try begins anew. */
export const { reconcileStream } = proxyActivities<Pick<Activities, 'reconcileStream'>>({
  startToCloseTimeout: '24 hours',
  heartbeatTimeout: '60 seconds',
  retry: { ...retry, initialInterval: '10 seconds', maximumAttempts: 4 },
});

export const { listConflicts } = proxyActivities<Pick<Activities, 'listConflicts'>>({
  startToCloseTimeout: '20 seconds',
  retry: { ...retry, maximumAttempts: 2 },
});

/** Leaving the hub, and coming back: the first of them wait for batches in hand, and go through whole tables. */
export const { beginLeave, stopStream, leavingBatch, forgetLive, rejoin } =
  proxyActivities<Pick<Activities, 'beginLeave' | 'stopStream' | 'leavingBatch' | 'forgetLive' | 'rejoin'>>(long);
export const { noteLeft, finishLeave } = proxyActivities<Pick<Activities, 'noteLeft' | 'finishLeave'>>(short);

/** A tick is not worth many tries: the next one comes soon. */
export const { pollStreams } = proxyActivities<Pick<Activities, 'pollStreams'>>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '60 seconds',
  retry: { ...retry, maximumAttempts: 3 },
});

/** How long the workflow waits before it tries again by itself, by how often it has waited already. */
export const waitSeconds = (kind: 'transient' | 'operator' | 'lost', times: number): number => {
  if (kind === 'lost') return times <= 1 ? 0 : Math.min(60, 5 * times);
  const first = kind === 'transient' ? 30 : 60;
  return Math.min(30 * 60, first * 2 ** Math.min(times - 1, 10));
};
