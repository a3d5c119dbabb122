/** Whose data is a resource? By R4's own list of the references that say so. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { r4PatientPaths } from '../r4/model.ts';

/** A resource, and how urns and addresses of its Bundle name patients. */
export interface Found {
  readonly resource: JsonObject;
  readonly aliases: ReadonlyMap<string, string>;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const literal = /(?:^|\/)(Patient\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** Bundles in Bundles go no deeper than this. */
const bundleDepthMax = 5;

/** The resources of a value: itself, or a Bundle's. */
export function* resourcesIn(value: unknown, depth = 0): Generator<Found> {
  if (!isObject(value) || typeof value.resourceType !== 'string') return;
  if (value.resourceType !== 'Bundle') {
    yield { resource: value, aliases: new Map() };
    return;
  }
  const entries = (Array.isArray(value.entry) ? value.entry : []).filter(isObject);
  const aliases = new Map<string, string>();
  for (const { fullUrl, resource } of entries) {
    if (typeof fullUrl !== 'string' || !isObject(resource) || resource.resourceType !== 'Patient') continue;
    aliases.set(fullUrl, typeof resource.id === 'string' ? `Patient/${resource.id}` : fullUrl);
  }
  for (const { fullUrl, resource } of entries) {
    if (!isObject(resource)) continue;
    // A patient without an id has its address for one.
    if (resource.resourceType === 'Bundle' && depth < bundleDepthMax) yield* resourcesIn(resource, depth + 1);
    else if (resource.resourceType === 'Patient' && typeof resource.id !== 'string' && typeof fullUrl === 'string') {
      yield { resource: { ...resource, id: fullUrl }, aliases: new Map([[`Patient/${fullUrl}`, fullUrl]]) };
    } else yield { resource, aliases };
  }
}

/** Names of the patients that a resource is about, each once; none where it says nothing. */
export function patientsOf({ resource, aliases }: Found): string[] {
  const { resourceType: type, id } = resource;
  if (typeof type !== 'string') return [];
  if (type === 'Patient') {
    if (typeof id !== 'string') return [];
    const name = `Patient/${id}`;
    return [aliases.get(name) ?? name];
  }
  const names = new Set<string>();
  for (const path of r4PatientPaths(type)) {
    for (const target of valuesAt(resource, path.split('.'))) {
      if (!isObject(target) || typeof target.reference !== 'string') continue;
      const name = aliases.get(target.reference) ?? literal.exec(target.reference)?.[1];
      if (name !== undefined) names.add(name);
    }
  }
  return [...names];
}

function valuesAt(value: Json | undefined, path: readonly string[]): Json[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((member) => valuesAt(member, path));
  const [name, ...rest] = path;
  if (name === undefined) return [value];
  return isObject(value) && Object.hasOwn(value, name) ? valuesAt(value[name], rest) : [];
}
