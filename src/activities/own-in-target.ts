/** What a stream's target has of ours, by the origin tag that everything written carries: keys and versions, nothing else. */
import { hubOrigin, tagSystems } from '../deid/engine.ts';
import { fixedLimits } from '../limits.ts';
import { chunksOf } from '../state/database.ts';
import { idOfKey, typeOfKey } from '../state/ledger.ts';
import type { Direction } from '../state/tables.ts';
import type { StreamKey } from './contract.ts';
import { cancelSignal, heartbeat, onSide } from './failures.ts';
import { type Parts, targetName } from './parts.ts';

/** The tag of what this site has written to a direction's target. */
export const originTag = ({ instance }: Parts, direction: Direction): { system: string; code: string } => ({
  system: tagSystems.origin,
  code: direction === 'up' ? instance : hubOrigin,
});

/**
 * Versions by key, page after page.
 * @param isEnough - asked before each page: true ends the reading
 */
export async function* ownInTarget(
  parts: Parts,
  { direction, type }: StreamKey,
  isEnough: () => boolean = () => false,
): AsyncGenerator<ReadonlyMap<string, string>, void, undefined> {
  const target = parts.servers[targetName(direction)];
  for (let page = 1; !isEnough(); page++) {
    const request = { ...originTag(parts, direction), count: parts.limits.pageRowsMax, page };
    const { ids, versions, isLast } = await onSide('target', () => target.taggedIds(type, request, cancelSignal()));
    yield new Map(ids.map((id, at) => [`${type}/${id}`, versions[at] ?? '']));
    heartbeat({ targetPages: page });
    if (isLast) return;
  }
}

/** The versions of some keys, of whatever types, that the target has as ours. */
export async function versionsInTarget(
  parts: Parts,
  direction: Direction,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const target = parts.servers[targetName(direction)];
  const present = new Map<string, string>();
  for (const [type, ofType] of Map.groupBy(keys, typeOfKey)) {
    for (const chunk of chunksOf(ofType, fixedLimits.listedIdsMax)) {
      const ids = chunk.map(idOfKey);
      const request = { ...originTag(parts, direction), ids, count: ids.length, page: 1 };
      const found = await onSide('target', () => target.taggedIds(type, request, cancelSignal()));
      for (const [at, id] of found.ids.entries()) present.set(`${type}/${id}`, found.versions[at] ?? '');
      heartbeat({ lookedUp: present.size });
    }
  }
  return present;
}
