/**
 * The gate of a first load: a type waits while types of lower tiers, which it refers to, are being loaded. A type
 * that does not move is not waited for: one bad type stops nobody else, and parking makes any order correct.
 *
 * Patients are the exception, where they are in the target from before and their words are not known to the leak guard
 * under the policy of now: nothing would be parked for them, and text that names them would pass.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { fixedLimits } from '../../limits.ts';
import { listStreams, type StreamPosition, updateStream } from '../../state/streams.ts';
import { tierOf } from '../../sync/tiers.ts';
import { heartbeat } from '../failures.ts';
import { type Parts, policyOf } from '../parts.ts';

const askEveryMs = 250;
/** Streams that are started together get so long to announce themselves before the first looks around. */
const announceMs = 2_000;

/**
 * The types that still have to be waited for. Asks for a while before it answers, so that waiting costs few actions.
 * @param position - the stream's own position, as it was before this call
 */
export async function waitForLowerTiers(parts: Parts, position: StreamPosition): Promise<string[]> {
  const begunMs = parts.now();
  const announce = (): Promise<unknown> =>
    updateStream(parts.db, position, (at) => ({ ...at, progressAtMs: parts.now() }));
  await announce();
  if (position.progressAtMs === 0 && parts.streams.length > 1) await sleep(announceMs);
  for (;;) {
    const moving = await lowerTiersToWaitFor(parts, position);
    if (moving.length === 0 || Math.abs(parts.now() - begunMs) > fixedLimits.tierWaitSecondsMax * 1_000) return moving;
    heartbeat({ waitingForTypes: moving.length });
    // Who waits is alive: those of the tiers above must not give up on it.
    await announce();
    await sleep(askEveryMs);
  }
}

async function lowerTiersToWaitFor(parts: Parts, { direction, type }: StreamPosition): Promise<string[]> {
  const tier = tierOf(type);
  const now = parts.now();
  const configured = new Set(parts.streams.filter((other) => other.direction === direction).map((other) => other.type));
  const positions = await listStreams(parts.db, direction);
  return positions
    .filter((at) => configured.has(at.type) && tierOf(at.type) < tier)
    .filter((at) => isMoving(at, now) || isUnguarded(parts, at))
    .map((at) => at.type);
}

/** A time that is far ahead is of a clock that was put back since. */
const isMoving = (at: StreamPosition, nowMs: number): boolean =>
  !at.loaded && Math.abs(nowMs - at.progressAtMs) < fixedLimits.tierStallSecondsMax * 1_000 && at.denied === '';

/** Whether patients are in the target whose words were not gathered under this policy. */
function isUnguarded(parts: Parts, { direction, type, epoch, policy, loaded }: StreamPosition): boolean {
  if (type !== 'Patient' || !parts.rulesets[direction].guards) return false;
  // Never committed: whatever refers to a patient is parked until it is.
  if (epoch === 1 && policy === '') return false;
  return policy !== policyOf(parts, direction) || (epoch > 1 && !loaded);
}
