/**
 * reconcileInstance: compares streams one after the other, as their Schedule or a person wants it. reconcileStream: one of
 * them, one at a time: whoever comes second is told so.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  executeChild,
  setCurrentDetails,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';

import type { Conflict, ConflictsInput, ReconcileReport, SkipReason, StreamKey } from '../activities/contract.ts';
import { isTroubleCode } from '../sync/trouble.ts';
import { type ReconcileWorkflowInput, reconcileWorkflowId } from './messages.ts';
import { listConflicts as list, reconcileStream as reconcile } from './steps.ts';

export async function reconcileInstance(input: ReconcileWorkflowInput): Promise<readonly ReconcileReport[]> {
  const reports: ReconcileReport[] = [];
  for (const stream of input.streams) {
    reports.push(await oneOf(input, stream));
    setCurrentDetails(reports.map(lineOf).join('\n'));
  }
  return reports;
}

async function oneOf({ instance, repair }: ReconcileWorkflowInput, stream: StreamKey): Promise<ReconcileReport> {
  try {
    return await executeChild(reconcileStream, {
      workflowId: reconcileWorkflowId(instance, stream.direction, stream.type),
      args: [{ instance, streams: [stream], repair }],
      staticSummary: `${stream.type} ${stream.direction}: compared${repair ? ' and repaired' : ''}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return without(stream, repair, 'skipped', 'running');
    // One stream's trouble is no reason not to look at the others.
    if (error instanceof ChildWorkflowFailure) return without(stream, repair, 'failed', codeOf(error));
    throw error;
  }
}

export async function reconcileStream({ streams, repair }: ReconcileWorkflowInput): Promise<ReconcileReport> {
  const [stream] = streams;
  if (stream === undefined) throw ApplicationFailure.nonRetryable('no stream', 'unexpected');
  const summary = `${stream.type}: do source and target agree?${repair ? ' Repair what does not' : ''}`;
  const report = await reconcile.executeWithOptions({ summary }, [{ stream, repair }]);
  setCurrentDetails(lineOf(report));
  return report;
}

/** Copies that somebody had changed in the target; asked by the client. */
export async function listConflicts(input: ConflictsInput): Promise<Conflict[]> {
  return list.executeWithOptions({ summary: 'conflicts: keys and times' }, [input]);
}

const none = { written: 0, target: 0, source: 0, undecided: 0, drift: {}, ranges: {} };

const without = (
  { direction, type }: StreamKey,
  repair: boolean,
  outcome: 'skipped' | 'failed',
  reason: SkipReason,
): ReconcileReport => ({ direction, type, outcome, reason, repair, ...none });

/** The trouble behind a failed child; one that timed out or was cancelled says nothing of servers. */
function codeOf({ cause }: ChildWorkflowFailure): SkipReason {
  const failure = cause instanceof ActivityFailure ? cause.cause : cause;
  return failure instanceof ApplicationFailure && isTroubleCode(failure.type) ? failure.type : 'unexpected';
}

/** A report in one line of Markdown. */
function lineOf({ direction, type, outcome, reason, source, target, drift }: ReconcileReport): string {
  const head = `**${type}** ${direction} · ${outcome}${reason === undefined ? '' : ` (\`${reason}\`)`}`;
  if (outcome !== 'compared') return `- ${head}`;
  const kinds = Object.entries(drift).map(([kind, count]) => `${String(count)} ${kind}`);
  const found = kinds.length === 0 ? 'nothing differs' : kinds.join(', ');
  return `- ${head}: ${String(source)} in the source, ${String(target)} in the target, ${found}`;
}
