/** The breaker: a wrong mapping, or a target that refuses everything, must not drain a stream into quarantine. */
import type { Limits } from '../../limits.ts';
import { TroubleError } from '../failures.ts';

/** Throws `breaker-open` where too large a share of a batch is refused. */
export function breakerCheck(limits: Limits, quarantined: number, changes: number): void {
  if (quarantined < limits.quarantineCountMin) return;
  if (quarantined > changes * limits.quarantineShareMax) throw new TroubleError('breaker-open');
}
