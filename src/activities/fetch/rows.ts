/** What a row of the feed is, once nothing about it is taken on trust. */
import { createHash } from 'node:crypto';

import type { Sealer } from '../../crypto/seal.ts';
import { idForm, type Json, type JsonObject, type Resource } from '../../fhir/resource.ts';
import type { FeedRow } from '../../fhir/server.ts';
import type { QuarantineReason } from '../../state/quarantine.ts';
import type { SeenRow } from '../../state/window.ts';
import { deleteLine, putLine, tooLargeLine } from '../../threads/lines.ts';
import type { ChangeRow } from '../../sync/net-effect.ts';

/**
 * A state of a resource at its source: `undefined` where it is deleted or never was. One that is too large to be carried along
 * takes its turn among the others all the same: what is older must not take its place.
 */
export type SourceState = Resource | 'too-large' | undefined;

/** The staged line of a state. */
export function lineOfState(id: string, state: SourceState): string {
  if (state === undefined) return deleteLine(id);
  return state === 'too-large' ? tooLargeLine(id) : putLine(JSON.stringify(state));
}

/** A sound row: an id, its version where the server says it, and the state that it brings. */
export interface SoundRow extends ChangeRow {
  readonly kind: 'sound';
  /** What tells the row from others in the seen set; absent where the server sends no version. */
  readonly seenAs?: { readonly version: number; readonly text: string };
  readonly resource: SourceState;
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
  const tooLarge = !row.deleted && row.pageBytes > resourceBytesMax && jsonBytes(resource) > resourceBytesMax;
  const stated = versionOf(resource);
  const seenAs = stated.version === undefined ? {} : { seenAs: seenText(stated.version, row.deleted) };
  // A delete may carry the version and the time of the state that it ended: neither orders it. The source is asked.
  if (row.deleted) return { kind: 'sound', id, ...seenAs, resource: undefined };
  return { kind: 'sound', id, ...stated, ...seenAs, resource: tooLarge ? 'too-large' : (resource as Resource) };
}

/** The id of what a server sent, where it has one that FHIR allows. */
export function soundId(resource: Json): { readonly id?: string } {
  const id = isObject(resource) ? resource.id : undefined;
  return typeof id === 'string' && idForm.test(id) ? { id } : {};
}

/** A row whose state the server could not send at all, by what it sends of it: its id. */
export function oversizedRow(row: FeedRow, type: string, sealer: Sealer): SoundRow | BadRow {
  const { resource } = row;
  const { id } = soundId(resource);
  // A delete needs its id alone, however large the last state was that the server would send along.
  if (id !== undefined) return { kind: 'sound', id, resource: row.deleted ? undefined : 'too-large' };
  return { kind: 'bad', key: badKey(type, resource, sealer), reason: 'no-id', resource: null };
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
const badKey = (type: string, content: Json, sealer: Sealer): string =>
  `${type}/~${sealer.hash('bad-row', createHash('sha256').update(JSON.stringify(content)).digest('hex'))}`;

/** Keys of the seen set. */
export const idKeyOf = (sealer: Sealer, type: string, id: string): string => sealer.hash('id', type, id);
const rowKeyOf = (sealer: Sealer, type: string, id: string, seenAs: string): string =>
  sealer.hash('row', type, id, seenAs);

/** A row as the seen set knows it. */
export function seenKeys(sealer: Sealer, type: string, row: SoundRow | BadRow, hi: number): SeenRow {
  if (row.kind === 'bad') return { rowKey: row.key, idKey: row.key, version: hi, atMs: 0 };
  const { version, text } = row.seenAs ?? { version: hi, text: '' };
  return {
    rowKey: rowKeyOf(sealer, type, row.id, text),
    idKey: idKeyOf(sealer, type, row.id),
    version,
    atMs: row.lastUpdatedMs ?? 0,
  };
}
