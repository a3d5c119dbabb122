/**
 * The state of streams, from the outside: an open stream answers by query; an idle one is its last closed run and
 * its cursor in the target. So the hub's side can show every stream without reaching into a site.
 */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import proto from '@temporalio/proto';

import type { DescribedStream, Reconciled, ResyncAnswer, StreamTotals } from '../activities/contract.ts';
import { taskQueueOf } from '../config/config.ts';
import type { CommitTarget } from '../fhir/server.ts';
import type { StreamKey } from '../state/streams.ts';
import { cursorId } from '../sync/cursor.ts';
import type { describeStreams } from '../workflows/describe-streams.ts';
import { type Need, statusQuery, type SyncResult, type SyncState, syncWorkflowId } from '../workflows/messages.ts';

export interface StreamStatus extends StreamKey {
  readonly instance: string;
  /** `idle`: never run here. `unanswered`: open, but no worker answers. `failed`, `terminated`: closed so, by hand. */
  readonly state: SyncState | 'idle' | 'unanswered' | 'failed' | 'terminated';
  readonly paused: boolean;
  readonly need?: Need;
  readonly waitingFor?: readonly string[];
  readonly reason?: string;
  readonly totals?: StreamTotals;
  /** The source's newest version, as far as the open run knows. */
  readonly head?: number;
  /** Seconds for which the target may have been behind the source; 0 for a stream that is caught up. */
  readonly lagSeconds?: number;
  /** The last comparison of source and target, where the site's worker answers. */
  readonly reconciled?: Reconciled;
  /** What came of the last order to resync, where the site's worker answers. */
  readonly resync?: ResyncAnswer;
  /** The cursor, as it stands in the target. */
  readonly cursor?: {
    readonly version: number;
    readonly epoch: number;
    readonly sequence: number;
    readonly committedAt: string;
  };
}

export async function streamStatus(
  client: Client,
  target: Pick<CommitTarget, 'read'>,
  instance: string,
  stream: StreamKey,
  nowMs = Date.now(),
): Promise<StreamStatus> {
  const [run, cursor] = await Promise.all([runStatus(client, instance, stream), readCursor(target, instance, stream)]);
  const lagSeconds = lagOf(run, nowMs);
  return {
    instance,
    direction: stream.direction,
    type: stream.type,
    ...run,
    ...(lagSeconds !== undefined && { lagSeconds }),
    ...(cursor && { cursor }),
  };
}

/** So long a worker gets to answer a query; Temporal itself would wait for far longer. */
export const answerMsMax = 5_000;

type RunStatus = Omit<
  StreamStatus,
  'instance' | 'direction' | 'type' | 'lagSeconds' | 'reconciled' | 'resync' | 'cursor'
>;

async function runStatus(client: Client, instance: string, stream: StreamKey): Promise<RunStatus> {
  const handle = client.workflow.getHandle(syncWorkflowId(instance, stream.direction, stream.type));
  let description: WorkflowExecutionDescription;
  try {
    description = await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'idle', paused: false };
    throw error;
  }
  if (description.status.name === 'RUNNING') {
    try {
      const { state, paused, need, waitingFor, totals, head } = await client.withDeadline(
        Date.now() + answerMsMax,
        () => handle.query(statusQuery),
      );
      return {
        state,
        paused,
        ...(need && { need }),
        ...(waitingFor && { waitingFor }),
        ...(totals && { totals }),
        ...(head !== undefined && { head }),
      };
    } catch {
      return { state: 'unanswered', paused: false };
    }
  }
  if (description.status.name !== 'COMPLETED') {
    return { state: description.status.name === 'FAILED' ? 'failed' : 'terminated', paused: false };
  }
  const { outcome, reason, totals } = (await handle.result()) as SyncResult;
  return { state: outcome, paused: false, ...(reason && { reason }), ...(totals && { totals }) };
}

async function readCursor(
  target: Pick<CommitTarget, 'read'>,
  instance: string,
  { direction, type }: StreamKey,
): Promise<StreamStatus['cursor']> {
  try {
    const found = await target.read('ChangesInfo', cursorId(instance, direction, type));
    const { version, epoch, sequence, committedAt } = found?.resource ?? {};
    if (typeof version !== 'number' || typeof epoch !== 'number' || typeof sequence !== 'number') return undefined;
    return { version, epoch, sequence, committedAt: typeof committedAt === 'string' ? committedAt : '' };
  } catch {
    // A target that cannot be asked is no reason to hide what Temporal knows.
    return undefined;
  }
}

/**
 * The numbers as the site's state has them now: a resource may have been released by another stream's commit since its
 * own stream's last run. `undefined` where no worker of the site answers in time.
 */
export async function liveTotals(client: Client, instance: string): Promise<DescribedStream[] | undefined> {
  try {
    if (!(await hasWorker(client, instance))) return undefined;
    return await client.workflow.execute<typeof describeStreams>('describeStreams', {
      workflowId: `status/${instance}`,
      taskQueue: taskQueueOf(instance),
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowExecutionTimeout: '15 seconds',
      staticSummary: `${instance}: status`,
    });
  } catch {
    return undefined;
  }
}

/** Whether a worker of the site has asked for work lately: without one, nobody need wait for an answer. */
export async function hasWorker(client: Client, instance: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueueOf(instance) },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  return pollers.length > 0;
}

function lagOf(run: RunStatus, nowMs: number): number | undefined {
  if (run.state === 'current') return 0;
  if (run.totals === undefined || run.totals.currentAtMs === 0) return undefined;
  return Math.max(0, Math.round((nowMs - run.totals.currentAtMs) / 1_000));
}
