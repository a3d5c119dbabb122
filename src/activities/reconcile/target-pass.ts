/** What the target has of a stream, by the origin tag, and which commits may still be changing it. */
import { setTimeout as sleep } from 'node:timers/promises';

import { fixedLimits } from '../../limits.ts';
import { listStreams } from '../../state/streams.ts';
import { noteListed, type Survey } from '../../state/survey.ts';
import type { Direction } from '../../state/tables.ts';
import { cancelSignal, heartbeat, TroubleError } from '../failures.ts';
import { ownInTarget } from '../own-in-target.ts';
import type { Parts } from '../parts.ts';
import type { Tally } from './tally.ts';

/** Notes what the target lists. */
export async function listTarget(parts: Parts, survey: Survey, tally: Tally): Promise<void> {
  for await (const listed of ownInTarget(parts, survey)) {
    for (const key of listed.keys()) tally.count('target', key);
    await noteListed(parts.db, survey, listed);
  }
}

/** Labels of the commits that are on their way to a target: what they have written there may not be noted yet. */
export async function commitsOnTheirWay(parts: Parts, direction: Direction): Promise<ReadonlySet<string>> {
  const streams = await listStreams(parts.db, direction);
  return new Set(streams.flatMap(({ openCommit }) => (openCommit === undefined ? [] : [openCommit.label])));
}

/** Waits for commits to be noted or given up. False where one of them stays: what hangs on the target cannot be told then. */
export async function haveEnded(parts: Parts, direction: Direction, commits: ReadonlySet<string>): Promise<boolean> {
  const untilMs = performance.now() + fixedLimits.reconcileWaitSecondsMax * 1_000;
  for (;;) {
    const open = await commitsOnTheirWay(parts, direction);
    if (![...commits].some((label) => open.has(label))) return true;
    if (performance.now() > untilMs) return false;
    heartbeat({ commitsWaitedFor: commits.size });
    await sleep(500, undefined, { signal: cancelSignal() }).catch(() => {
      throw new TroubleError('given-back');
    });
  }
}
