/** Reads and writes of ChangesInfo resources, cursors and what stands beside them, as entries of transactions. */
import type { JsonObject } from '../../fhir/resource.ts';
import type { CommitTarget, TransactionAnswer, Versioned } from '../../fhir/server.ts';
import type { StreamKey } from '../../state/streams.ts';
import { cursorId, cursorOf } from '../../sync/cursor.ts';
import { cancelSignal, onSide, TroubleError } from '../failures.ts';
import { type Parts, targetName } from '../parts.ts';

export const cursorType = 'ChangesInfo';

/** An entry of a transaction, as JSON text. */
export const entry = (method: string, url: string, resource?: JsonObject, ifMatch?: string): string =>
  JSON.stringify({
    ...(resource && { resource }),
    request: { method, url, ...(ifMatch !== undefined && { ifMatch }) },
  });

/** Written where there is none yet: a POST with an id, so that of two attempts only one gets through. */
export function guardedWrite(resource: JsonObject, id: string, present: Versioned | undefined): string {
  if (present === undefined) return entry('POST', cursorType, resource);
  return entry('PUT', `${cursorType}/${id}`, resource, present.etag);
}

export const read = (target: CommitTarget, id: string): Promise<Versioned | undefined> =>
  onSide('target', () => target.read(cursorType, id, cancelSignal()));

/** A stream's cursor as it stands in its target; `undefined` where nothing was ever committed. */
export const readCursor = (
  { servers, instance }: Pick<Parts, 'servers' | 'instance'>,
  { direction, type }: StreamKey,
): Promise<Versioned | undefined> => read(servers[targetName(direction)], cursorId(instance, direction, type));

export const readMany = (target: CommitTarget, ids: readonly string[]): Promise<Map<string, Versioned>> =>
  ids.length === 0
    ? Promise.resolve(new Map<string, Versioned>())
    : onSide('target', () => target.readMany(cursorType, ids, cancelSignal()));

/** Throws where the cursor has moved, or was written again to fence us off: whoever did it has taken over. */
export function requireSame(now: Versioned | undefined, expected: Versioned | undefined): void {
  if ((now?.etag ?? '') !== (expected?.etag ?? '')) throw new TroubleError('lost-race');
}

/**
 * Whether a commit is through, by the cursor. Throws `lost-race` where it is not and the cursor has moved.
 * @param expected - the cursor as it stood when the commit was begun, or when its last piece went through
 */
export async function isThrough(
  target: CommitTarget,
  id: string,
  label: string,
  expected: Versioned | undefined,
): Promise<boolean> {
  const now = await read(target, id);
  if (cursorOf(now?.resource)?.batch === label) return true;
  requireSame(now, expected);
  return false;
}

/** A resource's content without what the server adds. */
export function contentOf({ resource }: Versioned): JsonObject {
  const { meta: _serverOwned, ...content } = resource;
  return content;
}

/** Posts entries as one transaction. */
export const post = (target: CommitTarget, entries: readonly string[]): Promise<TransactionAnswer> => {
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
  const answer = await post(target, [guardedWrite({ ...contentOf(present), ...changes }, id, present)]);
  if (answer.kind === 'done') return;
  throw new TroubleError(answer.status === 409 || answer.status === 412 ? 'lost-race' : 'target-refuses');
}
