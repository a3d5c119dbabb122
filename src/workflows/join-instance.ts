/** joinInstance: an instance that had left comes back; every stream begins anew. */
import type { RejoinResult } from '../activities/contract.ts';
import { rejoin } from './steps.ts';

export async function joinInstance(): Promise<RejoinResult> {
  return rejoin.executeWithOptions({ summary: 'come back: all streams begin anew' }, []);
}
