/**
 * Finds out, once for each target and harmlessly, whether the server obeys `ifMatch` on the entries of a
 * transaction: FHIR has it (Bundle.entry.request.ifMatch), not every server does.
 */
import { randomBytes } from 'node:crypto';

import type { CommitTarget } from '../../fhir/server.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import { cursorType, type FenceMode } from './fence.ts';

/** Probes a target with a resource of its own, which it deletes in the end. */
export async function probeFence(target: CommitTarget, instance: string): Promise<FenceMode> {
  const id = `${instance}.probe.${randomBytes(6).toString('hex')}`;
  const resource = { resourceType: cursorType, id, kind: 'probe', instance };
  const post = async (method: string, url: string, ifMatch?: string, body = true): Promise<number> => {
    const request = { method, url, ...(ifMatch !== undefined && { ifMatch }) };
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [{ ...(body && { resource }), request }] };
    const answer = await onSide('target', () =>
      target.transaction(Buffer.from(JSON.stringify(bundle)), cancelSignal()),
    );
    return answer.kind === 'done' ? 200 : answer.status;
  };
  // A server that refuses even this knows no ChangesInfo: better found out here than by bisecting good data.
  if ((await post('POST', cursorType)) !== 200) throw new TroubleError('target-lacks-route');
  const written = await onSide('target', () => target.read(cursorType, id, cancelSignal()));
  const stale = await post('PUT', `${cursorType}/${id}`, 'W/"0"');
  const fitting = stale === 412 && written !== undefined ? await post('PUT', `${cursorType}/${id}`, written.etag) : 0;
  await post('DELETE', `${cursorType}/${id}`, undefined, false);
  return fitting === 200 ? 'if-match' : 'marker';
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
