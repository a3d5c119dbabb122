/** Markers that this site has left in targets that ignore `ifMatch` on entries, until they are swept. */
import { fixedLimits } from '../limits.ts';
import { chunksOf, type Database } from './database.ts';

/** Notes the markers of a commit, and that the swept ones are gone. */
export async function noteMarkers(
  db: Database,
  cursor: string,
  added: readonly string[],
  swept: readonly string[],
  nowMs: number,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const chunk of chunksOf(added)) {
      await tx
        .insertInto('markers')
        .values(chunk.map((id) => ({ stream: cursor, id, at_ms: nowMs })))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    for (const chunk of chunksOf(swept)) {
      await tx.deleteFrom('markers').where('stream', '=', cursor).where('id', 'in', chunk).execute();
    }
  });
}

/** Markers so old that nothing can still be on its way that they would have to stop. */
export async function oldMarkers(db: Database, cursor: string, beforeMs: number): Promise<string[]> {
  const rows = await db
    .selectFrom('markers')
    .select('id')
    .where('stream', '=', cursor)
    .where('at_ms', '<', beforeMs)
    .limit(fixedLimits.markerSweepMax)
    .execute();
  return rows.map((row) => row.id);
}
