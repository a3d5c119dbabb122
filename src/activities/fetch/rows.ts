/** What a row of the feed is, once nothing about it is taken on trust. */
import { createHash } from 'node:crypto';

import type { Sealer } from '../../crypto/seal.ts';
import { idForm, type Json, type JsonObject, type Resource } from '../../fhir/resource.ts';
import type { FeedRow } from '../../fhir/server.ts';
import type { QuarantineReason } from '../../state/quarantine.ts';
import type { ChangeRow } from '../../sync/net-effect.ts';

/** A sound row: an id, its version where the server says it, and the content unless it is a delete. */
export interface SoundRow extends ChangeRow {
  readonly kind: 'sound';
  /** What tells the row from others in the seen set; absent where the server sends no version. */
  readonly seenAs?: { readonly version: number; readonly text: string };
  readonly resource: Resource | undefined;
}

/** A row that can never be committed. `key` is a keyed hash, since there may be no id to name it by. */
export interface BadRow {
  readonly kind: 'bad';
  readonly key: string;
  readonly reason: QuarantineReason;
  readonly resource: Json;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Classifies a row of a stream of `type`. */
export function examineRow(row: FeedRow, type: string, resourceBytesMax: number, sealer: Sealer): SoundRow | BadRow {
  const bad = (reason: QuarantineReason): BadRow => ({
    kind: 'bad',
    key: badKey(type, row.resource, sealer),
    reason,
    resource: row.resource,
  });
  const resource = row.resource;
  if (!isObject(resource)) return bad('not-a-resource');
  // A delete may come without its type; anything else has to say it.
  if (resource.resourceType !== type && !(row.deleted && resource.resourceType === undefined)) return bad('wrong-type');
  const id = resource.id;
  if (typeof id !== 'string' || !idForm.test(id)) return bad('no-id');
  // `pageBytes` bounds the row: it is measured only where the whole page is large enough to hide one.
  if (!row.deleted && row.pageBytes > resourceBytesMax && jsonBytes(resource) > resourceBytesMax)
    return bad('resource-too-large');
  const stated = versionOf(resource);
  const seenAs = stated.version === undefined ? {} : { seenAs: seenText(stated.version, row.deleted) };
  // A delete may carry the version and the time of the state that it ended: neither orders it. The source is asked.
  if (row.deleted) return { kind: 'sound', id, ...seenAs, resource: undefined };
  return { kind: 'sound', id, ...stated, ...seenAs, resource: resource as Resource };
}

const seenText = (version: number, deleted: boolean): { version: number; text: string } => ({
  version,
  text: `${String(version)}${deleted ? ' deleted' : ''}`,
});

/** `meta.versionId` and `meta.lastUpdated` of a resource, where they are usable. */
export function versionOf(resource: JsonObject): { version?: number; lastUpdatedMs?: number } {
  const meta = resource.meta;
  if (!isObject(meta)) return {};
  const version = typeof meta.versionId === 'string' ? Number(meta.versionId) : NaN;
  const updatedMs = typeof meta.lastUpdated === 'string' ? Date.parse(meta.lastUpdated) : NaN;
  return {
    ...(Number.isSafeInteger(version) && version > 0 ? { version } : {}),
    ...(Number.isNaN(updatedMs) ? {} : { lastUpdatedMs: updatedMs }),
  };
}

const jsonBytes = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

/** `Type/~hash`: not a valid id, so that it can be nobody else's. */
export const badKey = (type: string, content: Json, sealer: Sealer): string =>
  `${type}/~${sealer.hash('bad-row', createHash('sha256').update(JSON.stringify(content)).digest('hex'))}`;

/** Keys of the seen set. */
export const idKeyOf = (sealer: Sealer, type: string, id: string): string => sealer.hash('id', type, id);
export const rowKeyOf = (sealer: Sealer, type: string, id: string, seenAs: string): string =>
  sealer.hash('row', type, id, seenAs);
