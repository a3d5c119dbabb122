/**
 * Finds out, once for each target and harmlessly, whether the server obeys `ifMatch` on the entries of a
 * transaction: FHIR has it (Bundle.entry.request.ifMatch), not every server does.
 */
import { randomBytes } from 'node:crypto';

import type { CommitTarget } from '../../fhir/server.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import { cursorType } from './cursor-writes.ts';
import type { FenceMode } from './fence.ts';

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
    const written = await onSide('target', () => target.read(cursorType, id, cancelSignal()));
    if (written !== undefined && (await post('PUT', `${cursorType}/${id}`, written.etag)) === 200) return true;
  }
  return false;
}

/** The mode of each target, found out once in a process. */
export class FenceModes {
  readonly #known = new Map<CommitTarget, Promise<FenceMode>>();

  of(target: CommitTarget, instance: string): Promise<FenceMode> {
    const known = this.#known.get(target) ?? probeFence(target, instance);
    this.#known.set(target, known);
    // A probe that failed tells nothing: the next commit probes again.
    known.catch(() => this.#known.delete(target));
    return known;
  }
}
