/** What the target has of a stream, by the origin tag: ids and versions, nothing else. */
import { setTimeout as sleep } from 'node:timers/promises';

import { hubOrigin, tagSystems } from '../../deid/engine.ts';
import { fixedLimits } from '../../limits.ts';
import { chunksOf } from '../../state/database.ts';
import { listStreams } from '../../state/streams.ts';
import { noteListed, type Survey } from '../../state/survey.ts';
import type { Direction } from '../../state/tables.ts';
import type { StreamKey } from '../contract.ts';
import { cancelSignal, heartbeat, onSide, TroubleError } from '../failures.ts';
import { type Parts, targetName } from '../parts.ts';
import type { Tally } from './tally.ts';

const tagOf = ({ instance }: Parts, direction: Direction): { system: string; code: string } => ({
  system: tagSystems.origin,
  code: direction === 'up' ? instance : hubOrigin,
});

/** Notes what the target lists. */
export async function listTarget(parts: Parts, survey: Survey, tally: Tally): Promise<void> {
  const { direction, type } = survey;
  const target = parts.servers[targetName(direction)];
  const { pageRowsMax: count } = parts.limits;
  for (let page = 1; ; page++) {
    const request = { ...tagOf(parts, direction), count, page };
    const { ids, versions, isLast } = await onSide('target', () => target.taggedIds(type, request, cancelSignal()));
    const listed = new Map(ids.map((id, at) => [`${type}/${id}`, versions[at] ?? '']));
    for (const key of listed.keys()) tally.count('target', key);
    await noteListed(parts.db, survey, listed);
    heartbeat({ targetPages: page });
    if (isLast) return;
  }
}

/**
 * Those of some keys that the target has after all. What is deleted while pages are read moves the others, and one may fall
 * between two of them.
 */
export async function listedAfterAll(parts: Parts, { direction, type }: StreamKey, keys: readonly string[]) {
  const target = parts.servers[targetName(direction)];
  const present = new Set<string>();
  for (const chunk of chunksOf(keys, fixedLimits.listedIdsMax)) {
    const ids = chunk.map((key) => key.slice(type.length + 1));
    const request = { ...tagOf(parts, direction), ids, count: ids.length, page: 1 };
    const found = await onSide('target', () => target.taggedIds(type, request, cancelSignal()));
    for (const id of found.ids) present.add(`${type}/${id}`);
    heartbeat({ lookedUp: present.size });
  }
  return present;
}

/** Labels of the commits that are on their way to a target: what they have written there may not be noted yet. */
export async function commitsOnTheirWay(parts: Parts, direction: Direction): Promise<ReadonlySet<string>> {
  const streams = await listStreams(parts.db, direction);
  return new Set(streams.flatMap(({ openCommit }) => (openCommit === undefined ? [] : [openCommit.label])));
}

/** Waits for commits to be noted or given up. False where one of them stays: what hangs on the target cannot be told then. */
export async function haveEnded(parts: Parts, direction: Direction, commits: ReadonlySet<string>): Promise<boolean> {
  const untilMs = Date.now() + fixedLimits.reconcileWaitSecondsMax * 1_000;
  for (;;) {
    const open = await commitsOnTheirWay(parts, direction);
    if (![...commits].some((label) => open.has(label))) return true;
    if (Date.now() > untilMs) return false;
    heartbeat({ commitsWaitedFor: commits.size });
    await sleep(500, undefined, { signal: cancelSignal() }).catch(() => {
      throw new TroubleError('given-back');
    });
  }
}
