/** pollInstance: one tick of one cadence. Started by a Schedule; asks all streams and starts those that are due. */
import type { PollResult } from '../activities/contract.ts';
import type { PollWorkflowInput } from './messages.ts';
import { pollStreams } from './steps.ts';

export async function pollInstance(input: PollWorkflowInput): Promise<PollResult> {
  const summary = `${input.instance}: which streams have news?`;
  return pollStreams.executeWithOptions({ summary }, [input]);
}
