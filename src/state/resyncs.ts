/** What came of the last order to resync a stream, for people, and for an attempt that is made again. */
import type { RefusalCode } from '../sync/denial.ts';
import type { Database } from './database.ts';
import type { FenceMode } from './tables.ts';
import type { StreamKey } from './streams.ts';

/** What was found before a resync: names, versions and counts. What could not be found out is absent. */
export interface ResyncFound {
  /** The source's newest version of the type. */
  readonly head?: number;
  /** Live resources of the type at the source, and those in the target that this site put there. */
  readonly source?: number;
  readonly target?: number;
  readonly fence?: FenceMode;
  /** Digest of the policy in force; empty on the way down. */
  readonly policy: string;
}

export interface ResyncAnswer {
  readonly atMs: number;
  /** Why it has not begun; empty where it has. */
  readonly refused: readonly RefusalCode[];
  /** The epoch that the stream was in then. */
  readonly epoch: number;
  readonly found: ResyncFound;
}

/** Notes an answer in the place of the one before. */
export async function noteResync(db: Database, { direction, type }: StreamKey, answer: ResyncAnswer): Promise<void> {
  const { atMs, ...rest } = answer;
  const row = { answered_ms: atMs, answer: JSON.stringify(rest) };
  await db
    .insertInto('resyncs')
    .values({ direction, type, ...row })
    .onConflict((conflict) => conflict.columns(['direction', 'type']).doUpdateSet(row))
    .execute();
}

/** The last answer; `undefined` where no resync was ever asked for. */
export async function lastResync(db: Database, { direction, type }: StreamKey): Promise<ResyncAnswer | undefined> {
  const row = await db
    .selectFrom('resyncs')
    .select(['answered_ms', 'answer'])
    .where('direction', '=', direction)
    .where('type', '=', type)
    .executeTakeFirst();
  return row && { atMs: row.answered_ms, ...(JSON.parse(row.answer) as Omit<ResyncAnswer, 'atMs'>) };
}
