/**
 * The way down: the hub's reference data comes to a site as it is, but for what is the hub server's own. Ids stay, so
 * that references going up may name them; references to what does not come down are detached, since the site's server
 * would refuse a literal without a target.
 */
import { idForm, typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject, Resource } from '../fhir/resource.ts';
import { hubOrigin, maxDepthLevels, tagSystems } from './engine.ts';
import type { ReferenceScope, WithheldReason } from './engine.ts';
import { detachedFrom } from './reference-rewrite.ts';
import { detachedType, parseLiteral } from './references.ts';
import { inspect, isObject, orderedKeys, portableMeta, Withheld, withTags } from './shape.ts';
import { tagMistake } from './tag-check.ts';

export type PassedDown =
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason };

/** What becomes of an object that is a reference, once its members are copied. */
function copyReference(value: JsonObject, copy: JsonObject, scope: ReferenceScope): JsonObject {
  if (typeof value.reference !== 'string') return copy;
  const parsed = parseLiteral(value.reference);
  if (parsed.form === 'local') return copy;
  if (parsed.form !== 'relative') return detachedFrom(copy, parsed.literal, detachedType(parsed, value.type));
  if (!scope.downTypes.has(parsed.type)) return detachedFrom(copy, parsed.id, parsed.type);
  copy.reference = `${parsed.type}/${parsed.id}`; // without a version: the site's server counts its own
  return copy;
}

function copyOf(value: Json, scope: ReferenceScope, depth: number): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) return value.map((member) => copyOf(member, scope, depth + 1));
  const isResource = typeof value.resourceType === 'string';
  const out: JsonObject = {};
  for (const key of orderedKeys(value)) {
    const member = value[key] ?? null;
    if (isResource && key === 'meta') {
      inspect(member, depth + 1);
      const meta = portableMeta(member);
      if (Object.keys(meta).length > 0) out.meta = meta;
    } else if (!isResource || key !== '_meta') out[key] = copyOf(member, scope, depth + 1);
  }
  return copyReference(value, out, scope);
}

/** Makes ready for the site what the hub sends down; changes nothing in its input. */
export function passDown(resource: unknown, scope: ReferenceScope): PassedDown {
  const value = resource as Json | undefined;
  if (!isObject(value)) return { kind: 'withheld', reason: 'not-a-resource' };
  const { resourceType: type, id } = value;
  if (typeof type !== 'string' || !typeForm.test(type) || typeof id !== 'string' || !idForm.test(id)) {
    return { kind: 'withheld', reason: 'not-a-resource' };
  }
  if (!scope.downTypes.has(type)) return { kind: 'withheld', reason: 'policy-drops-type' };
  try {
    const copy = copyOf(value, scope, 1) as JsonObject;
    return { kind: 'resource', resource: withTags(copy, [{ system: tagSystems.origin, code: hubOrigin }]) as Resource };
  } catch (error) {
    if (error instanceof Withheld) return { kind: 'withheld', reason: error.reason };
    throw error;
  }
}

/** What is wrong with a resource on its way down. Constant codes, never data. */
export type DownMistake =
  'not-a-resource' | 'type-not-down' | 'tags' | 'server-meta' | 'reference-form' | WithheldReason;

export type DownVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: DownMistake };

const downForm = /^([A-Z][A-Za-z0-9]{0,63})\/[A-Za-z0-9\-.]{1,64}$/;

/** The first literal reference that the site's server could not resolve, or server-set meta. */
function mistakeIn(value: Json, scope: ReferenceScope): DownMistake | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) {
    const { reference, meta, resourceType } = value;
    if (typeof reference === 'string' && !reference.startsWith('#')) {
      if (!scope.downTypes.has(downForm.exec(reference)?.[1] ?? '')) return 'reference-form';
    }
    if (resourceType !== undefined && isObject(meta)) {
      if (Object.keys(meta).some((key) => !['profile', 'security', 'tag'].includes(key))) return 'server-meta';
    }
  }
  for (const member of Object.values(value)) {
    const mistake = mistakeIn(member, scope);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** Verifies a resource that {@link passDown} made, by reading it alone. */
export function checkDown(resource: unknown, scope: ReferenceScope): DownVerdict {
  const value = resource as Json | undefined;
  if (!isObject(value)) return { ok: false, reason: 'not-a-resource' };
  const { resourceType: type, id } = value;
  if (typeof id !== 'string' || !idForm.test(id)) return { ok: false, reason: 'not-a-resource' };
  if (typeof type !== 'string' || !scope.downTypes.has(type)) return { ok: false, reason: 'type-not-down' };
  if (tagMistake(value, { [tagSystems.origin]: hubOrigin })) return { ok: false, reason: 'tags' };
  try {
    inspect(value, 1);
  } catch (error) {
    if (error instanceof Withheld) return { ok: false, reason: error.reason };
    throw error;
  }
  const mistake = mistakeIn(value, scope);
  return mistake === undefined ? { ok: true } : { ok: false, reason: mistake };
}
