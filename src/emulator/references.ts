import type { Json, JsonObject, ResourceKey } from '../fhir/resource.ts';
import { Refusal } from './refusal.ts';
import type { View } from './types.ts';

const relativeForm = /^([A-Z][A-Za-z0-9]*)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** Visits every `{reference: '…'}` of a value, contained resources included. */
export function eachReference(value: Json, visit: (holder: JsonObject, reference: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) eachReference(item, visit);
    return;
  }
  for (const key in value) {
    const child = value[key];
    if (typeof child === 'object') eachReference(child, visit);
    else if (key === 'reference' && typeof child === 'string') visit(value, child);
  }
}

/** The target of a relative reference; undefined for absolute ones, `#contained` and anything else. */
export function relativeTarget(reference: string): ResourceKey | undefined {
  const match = relativeForm.exec(reference);
  return match === null ? undefined : { type: match[1] ?? '', id: match[2] ?? '' };
}

/** The targets of a resource's relative references that do not exist, each once, as `Type/id`. */
export function missingTargets(view: View, resource: JsonObject, isPromised: (key: string) => boolean): string[] {
  const missing = new Set<string>();
  eachReference(resource, (_holder, reference) => {
    const target = relativeTarget(reference);
    if (target === undefined) return;
    const key = `${target.type}/${target.id}`;
    if (missing.has(key) || isPromised(key)) return;
    if (target.type === resource.resourceType && target.id === resource.id) return;
    const stored = view.read(target.type, target.id);
    if (stored === undefined || stored.deleted) missing.add(key);
  });
  return [...missing];
}

/** The keys that a resource's relative references name. */
function targetsOf(resource: JsonObject): Set<string> {
  const targets = new Set<string>();
  eachReference(resource, (_holder, reference) => {
    const target = relativeTarget(reference);
    if (target !== undefined) targets.add(`${target.type}/${target.id}`);
  });
  return targets;
}

/** Whether any live resource of these types, but itself, refers to a key. */
export function isReferenced(view: View, types: readonly string[], key: string): boolean {
  // The text of a reference is in the JSON as it stands, so that most resources need no parsing.
  const needle = JSON.stringify(key).slice(0, -1);
  for (const type of types) {
    for (const stored of view.scan(type)) {
      if (!stored.json.includes(needle) || key === `${stored.type}/${stored.id}`) continue;
      if (targetsOf(JSON.parse(stored.json) as JsonObject).has(key)) return true;
    }
  }
  return false;
}

/** The refusal of dangling references, one issue for each target. */
export function danglingReferences(missing: readonly string[]): Refusal {
  return new Refusal(
    422,
    missing.map((key) => ({ code: 'invalid', diagnostics: `Referenced resource ${key} does not exist` })),
  );
}
