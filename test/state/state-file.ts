/** A state file of the test's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Database, openDatabase } from '../../src/state/database.ts';

/** Runs `work` with a fresh state file and removes it. */
export async function withState<Result>(work: (db: Database, file: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-state-'));
  const file = join(folder, 'site', 'state.db');
  const db = await openDatabase(file);
  try {
    return await work(db, file);
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs `work` with a state in memory, for tests that ask it very often. */
export async function withMemoryState<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
  const db = await openDatabase(':memory:');
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
