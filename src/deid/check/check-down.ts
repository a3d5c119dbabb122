/** Verifies what goes down to a site, by reading it alone: the counterpart of the output check for the way up. */
import { idForm } from '../../fhir/resource.ts';
import type { Json } from '../../fhir/resource.ts';
import { hubOrigin, tagSystems } from '../engine.ts';
import type { ReferenceScope, WithheldReason } from '../engine.ts';
import { inspect, isObject, Withheld } from '../shape.ts';
import { tagMistake } from './tag-check.ts';

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
