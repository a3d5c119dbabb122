/** What the steps of leaving ask of Temporal; `src/worker.ts` has its client. */
import type { StreamKey } from '../contract.ts';

export interface LeavePorts {
  /** Removes the instance's Schedules, where any are left. */
  removeSchedules(): Promise<unknown>;
  /** Whether a stream's workflow is open. */
  isOpen(stream: StreamKey): Promise<boolean>;
}

/** For who has no Temporal. */
export const noLeavePorts: LeavePorts = {
  removeSchedules: () => Promise.resolve(),
  isOpen: () => Promise.resolve(false),
};
