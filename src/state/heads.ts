/**
 * The heads (newest versions) that were observed at each server, for all workers of a site. How long ago that was, each
 * worker counts itself, from when it first knew of a head and by a clock that nobody sets: clocks of machines jump, and a
 * window that settles too soon loses what commits late. So a worker that has just started waits once more.
 */
import { fixedLimits } from '../limits.ts';
import type { HeadSeen } from '../sync/window.ts';
import { chunksOf, type Database } from './database.ts';

/** Which server a head belongs to: versions are one global sequence of a server, whatever the type. */
export type ServerName = 'instance' | 'hub';

/** Since when this process knows of the heads in the state. */
export class KnownHeads {
  readonly #steadyMs: () => number;
  readonly #since = new Map<ServerName, ReadonlyMap<string, number>>();

  /** @param steadyMs - milliseconds since some moment, by a clock that only goes on */
  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
  }

  nowMs(): number {
    return this.#steadyMs();
  }

  /** When each of a server's heads was first told here; what is not told any more is forgotten. */
  sinceMs(server: ServerName, rows: readonly { version: number; at_ms: number }[]): number[] {
    const before = this.#since.get(server);
    const now = this.nowMs();
    const nameOf = (row: { version: number; at_ms: number }): string => `${String(row.version)}@${String(row.at_ms)}`;
    const since = new Map(rows.map((row) => [nameOf(row), before?.get(nameOf(row)) ?? now]));
    this.#since.set(server, since);
    return rows.map((row) => since.get(nameOf(row)) ?? now);
  }
}

/**
 * Notes the newest version of a server at this moment. A head that was as new before says more already; and heads are
 * thinned, or else a busy stream would find another one matured after each sweep, and sweep on instead of reading on.
 *
 * @param nowMs - of the worker's clock, for the thinning alone
 */
export async function observeHead(db: Database, server: ServerName, version: number, nowMs: number): Promise<void> {
  const spacingMs = fixedLimits.headSpacingSecondsMin * 1_000;
  const recent = await db
    .selectFrom('heads')
    .select('version')
    .where('server', '=', server)
    .where((eb) =>
      eb.or([eb('version', '>=', version), eb.and([eb('at_ms', '>', nowMs - spacingMs), eb('at_ms', '<=', nowMs)])]),
    )
    .executeTakeFirst();
  if (recent !== undefined) return;
  await db
    .insertInto('heads')
    .values({ server, version, at_ms: nowMs })
    .onConflict((conflict) =>
      conflict
        .columns(['server', 'at_ms'])
        .doUpdateSet((eb) => ({ version: eb.ref('excluded.version') }))
        .whereRef('heads.version', '<', 'excluded.version'),
    )
    .execute();
}

/** The heads of a server and since when they are known here; those that a newer matured one replaces are forgotten. */
export async function readHeads(
  db: Database,
  known: KnownHeads,
  server: ServerName,
  settleMs: number,
): Promise<HeadSeen[]> {
  const rows = await db.selectFrom('heads').select(['version', 'at_ms']).where('server', '=', server).execute();
  const since = known.sinceMs(server, rows);
  const nowMs = known.nowMs();
  const matured = rows.filter((_row, index) => (since[index] ?? nowMs) + settleMs <= nowMs);
  if (matured.length > 64) {
    const newest = Math.max(...matured.map(({ version }) => version));
    const replaced = matured.filter(({ version }) => version < newest).map(({ at_ms }) => at_ms);
    for (const chunk of chunksOf(replaced))
      await db
        .deleteFrom('heads')
        .where('server', '=', server)
        .where('at_ms', 'in', chunk)
        .where('version', '<', newest)
        .execute();
  }
  return rows.map(({ version }, index) => ({ version, atMs: since[index] ?? nowMs }));
}

/** A server restored from a backup has begun its sequence anew: what was observed there is worth nothing. */
export async function forgetHeads(db: Database, server: ServerName): Promise<void> {
  await db.deleteFrom('heads').where('server', '=', server).execute();
}
