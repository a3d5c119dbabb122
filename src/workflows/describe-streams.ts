/** describeStreams: asks a site for the numbers of its streams; run by `status`, from either side. */
import type { DescribedStream } from '../activities/contract.ts';
import { describeStreams as describe } from './steps.ts';

export async function describeStreams(): Promise<DescribedStream[]> {
  return describe.executeWithOptions({ summary: 'the numbers of all streams' }, []);
}
