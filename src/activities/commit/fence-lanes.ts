/** The fence by `ifMatch` on a transaction's entries: the cursor's version, and those of the lanes in front of it. */
import { randomUUID } from 'node:crypto';

import type { JsonObject } from '../../fhir/resource.ts';
import type { Versioned } from '../../fhir/server.ts';
import type { StreamKey } from '../../state/streams.ts';
import { cursorId } from '../../sync/cursor.ts';
import { TroubleError } from '../failures.ts';
import { contentOf, cursorType, guardedWrite, isThrough, read, readMany, requireSame } from './cursor-writes.ts';
import type { Closing, Fence, FenceInput, FenceOffInput, Progress } from './fence.ts';

const laneId = (instance: string, { direction, type }: StreamKey, lane: number): string =>
  `${cursorId(instance, direction, type)}.l${String(lane)}`;

/** Ids of a commit's lanes. One transaction has only the cursor. */
const laneIds = (instance: string, stream: StreamKey, { bundles, lanes }: Extent): string[] =>
  Array.from({ length: bundles > 1 ? lanes : 0 }, (_, lane) => laneId(instance, stream, lane));

/** How many transactions a commit has, and how many of them may be in flight before the last. */
interface Extent {
  readonly bundles: number;
  readonly lanes: number;
}

/** The cursor's content as it stands, written again to take its version; `closed` says by whom. */
function cursorAgain(present: Versioned | undefined, id: string, instance: string, closed: string): JsonObject {
  const content = present && contentOf(present);
  return { ...(content ?? { resourceType: cursorType, id, kind: 'unused', instance }), closed };
}

/** What the cursor's `closed` begins with while the last bundle of a commit is sent in pieces. */
const piecesOf = (label: string): string => `piece-${label}-`;

const whole = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Reads from lanes and cursor how far a commit has come. */
class LaneProgress implements Progress {
  readonly #label: string;
  readonly #extent: Extent;
  /** As they stand in the target, by lane. */
  readonly lanes = new Map<number, Versioned>();
  cursor: Versioned | undefined;

  constructor(label: string, extent: Extent, cursor: Versioned | undefined) {
    this.#label = label;
    this.#extent = extent;
    this.cursor = cursor;
  }

  isLast(bundle: number): boolean {
    return bundle >= this.#extent.bundles - 1;
  }

  laneOf(bundle: number): number {
    return bundle % this.#extent.lanes;
  }

  /** The last bundle that went through a lane whole; -1 where none did. */
  noted(lane: number): number {
    const resource = this.#ours(lane);
    return typeof resource?.sequence === 'number' ? resource.sequence : -1;
  }

  isApplied(bundle: number): boolean {
    return !this.isLast(bundle) && this.noted(this.laneOf(bundle)) >= bundle;
  }

  setsSent(bundle: number): number {
    if (this.isLast(bundle)) {
      const resource = this.cursor?.resource;
      const closed = resource?.closed;
      return typeof closed === 'string' && closed.startsWith(piecesOf(this.#label)) ? whole(resource?.sets) : 0;
    }
    const lane = this.laneOf(bundle);
    const noted = this.noted(lane);
    const next = noted < 0 ? lane : noted + this.#extent.lanes;
    return bundle === next ? whole(this.#ours(lane)?.sets) : 0;
  }

  #ours(lane: number): JsonObject | undefined {
    const resource = this.lanes.get(lane)?.resource;
    return resource?.batch === this.#label ? resource : undefined;
  }
}

export async function openLanes(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const { stream, label } = plan;
  const id = cursorId(instance, stream.direction, stream.type);
  const extent = { bundles: plan.bundles.length, lanes: plan.lanes };
  const at = new LaneProgress(label, extent, input.cursor);
  const refresh = async (lanes: readonly number[]): Promise<void> => {
    const ids = lanes.map((lane) => laneId(instance, stream, lane));
    const now = await readMany(target, ids);
    for (const [index, lane] of lanes.entries()) {
      const found = now.get(ids[index] ?? '');
      if (found === undefined) at.lanes.delete(lane);
      else at.lanes.set(lane, found);
    }
  };
  await refresh([...laneIds(instance, stream, extent).keys()]);
  // The lanes are worth something only if nobody had taken over when they were read.
  if (extent.bundles > 1) requireSame(await read(target, id), at.cursor);
  const laneWrite = (bundle: number, upTo: number | undefined): string => {
    const lane = at.laneOf(bundle);
    const content: JsonObject = {
      resourceType: cursorType,
      id: laneId(instance, stream, lane),
      kind: 'lane',
      instance,
      direction: stream.direction,
      type: stream.type,
      batch: label,
      // A piece of a bisected bundle leaves the lane where it was: only the last piece completes the bundle.
      sequence: upTo === undefined ? bundle : at.noted(lane),
      ...(upTo !== undefined && { sets: upTo }),
    };
    return guardedWrite(content, laneId(instance, stream, lane), at.lanes.get(lane));
  };
  const ourPieces = `${piecesOf(label)}${randomUUID()}`;
  const cursorWrite = (upTo: number | undefined): string => {
    // Pieces of the last bundle go through the cursor, too: whoever completes it makes them stale.
    const content =
      upTo === undefined ? input.cursorContent : { ...cursorAgain(at.cursor, id, instance, ourPieces), sets: upTo };
    return guardedWrite(content, id, at.cursor);
  };
  return {
    isApplied: (bundle) => at.isApplied(bundle),
    setsSent: (bundle) => at.setsSent(bundle),
    entries: (bundle, upTo) => [at.isLast(bundle) ? cursorWrite(upTo) : laneWrite(bundle, upTo)],
    passed: async (bundle) => {
      if (at.isLast(bundle)) {
        const now = await read(target, id);
        if (now?.resource.closed !== ourPieces) throw new TroubleError('lost-race');
        at.cursor = now;
        return;
      }
      const lane = at.laneOf(bundle);
      await refresh([lane]);
      // Not ours any more: its version would let us through where others have gone before.
      if (at.lanes.get(lane)?.resource.batch !== label) throw new TroubleError('lost-race');
    },
    judge: async (bundle) => {
      // The lane before the cursor: a version that was read before the cursor stood is stale as soon as it moves.
      if (!at.isLast(bundle)) await refresh([at.laneOf(bundle)]);
      const isOver = await isThrough(target, id, label, at.cursor);
      return isOver || at.isApplied(bundle) ? 'applied' : 'retry';
    },
    markers: () => [],
  };
}

/** Writes cursor and lanes again as they are: every version that the lost attempt may hold is stale then. */
export async function moveLanes({ instance, target, stream, open, cursor }: FenceOffInput): Promise<Closing> {
  const { label, bundles, lanes } = open;
  const ids = laneIds(instance, stream, { bundles, lanes });
  const present = await readMany(target, ids);
  const progress = new LaneProgress(label, { bundles, lanes }, cursor);
  const moves = ids.map((id, lane) => {
    const found = present.get(id);
    if (found !== undefined) progress.lanes.set(lane, found);
    const closed = {
      resourceType: cursorType,
      id,
      kind: 'lane',
      instance,
      lane,
      batch: `closed-${label}`,
      sequence: -1,
    };
    return guardedWrite(closed, id, found);
  });
  const id = cursorId(instance, stream.direction, stream.type);
  return { entries: [...moves, guardedWrite(cursorAgain(cursor, id, instance, label), id, cursor)], progress };
}
