/**
 * Finds out, once a day for each target and harmlessly, whether the server obeys `ifMatch` on the entries of a
 * transaction: FHIR has it (Bundle.entry.request.ifMatch), not every server does.
 */
import { randomBytes } from 'node:crypto';

import type { CommitTarget } from '../../fhir/server.ts';
import { fixedLimits } from '../../limits.ts';
import { noteFenceMode, readFenceMode } from '../../state/fence-modes.ts';
import type { Direction, FenceMode } from '../../state/tables.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import { type Parts, targetName } from '../parts.ts';
import { cursorType, read } from './cursor-writes.ts';

/** How often a question is asked whose answer may be chance. */
const looks = 3;

/** Probes a target with a resource of its own, which it deletes in the end. */
export async function probeFence(target: CommitTarget, instance: string): Promise<FenceMode> {
  const id = `${instance}.probe.${randomBytes(6).toString('hex')}`;
  const resource = { resourceType: cursorType, id, kind: 'probe', instance };
  const post: Post = async (method, url, ifMatch, body = true) => {
    const request = { method, url, ...(ifMatch !== undefined && { ifMatch }) };
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [{ ...(body && { resource }), request }] };
    const answer = await onSide('target', () =>
      target.transaction(Buffer.from(JSON.stringify(bundle)), cancelSignal()),
    );
    return answer.kind === 'done' ? 200 : answer.status;
  };
  const created = await post('POST', cursorType);
  if (created === 412) throw new TroubleError('target-conflict');
  // 409: it has arrived twice. A server that refuses even this knows no ChangesInfo: better found out here than by
  // bisecting good data.
  if (created !== 200 && created !== 409) throw new TroubleError('target-lacks-route');
  const obeyed = (await refusesStale(post, id)) && (await acceptsFitting(post, target, id));
  await post('DELETE', `${cursorType}/${id}`, undefined, false);
  return obeyed ? 'if-match' : 'marker';
}

type Post = (method: string, url: string, ifMatch?: string, body?: boolean) => Promise<number>;

/** Nobody else writes the probe, so that a 412 which comes each time is about the version; a conflict by chance is not. */
async function refusesStale(post: Post, id: string): Promise<boolean> {
  for (let look = 1; look <= looks; look++) {
    if ((await post('PUT', `${cursorType}/${id}`, 'W/"0"')) !== 412) return false;
  }
  return true;
}

/** A request that arrives twice is refused the second time for what the first has written: asked again, with the new version. */
async function acceptsFitting(post: Post, target: CommitTarget, id: string): Promise<boolean> {
  for (let look = 1; look <= looks; look++) {
    const written = await read(target, id);
    if (written !== undefined && (await post('PUT', `${cursorType}/${id}`, written.etag)) === 200) return true;
  }
  return false;
}

/**
 * How a direction's target is fenced, by what the state says: found out once for the site, and anew where that was long ago.
 * A commit that is open keeps the mode that it was begun in (`OpenCommit`), so that it may be found out anew at any time.
 */
export async function fenceModeOf(parts: FenceParts, direction: Direction): Promise<FenceMode> {
  const known = await readFenceMode(parts.db, targetName(direction));
  // Either way: a clock that was ahead once must not keep an answer for ever.
  const ageMs = Math.abs(parts.now() - (known?.foundMs ?? 0));
  if (known !== undefined && ageMs < fixedLimits.fenceModeSecondsMax * 1_000) return known.mode;
  return findFenceMode(parts, direction, known?.foundMs);
}

/** Probes a direction's target now, whatever the state says of it. */
export async function findFenceModeAnew(parts: FenceParts, direction: Direction): Promise<FenceMode> {
  return findFenceMode(parts, direction, (await readFenceMode(parts.db, targetName(direction)))?.foundMs);
}

type FenceParts = Pick<Parts, 'db' | 'servers' | 'instance' | 'now'>;

async function findFenceMode(
  { db, servers, instance, now }: FenceParts,
  direction: Direction,
  known: number | undefined,
): Promise<FenceMode> {
  const server = targetName(direction);
  const mode = await probeFence(servers[server], instance);
  return noteFenceMode(db, server, { mode, nowMs: now(), known });
}
