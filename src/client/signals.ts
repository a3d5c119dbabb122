/** Orders to streams, by signals: to open ones alone, or to idle ones as well, which they open. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';

import type { StreamKey } from '../state/streams.ts';
import { syncStartOptions, syncWorkflowType } from '../temporal/start-sync.ts';
import { type ResyncOrder, syncWorkflowId } from '../workflows/messages.ts';
import type { syncResourceType } from '../workflows/sync-resource-type.ts';

/** Signals streams; idle ones are started. Returns the streams. */
export async function signalOrStart<Args extends [] | [ResyncOrder?]>(
  client: Client,
  instance: string,
  streams: StreamKey[],
  signal: SignalDefinition<Args>,
  signalArgs: Args,
): Promise<StreamKey[]> {
  for (const stream of streams) {
    await client.workflow.signalWithStart<typeof syncResourceType, [ResyncOrder?]>(syncWorkflowType, {
      ...syncStartOptions({ instance, ...stream }),
      signal,
      signalArgs,
    });
  }
  return streams;
}

/** Signals those of some streams that are open, and returns them. */
export async function signalOpen(
  client: Client,
  instance: string,
  streams: readonly StreamKey[],
  signal: SignalDefinition,
): Promise<StreamKey[]> {
  const told: StreamKey[] = [];
  for (const stream of streams) {
    try {
      await client.workflow.getHandle(syncWorkflowId(instance, stream.direction, stream.type)).signal(signal);
      told.push(stream);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return told;
}
