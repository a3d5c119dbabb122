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
import { createHash } from 'node:crypto';

import type { JsonObject } from '../../fhir/resource.ts';
import type { CommitTarget, Versioned } from '../../fhir/server.ts';
import type { OpenCommit, StreamKey } from '../../state/streams.ts';
import { cursorId, cursorOf } from '../../sync/cursor.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import type { CommitPlan } from './plan.ts';

export const cursorType = 'ChangesInfo';

export type FenceMode = 'if-match' | 'marker';

/** What a refused fence means. */
export type Verdict = 'applied' | 'retry';

export interface Fence {
  /** Whether an earlier attempt got this bundle through. */
  isApplied(bundle: number): boolean;
  /** The fence's entries of a transaction, as JSON texts; `part` numbers the pieces of a bisected bundle. */
  entries(bundle: number, last: boolean, part: string): string[];
  /** A transaction other than the last went through. */
  passed(bundle: number): Promise<void>;
  /** A transaction was refused with 409 or 412. Throws `lost-race` where another attempt has won for good. */
  judge(bundle: number, last: boolean, part: string): Promise<Verdict>;
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

async function openLanes(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const id = cursorId(instance, plan.stream.direction, plan.stream.type);
  const many = plan.bundles.length > 1;
  const laneIds = Array.from({ length: many ? plan.lanes : 0 }, (_, lane) => laneId(instance, plan, lane));
  const readLanes = (ids: string[]): Promise<Map<string, Versioned>> =>
    ids.length === 0
      ? Promise.resolve(new Map<string, Versioned>())
      : onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));
  const lanes = await readLanes(laneIds);
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
  const refreshLane = async (bundle: number): Promise<void> => {
    const lane = laneOf(bundle);
    const now = (await readLanes([lane])).get(lane);
    if (now === undefined) lanes.delete(lane);
    else lanes.set(lane, now);
  };
  return {
    isApplied: (bundle) => noted(lanes.get(laneOf(bundle))) >= bundle,
    entries: (bundle, last, part) =>
      last && part === ''
        ? [guardedWrite(input.cursorContent, id, input.cursor)]
        : [guardedWrite(laneContent(bundle, part === '' && !last), laneOf(bundle), lanes.get(laneOf(bundle)))],
    passed: refreshLane,
    judge: async (bundle, last, part) => {
      const now = await onSide('target', () => target.read(cursorType, id, cancelSignal()));
      if (cursorOf(now?.resource)?.batch === plan.label) return 'applied';
      // Moved on, or written again to fence us off: whoever did it has taken over.
      if ((now?.etag ?? '') !== (input.cursor?.etag ?? '')) throw new TroubleError('lost-race');
      if (last && part === '') return 'retry';
      await refreshLane(bundle);
      return noted(lanes.get(laneOf(bundle))) >= bundle ? 'applied' : 'retry';
    },
  };
}

/** Id of a transaction's marker. */
export const markerId = (label: string, bundle: number, part: string): string =>
  `m-${createHash('sha256')
    .update(`${label}|${String(bundle)}|${part}`)
    .digest('hex')
    .slice(0, 40)}`;

async function openMarkers(input: FenceInput): Promise<Fence> {
  const { instance, target, plan } = input;
  const id = cursorId(instance, plan.stream.direction, plan.stream.type);
  const applied = new Set<string>();
  const look = async (ids: string[]): Promise<void> => {
    const found = await onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));
    for (const key of found.keys()) applied.add(key);
  };
  if (plan.bundles.length > 1) await look(plan.bundles.map((_, bundle) => markerId(plan.label, bundle, '')));
  const marker = (bundle: number, part: string): JsonObject => ({
    resourceType: cursorType,
    id: markerId(plan.label, bundle, part),
    kind: 'marker',
    instance,
    direction: plan.stream.direction,
    type: plan.stream.type,
    batch: plan.label,
  });
  return {
    isApplied: (bundle) => applied.has(markerId(plan.label, bundle, '')),
    entries: (bundle, last, part) => [
      entry('POST', cursorType, marker(bundle, part)),
      ...(last && part === '' ? [entry('PUT', `${cursorType}/${id}`, input.cursorContent)] : []),
      ...(last && part === '' ? input.oldMarkers.map((old) => entry('DELETE', `${cursorType}/${old}`)) : []),
    ],
    passed: () => Promise.resolve(),
    judge: async (bundle, _last, part) => {
      const now = await onSide('target', () => target.read(cursorType, id, cancelSignal()));
      if (cursorOf(now?.resource)?.batch === plan.label) return 'applied';
      if ((cursorOf(now?.resource)?.sequence ?? 0) > plan.sequence - 1) throw new TroubleError('lost-race');
      const key = markerId(plan.label, bundle, part);
      await look([key]);
      return applied.has(key) ? 'applied' : 'retry';
    },
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
  const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`;
  const answer = await onSide('target', () => input.target.transaction(Buffer.from(bundle), cancelSignal()));
  // Refused: something of that commit got through this very moment. Read everything anew.
  if (answer.kind === 'refused') throw new TroubleError('lost-race');
}

/** Writes cursor and lanes again as they are: every version that the lost attempt may hold is stale then. */
async function laneMoves({ instance, target, stream, open, cursor }: FenceOffInput): Promise<string[]> {
  const ids = Array.from({ length: open.bundles > 1 ? open.lanes : 0 }, (_, lane) =>
    laneId(instance, { stream }, lane),
  );
  const present =
    ids.length === 0
      ? new Map<string, Versioned>()
      : await onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));
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
  const content: JsonObject = cursor?.resource ?? { resourceType: cursorType, id, kind: 'unused', instance };
  const { meta: _serverOwned, ...kept } = content;
  return [...moves, guardedWrite({ ...kept, closed: open.label }, id, cursor)];
}

/** Takes the markers that the lost attempt would have to post. */
async function markersTaken({ instance, target, open }: FenceOffInput): Promise<string[]> {
  const ids = Array.from({ length: Math.max(1, open.bundles) }, (_, bundle) => markerId(open.label, bundle, ''));
  const present = await onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));
  return ids
    .filter((id) => !present.has(id))
    .map((id) =>
      entry('POST', cursorType, {
        resourceType: cursorType,
        id,
        kind: 'marker',
        instance,
        batch: `closed-${open.label}`,
      }),
    );
}
