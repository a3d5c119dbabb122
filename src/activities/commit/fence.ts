/**
 * Fences: what makes an attempt that lost and wakes up change nothing. Every transaction of a commit carries one.
 *
 * - `if-match`: the cursor's version, for the last transaction; a *lane*'s version for those in flight before it.
 *   Lanes are resources beside the cursor; each notes the last bundle that went through it.
 * - `marker`: for servers that ignore `ifMatch` on entries: a POST of a resource with an id of its own for each
 *   transaction; its second appearance is a 409 that rolls the transaction back.
 *
 * All of them are of the type ChangesInfo, so that a target needs no more custom types than the user's own.
 */
import { createHash, randomUUID } from 'node:crypto';

import type { JsonObject } from '../../fhir/resource.ts';
import type { CommitTarget, TransactionAnswer, Versioned } from '../../fhir/server.ts';
import type { OpenCommit, StreamKey } from '../../state/streams.ts';
import { cursorId, cursorOf } from '../../sync/cursor.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import type { CommitPlan } from './planned.ts';

export const cursorType = 'ChangesInfo';

export type FenceMode = 'if-match' | 'marker';

/** What a refused fence means. */
export type Verdict = 'applied' | 'retry';

export interface Fence {
  /** Whether an earlier attempt got this bundle through. */
  isApplied(bundle: number): boolean;
  /** The fence's entries of a transaction, as JSON texts; `part` is empty for what completes its bundle. */
  entries(bundle: number, last: boolean, part: string): string[];
  /** A transaction other than the one with the cursor went through. Throws `lost-race` where it is not ours to go on. */
  passed(bundle: number, last: boolean): Promise<void>;
  /** A transaction was refused with 409 or 412. Throws `lost-race` where another attempt has won for good. */
  judge(bundle: number, last: boolean): Promise<Verdict>;
  /** Ids of the markers that this commit has left behind. */
  markers(): string[];
}

export interface FenceInput {
  readonly instance: string;
  readonly target: CommitTarget;
  readonly mode: FenceMode;
  readonly plan: CommitPlan;
  readonly cursor: Versioned | undefined;
  readonly cursorContent: JsonObject;
  /** Ids of markers that may be swept along with the last bundle. */
  readonly oldMarkers: readonly string[];
}

export const openFence = (input: FenceInput): Promise<Fence> =>
  input.mode === 'if-match' ? openLanes(input) : openMarkers(input);

const entry = (method: string, url: string, resource?: JsonObject, ifMatch?: string): string =>
  JSON.stringify({
    ...(resource && { resource }),
    request: { method, url, ...(ifMatch !== undefined && { ifMatch }) },
  });

/** Written where there is none yet: a POST with an id, so that of two attempts only one gets through. */
function guardedWrite(resource: JsonObject, id: string, present: Versioned | undefined): string {
  if (present === undefined) return entry('POST', cursorType, resource);
  return entry('PUT', `${cursorType}/${id}`, resource, present.etag);
}

export const laneId = (instance: string, plan: Pick<CommitPlan, 'stream'>, lane: number): string =>
  `${cursorId(instance, plan.stream.direction, plan.stream.type)}.l${String(lane)}`;

const read = (target: CommitTarget, id: string): Promise<Versioned | undefined> =>
  onSide('target', () => target.read(cursorType, id, cancelSignal()));

const readMany = (target: CommitTarget, ids: readonly string[]): Promise<Map<string, Versioned>> =>
  ids.length === 0
    ? Promise.resolve(new Map<string, Versioned>())
    : onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));

/** Throws where the cursor has moved, or was written again to fence us off: whoever did it has taken over. */
function requireSame(now: Versioned | undefined, expected: Versioned | undefined): void {
  if ((now?.etag ?? '') !== (expected?.etag ?? '')) throw new TroubleError('lost-race');
}

/** The cursor's content as it stands, written again to take its version; `closed` says by whom. */
function cursorAgain(present: Versioned | undefined, id: string, instance: string, closed: string): JsonObject {
  const content: JsonObject = present?.resource ?? { resourceType: cursorType, id, kind: 'unused', instance };
  const { meta: _serverOwned, ...kept } = content;
  return { ...kept, closed };
}

