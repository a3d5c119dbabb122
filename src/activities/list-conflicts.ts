/** list-conflicts: copies that somebody had changed in the target, and that a repair wrote anew. Keys and times. */
import { fixedLimits } from '../limits.ts';
import { listConflicts } from '../state/conflicts.ts';
import type { Activities } from './contract.ts';
import { failureOf } from './failures.ts';
import type { Parts } from './parts.ts';

export const createListConflicts =
  (parts: Parts): Activities['listConflicts'] =>
  async ({ direction, types }) => {
    try {
      return await listConflicts(parts.db, direction, types, fixedLimits.conflictsPageMax);
    } catch (error) {
      throw failureOf(error, 'list-conflicts');
    }
  };
