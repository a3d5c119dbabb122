/** Starts a stream's workflow. */
import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';

import { taskQueueOf } from '../config/config.ts';
import { searchAttributes, type SyncInput, syncWorkflowId } from '../workflows/messages.ts';
import type { syncResourceType } from '../workflows/sync-resource-type.ts';

/** Name of the workflow as the worker registers it. */
export const syncWorkflowType = 'syncResourceType';

/** How a stream's workflow is started, by whomever. */
export function syncStartOptions(input: SyncInput): WorkflowStartOptions<typeof syncResourceType> {
  const { instance, direction, type } = input;
  return {
    workflowId: syncWorkflowId(instance, direction, type),
    taskQueue: taskQueueOf(instance),
    args: [input],
    staticSummary: `${type} ${direction}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.instance, value: instance },
      { key: searchAttributes.resourceType, value: type },
      { key: searchAttributes.direction, value: direction },
      { key: searchAttributes.state, value: 'syncing' },
    ]),
  };
}

/** Starts the workflow unless it is open: then nothing happens, not even an event in its history. */
export async function startSync(client: Client, input: SyncInput): Promise<void> {
  await client.workflow.start<typeof syncResourceType>(syncWorkflowType, {
    ...syncStartOptions(input),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}
