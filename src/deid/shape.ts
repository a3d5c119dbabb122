/**
 * What every resource that is written looks like, whichever way it goes: keys in one order, no forbidden keys, a bound
 * on depth, and of `meta` only what is no server's own.
 */
import type { Json, JsonObject } from '../fhir/resource.ts';
import { maxDepthLevels, tagSystemPrefix } from './engine.ts';
import type { WithheldReason } from './engine.ts';

/** Ends a walk; caught where the walk began and turned into a value. Holds a constant code only. */
export class Withheld extends Error {
  readonly reason: WithheldReason;
  constructor(reason: WithheldReason) {
    super(reason);
    this.reason = reason;
  }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isForbidden = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype';

const rank = (key: string): number => (key === 'id' ? 1 : key === 'resourceType' ? 0 : key === 'meta' ? 2 : 3);

/** Insertion sort on a few keys: faster than the built-in sort, and most objects arrive almost in order. */
function insert(keys: string[], index: number, key: string): void {
  const ownRank = rank(key);
  let at = index;
  for (let before = keys[at - 1]; before !== undefined; before = keys[at - 1]) {
    const otherRank = rank(before);
    if (otherRank < ownRank || (otherRank === ownRank && before < key)) break;
    keys[at--] = before;
  }
  keys[at] = key;
}

/** Above this many keys insertion would be quadratic work for whoever sends a strange object. */
const fewKeys = 24;

/**
 * The object's own keys in the order of output: resourceType, id and meta, then by UTF-16 code unit. JSON objects have
 * no order, servers differ in theirs (PostgreSQL's jsonb sorts by length), and what is compared and written again only
 * when it changed is a digest of bytes: the same content has to give the same bytes.
 */
export function orderedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > fewKeys) keys.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? '';
    if (isForbidden(key)) throw new Withheld('forbidden-key');
    insert(keys, index, key);
  }
  return keys;
}

/** Looks through what is going to be dropped: a resource's fate must not hang on which fields the policy clears. */
export function inspect(value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) {
    for (const member of value) inspect(member, depth + 1);
    return;
  }
  for (const key in value) {
    if (isForbidden(key)) throw new Withheld('forbidden-key');
    const member = value[key];
    if (typeof member === 'object') inspect(member, depth + 1);
  }
}

const codingKeys = ['system', 'version', 'code', 'display', 'userSelected'];

function codings(value: Json | undefined): JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap((coding): JsonObject[] => {
    const system = coding.system;
    if (typeof system === 'string' && system.startsWith(tagSystemPrefix)) return [];
    const kept = codingKeys.flatMap((key): [string, Json][] => {
      const member = Object.hasOwn(coding, key) ? coding[key] : undefined;
      return typeof member === 'string' || typeof member === 'boolean' ? [[key, member]] : [];
    });
    return kept.length === 0 ? [] : [Object.fromEntries(kept)];
  });
}

/**
 * Of `meta`: profile, security and tag, in their plain form. versionId and lastUpdated are the source server's (and a
 * date), source is a URL, and a tag in this program's own systems could only be a forgery or an echo.
 * Source: https://hl7.org/fhir/R4/resource.html#Meta
 */
export function portableMeta(meta: Json | undefined): JsonObject {
  if (!isObject(meta)) return {};
  const out: JsonObject = {};
  const profile = meta.profile;
  const profiles = Array.isArray(profile) ? profile.filter((url) => typeof url === 'string') : [];
  const security = codings(meta.security);
  const tag = codings(meta.tag);
  if (profiles.length > 0) out.profile = profiles;
  if (security.length > 0) out.security = security;
  if (tag.length > 0) out.tag = tag;
  return out;
}

/**
 * The resource with these tags and labels after its own, in R4's order. `isOwn`: the object is nobody else's, and may be
 * written on where it has a `meta` already.
 */
export function withTags(resource: JsonObject, tags: Json[], labels: Json[], isOwn = false): JsonObject {
  const { resourceType = null, id, meta } = resource;
  if (isOwn && isObject(meta)) {
    resource.meta = taggedMeta(meta, tags, labels);
    return resource;
  }
  const out: JsonObject = id === undefined ? { resourceType } : { resourceType, id };
  out.meta = taggedMeta(isObject(meta) ? meta : {}, tags, labels);
  for (const key in resource) {
    if (key !== 'resourceType' && key !== 'id' && key !== 'meta') out[key] = resource[key] ?? null;
  }
  return out;
}

const none: Json[] = [];

/** Lists are shared where nothing is put together: outputs are not to be changed. */
function taggedMeta(meta: JsonObject, tags: Json[], labels: Json[]): JsonObject {
  const out: JsonObject = {};
  for (const key in meta) if (key !== 'security' && key !== 'tag') out[key] = meta[key] ?? null;
  const security = Array.isArray(meta.security) ? meta.security : none;
  const all = security.length === 0 ? labels : [...security, ...labels.filter((label) => !isAmong(label, security))];
  if (all.length > 0) out.security = all;
  out.tag = Array.isArray(meta.tag) && meta.tag.length > 0 ? [...meta.tag, ...tags] : tags;
  return out;
}

const isAmong = (label: Json, security: readonly Json[]): boolean =>
  isObject(label) &&
  security.some((coding) => isObject(coding) && coding.code === label.code && coding.system === label.system);