/** Posts entries as one transaction. */
const post = (target: CommitTarget, entries: readonly string[]): Promise<TransactionAnswer> => {
  const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`;
  return onSide('target', () => target.transaction(Buffer.from(bundle), cancelSignal()));
};

/** Adds to what a cursor says, beside any commit. Throws `lost-race` where it has moved meanwhile. */
export async function amendCursor(
  target: CommitTarget,
  id: string,
  present: Versioned,
  changes: JsonObject,
): Promise<void> {
  const { meta: _serverOwned, ...kept } = present.resource;
  const write = guardedWrite({ ...kept, ...changes }, id, present);
  const answer = await post(target, [write]);
  if (answer.kind === 'done') return;
  throw new TroubleError(answer.status === 409 || answer.status === 412 ? 'lost-race' : 'target-refuses');
}

async function openLanes(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const id = cursorId(instance, plan.stream.direction, plan.stream.type);
  let { cursor } = input;
  const many = plan.bundles.length > 1;
  const laneIds = Array.from({ length: many ? plan.lanes : 0 }, (_, lane) => laneId(instance, plan, lane));
  const lanes = await readMany(target, laneIds);
  // The lanes are worth something only if nobody had taken over when they were read.
  if (many) requireSame(await read(target, id), cursor);
  const laneOf = (bundle: number): string => laneId(instance, plan, bundle % plan.lanes);
  const noted = (lane: Versioned | undefined): number =>
    lane?.resource.batch === plan.label && typeof lane.resource.sequence === 'number' ? lane.resource.sequence : -1;
  const laneContent = (bundle: number, complete: boolean): JsonObject => ({
    resourceType: cursorType,
    id: laneOf(bundle),
    kind: 'lane',
    instance,
    direction: plan.stream.direction,
    type: plan.stream.type,
    batch: plan.label,
    // A piece of a bisected bundle leaves the lane where it was: only the last piece completes the bundle.
    sequence: complete ? bundle : noted(lanes.get(laneOf(bundle))),
  });
  const refreshLane = async (bundle: number): Promise<Versioned | undefined> => {
    const lane = laneOf(bundle);
    const now = (await readMany(target, [lane])).get(lane);
    if (now === undefined) lanes.delete(lane);
    else lanes.set(lane, now);
    return now;
  };
  const ourPieces = `piece-${randomUUID()}`;
  const entryOf = (bundle: number, last: boolean, part: string): string => {
    if (!last) return guardedWrite(laneContent(bundle, part === ''), laneOf(bundle), lanes.get(laneOf(bundle)));
    // Pieces of the last bundle go through the cursor, too: whoever completes it makes them stale.
    const content = part === '' ? input.cursorContent : cursorAgain(cursor, id, instance, ourPieces);
    return guardedWrite(content, id, cursor);
  };
  return {
    isApplied: (bundle) => noted(lanes.get(laneOf(bundle))) >= bundle,
    entries: (bundle, last, part) => [entryOf(bundle, last, part)],
    passed: async (bundle, last) => {
      if (last) {
        const now = await read(target, id);
        if (now?.resource.closed !== ourPieces) throw new TroubleError('lost-race');
        cursor = now;
        return;
      }
      // Not ours any more: its version would let us through where others have gone before.
      if ((await refreshLane(bundle))?.resource.batch !== plan.label) throw new TroubleError('lost-race');
    },
    judge: async (bundle, last) => {
      // The lane before the cursor: a version that was read before the cursor stood is stale as soon as it moves.
      if (!last) await refreshLane(bundle);
      const now = await read(target, id);
      if (cursorOf(now?.resource)?.batch === plan.label) return 'applied';
      requireSame(now, cursor);
      return !last && noted(lanes.get(laneOf(bundle))) >= bundle ? 'applied' : 'retry';
    },
    markers: () => [],
  };
}

/** Id of a marker: of a transaction's bundle, and of its turn among the pieces that the bundle was sent in. */
const markerId = (label: string, bundle: number, turn: number): string =>
  `m-${createHash('sha256')
    .update(`${label}|${String(bundle)}|${String(turn)}`)
    .digest('hex')
    .slice(0, 40)}`;

/**
 * The turns that were taken of some bundles: each transaction takes the next one, so that of two attempts only one gets
 * through, whatever pieces each of them sends.
 */
class Turns {
  readonly #target: CommitTarget;
  readonly #label: string;
  readonly #next = new Map<number, number>();
  readonly #complete = new Set<number>();

  constructor(target: CommitTarget, label: string) {
    this.#target = target;
    this.#label = label;
  }

  /** The marker that a bundle's next transaction has to take. */
  markerOf(bundle: number): string {
    return markerId(this.#label, bundle, this.#next.get(bundle) ?? 0);
  }

  /** Every marker of the first bundles up to the next turn. */
  markersUpTo(bundles: number): string[] {
    return Array.from({ length: bundles }, (_, bundle) => bundle).flatMap((bundle) =>
      Array.from({ length: (this.#next.get(bundle) ?? 0) + 1 }, (_, turn) => markerId(this.#label, bundle, turn)),
    );
  }

  isComplete(bundle: number): boolean {
    return this.#complete.has(bundle);
  }

  take(bundle: number): void {
    this.#next.set(bundle, (this.#next.get(bundle) ?? 0) + 1);
  }

  /** Looks how far bundles have come. Throws `lost-race` where the commit was closed. */
  async look(bundles: readonly number[]): Promise<void> {
    for (let open = bundles.filter((bundle) => !this.isComplete(bundle)); open.length > 0;) {
      const ids = open.map((bundle) => this.markerOf(bundle));
      const found = await readMany(this.#target, ids);
      open = open.filter((bundle, index) => {
        const marker = found.get(ids[index] ?? '');
        if (marker === undefined) return false;
        if (marker.resource.batch !== this.#label) throw new TroubleError('lost-race');
        if (marker.resource.sequence === bundle) this.#complete.add(bundle);
        else this.take(bundle);
        return !this.isComplete(bundle);
      });
    }
  }
}

async function openMarkers(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const id = cursorId(instance, plan.stream.direction, plan.stream.type);
  const turns = new Turns(target, plan.label);
  if (plan.bundles.length > 1) await turns.look([...plan.bundles.keys()]);
  const marker = (bundle: number, part: string): JsonObject => ({
    resourceType: cursorType,
    id: turns.markerOf(bundle),
    kind: 'marker',
    instance,
    direction: plan.stream.direction,
    type: plan.stream.type,
    batch: plan.label,
    // A piece does not complete its bundle.
    sequence: part === '' ? bundle : -1,
  });
  return {
    isApplied: (bundle) => turns.isComplete(bundle),
    entries: (bundle, last, part) => [
      entry('POST', cursorType, marker(bundle, part)),
      ...(last && part === '' ? [entry('PUT', `${cursorType}/${id}`, input.cursorContent)] : []),
      ...(last && part === '' ? input.oldMarkers.map((old) => entry('DELETE', `${cursorType}/${old}`)) : []),
    ],
    passed: (bundle) => {
      turns.take(bundle);
      return Promise.resolve();
    },
    judge: async (bundle) => {
      const now = await read(target, id);
      if (cursorOf(now?.resource)?.batch === plan.label) return 'applied';
      requireSame(now, input.cursor);
      await turns.look([bundle]);
      return turns.isComplete(bundle) ? 'applied' : 'retry';
    },
    markers: () => turns.markersUpTo(Math.max(1, plan.bundles.length)),
  };
}

export interface FenceOffInput {
  readonly instance: string;
  readonly target: CommitTarget;
  readonly mode: FenceMode;
  readonly stream: StreamKey;
  readonly open: OpenCommit;
  readonly cursor: Versioned | undefined;
}

/**
 * Closes the door behind a commit that was given up: whatever of it is still on its way, or asleep in a paused
 * process, is refused from now on.
 */
export async function fenceOff(input: FenceOffInput): Promise<void> {
  const entries = input.mode === 'if-match' ? await laneMoves(input) : await markersTaken(input);
  if (entries.length === 0) return;
  const answer = await post(input.target, entries);
  // Refused: something of that commit got through this very moment. Read everything anew.
  if (answer.kind === 'refused') throw new TroubleError('lost-race');
}

/** Writes cursor and lanes again as they are: every version that the lost attempt may hold is stale then. */
async function laneMoves({ instance, target, stream, open, cursor }: FenceOffInput): Promise<string[]> {
  const ids = Array.from({ length: open.bundles > 1 ? open.lanes : 0 }, (_, lane) =>
    laneId(instance, { stream }, lane),
  );
  const present = await readMany(target, ids);
  const moves = ids.map((id, lane) => {
    const resource = {
      resourceType: cursorType,
      id,
      kind: 'lane',
      instance,
      lane,
      batch: `closed-${open.label}`,
      sequence: -1,
    };
    return guardedWrite(resource, id, present.get(id));
  });
  const id = cursorId(instance, stream.direction, stream.type);
  return [...moves, guardedWrite(cursorAgain(cursor, id, instance, open.label), id, cursor)];
}

/** Takes the markers that the lost attempt would have to post next. */
async function markersTaken({ instance, target, open }: FenceOffInput): Promise<string[]> {
  const bundles = Array.from({ length: Math.max(1, open.bundles) }, (_, bundle) => bundle);
  const turns = new Turns(target, open.label);
  await turns.look(bundles);
  return bundles
    .filter((bundle) => !turns.isComplete(bundle))
    .map((bundle) =>
      entry('POST', cursorType, {
        resourceType: cursorType,
        id: turns.markerOf(bundle),
        kind: 'marker',
        instance,
        batch: `closed-${open.label}`,
      }),
    );
}
