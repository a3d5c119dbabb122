/** A disk without room, as the product's seams meet it: writes to the state and to staging fail until there is some again. */
import { StateProblem } from '../../src/state/database.ts';
import { StagingProblem } from '../../src/staging/staging.ts';

export interface Disk {
  isFull: boolean;
}

/** SQLite's error as `node:sqlite` throws it, or what the driver makes of PostgreSQL's `disk_full`. */
export function fullState(isFile: boolean): Error {
  if (!isFile) return new StateProblem('53100');
  return Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
}

/** What a store makes of ENOSPC, or of a bucket's quota. */
export const noRoom = (): StagingProblem => new StagingProblem('staging-full');
