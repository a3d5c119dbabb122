/** The trouble behind a failed activity. */
import { type ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';

import { isTroubleCode, type TroubleCode } from '../sync/trouble.ts';

/** An activity that timed out says nothing about servers: its worker is gone or stuck. */
export function troubleOf({ cause }: ActivityFailure): TroubleCode {
  if (cause instanceof ApplicationFailure && isTroubleCode(cause.type)) return cause.type;
  if (cause instanceof ApplicationFailure && cause.type === 'NotFoundError') return 'lost-race';
  return cause instanceof TimeoutFailure ? 'given-back' : 'unexpected';
}
