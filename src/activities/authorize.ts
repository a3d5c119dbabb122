/**
 * authorize: does the hub still want this site's stream? Asked for each batch, right before it is committed; any
 * doubt is a no (invariant I7). The hub's resource AidboxInstance, by the instance's name, says:
 *
 *     enabled: true · up: [types] · down: [types] · policies: [digests]
 */
import type { JsonObject } from '../fhir/resource.ts';
import { updateStream } from '../state/streams.ts';
import type { AuthorizeInput, AuthorizeResult, DenialReason, StreamKey } from './contract.ts';
import { cancelSignal, guarded, onSide } from './failures.ts';
import { type Parts, policyOf, targetName } from './parts.ts';

export const instanceType = 'AidboxInstance';

export const createAuthorize = (parts: Parts): ((input: AuthorizeInput) => Promise<AuthorizeResult>) =>
  guarded('authorize', parts.log, (input: AuthorizeInput) => authorize(parts, input));

async function authorize(parts: Parts, { stream, batch }: AuthorizeInput): Promise<AuthorizeResult> {
  const reason = await askHub(parts, stream);
  await updateStream(parts.db, stream, (at) => ({ ...at, denied: reason ?? '' }));
  if (reason === undefined) return { allowed: true };
  parts.log.warn('stream-denied', { ...stream, reason });
  // Nothing has been written anywhere; the batch is read anew when the hub says yes.
  if (batch !== undefined) await parts.staging.discard(batch);
  return { allowed: false, reason };
}

/** Asks the hub; why it says no, or `undefined`. */
export async function askHub(parts: Parts, stream: StreamKey): Promise<DenialReason | undefined> {
  // The hub is the target on the way up and the source on the way down.
  const side = targetName(stream.direction) === 'hub' ? 'target' : 'source';
  const found = await onSide(side, () => parts.servers.hub.read(instanceType, parts.instance, cancelSignal()));
  return denial(found?.resource, stream, policyOf(parts, stream.direction));
}

/** Why the hub says no, or `undefined`. Pure. */
export function denial(
  registration: JsonObject | undefined,
  stream: StreamKey,
  policy: string,
): DenialReason | undefined {
  if (registration === undefined) return 'not-registered';
  if (registration.enabled !== true) return 'disabled';
  const lists = (name: string, value: string): boolean => {
    const list = registration[name];
    return Array.isArray(list) && list.includes(value);
  };
  if (!lists(stream.direction, stream.type)) return 'stream-not-allowed';
  if (stream.direction === 'up' && !lists('policies', policy)) return 'policy-not-approved';
  return undefined;
}
