/**
 * What the workers of a site tell each other about its two servers: that they are there, so that each takes its share of
 * the limits, and until when a server wants to be left alone. Nothing is written while a worker has nothing to send.
 */
import { randomUUID } from 'node:crypto';

import type { SiteNews, SiteShares } from '../fhir/site-share.ts';
import { fixedLimits } from '../limits.ts';
import { type Database, StateProblem } from './database.ts';

/** A worker's part in it, until it is closed. */
export interface WorkerShares extends SiteShares {
  /** Leaves: the others take this worker's share at once. */
  close(): Promise<void>;
}

const announceMs = fixedLimits.workerSeenSeconds * 1_000;
const forgottenMs = fixedLimits.workerForgottenSeconds * 1_000;
const pauseMsMax = fixedLimits.retryAfterSecondsMax * 1_000;

/** This worker's part in what the site's workers share. */
export function joinWorkers(db: Database, now: () => number = Date.now): WorkerShares {
  const worker = randomUUID();
  let closed = false;
  let announcedMs = Number.NEGATIVE_INFINITY;
  let announcing: Promise<void> = Promise.resolve();
  return {
    async look(server) {
      if (closed) throw new StateProblem();
      const nowMs = now();
      if (Math.abs(nowMs - announcedMs) >= announceMs) {
        announcedMs = nowMs;
        // A full disk does not keep anybody from hearing the others; the next turn comes soon.
        announcing = announce(db, worker, nowMs).catch(() => undefined);
      }
      await announcing;
      return readNews(db, worker, server, nowMs);
    },
    pause: (server, untilMs) => writePause(db, server, Math.ceil(untilMs), now()),
    async close() {
      closed = true;
      await announcing;
      // Where it fails, this worker is forgotten as one that was killed.
      await db
        .deleteFrom('workers')
        .where('id', '=', worker)
        .execute()
        .catch(() => undefined);
    },
  };
}

async function announce(db: Database, worker: string, nowMs: number): Promise<void> {
  await db
    .insertInto('workers')
    .values({ id: worker, seen_ms: nowMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_ms: nowMs }))
    .execute();
  // A statement of its own: where nobody has to be forgotten, nothing is written.
  await db
    .deleteFrom('workers')
    .where((eb) => eb.or([eb('seen_ms', '<', nowMs - forgottenMs), eb('seen_ms', '>', nowMs + forgottenMs)]))
    .execute();
}

async function readNews(db: Database, worker: string, server: string, nowMs: number): Promise<SiteNews> {
  const { others, until } = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('workers')
        .select((inner) => inner.fn.countAll().as('count'))
        .where('id', '!=', worker)
        // Either way: a clock that was ahead once would otherwise leave a worker behind for as long.
        .where('seen_ms', '>=', nowMs - forgottenMs)
        .where('seen_ms', '<=', nowMs + forgottenMs)
        .as('others'),
      eb.selectFrom('server_pauses').select('until_ms').where('server', '=', server).as('until'),
    ])
    .executeTakeFirstOrThrow();
  return { workers: Number(others ?? 0) + 1, pausedUntilMs: until ?? 0 };
}

/** A pause is never made shorter, but one that is longer than any may be is of a clock that was wrong. */
async function writePause(db: Database, server: string, untilMs: number, nowMs: number): Promise<void> {
  await db
    .insertInto('server_pauses')
    .values({ server, until_ms: untilMs })
    .onConflict((conflict) =>
      conflict
        .column('server')
        .doUpdateSet({ until_ms: untilMs })
        .where((eb) =>
          eb.or([
            eb('server_pauses.until_ms', '<', untilMs),
            eb('server_pauses.until_ms', '>', nowMs + pauseMsMax + forgottenMs),
          ]),
        ),
    )
    .execute();
}
