/** Puts a fence around a commit, or closes the door behind one that was given up, in the way that its target knows. */
import type { FenceMode } from '../../state/tables.ts';
import { TroubleError } from '../failures.ts';
import { post } from './cursor-writes.ts';
import { moveLanes, openLanes } from './fence-lanes.ts';
import { openMarkers, takeMarkers } from './fence-markers.ts';
import type { Fence, FenceInput, FenceOffInput, Progress } from './fence.ts';

export const openFence = (mode: FenceMode, input: FenceInput): Promise<Fence> =>
  mode === 'if-match' ? openLanes(input) : openMarkers(input);

/**
 * Closes the door behind a commit that was given up: whatever of it is still on its way, or asleep in a paused
 * process, is refused from now on. Returns how far it has come, which is how far it will ever come.
 */
export async function fenceOff(mode: FenceMode, input: FenceOffInput): Promise<Progress> {
  const { entries, progress } = mode === 'if-match' ? await moveLanes(input) : await takeMarkers(input);
  if (entries.length === 0) return progress;
  const answer = await post(input.target, entries);
  // Refused: something of that commit got through this very moment. Read everything anew.
  if (answer.kind === 'refused') throw new TroubleError('lost-race');
  return progress;
}
