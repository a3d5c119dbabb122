/** How the targets are fenced, as a process of the site has found out: one answer for all of them. */
import type { Database } from './database.ts';
import type { ServerName } from './heads.ts';
import type { FenceMode } from './tables.ts';

/** What was found out of a server, and when; `undefined` where nothing was. */
export async function readFenceMode(
  db: Database,
  server: ServerName,
): Promise<{ readonly mode: FenceMode; readonly foundMs: number } | undefined> {
  const row = await db.selectFrom('fence_modes').selectAll().where('server', '=', server).executeTakeFirst();
  return row && { mode: row.mode, foundMs: row.found_ms };
}

/**
 * Notes what was found out just now, and returns what stands there: of processes that ask at once, the first one's.
 * @param known - when the answer was found that this one may replace
 */
export async function noteFenceMode(
  db: Database,
  server: ServerName,
  found: { readonly mode: FenceMode; readonly nowMs: number; readonly known: number | undefined },
): Promise<FenceMode> {
  const { mode, nowMs, known } = found;
  const changed = { mode, found_ms: nowMs };
  await db
    .insertInto('fence_modes')
    .values({ server, ...changed })
    .onConflict((conflict) =>
      conflict
        .column('server')
        .doUpdateSet(changed)
        .where('fence_modes.found_ms', '=', known ?? -1),
    )
    .execute();
  return (await readFenceMode(db, server))?.mode ?? mode;
}
