import type { JsonObject } from '../fhir/resource.ts';
import { aidboxTypes, fhirTypes } from './resource-types.ts';
import type { Stored, View } from './types.ts';

/**
 * Whether a type may be read and written: FHIR's and Aidbox's own always, a custom one once its StructureDefinition
 * (name, type and id alike) or its Entity is there.
 * Source: Aidbox docs, pages "Custom resources using StructureDefinition" and "Custom resources using Entity".
 */
export function isKnownType(view: View, type: string): boolean {
  if (fhirTypes.has(type) || aidboxTypes.has(type)) return true;
  const definition = live(view.read('StructureDefinition', type));
  if (definition !== undefined) {
    return (
      (definition.kind === 'resource' || definition.kind === 'logical') &&
      definition.derivation === 'specialization' &&
      definition.name === type &&
      definition.type === type
    );
  }
  const entity = live(view.read('Entity', type));
  return entity?.type === 'resource' && entity.isOpen === true;
}

const parsed = new WeakMap<Stored, JsonObject>();

function live(stored: Stored | undefined): JsonObject | undefined {
  if (stored === undefined || stored.deleted) return undefined;
  let resource = parsed.get(stored);
  if (resource === undefined) {
    resource = JSON.parse(stored.json) as JsonObject;
    parsed.set(stored, resource);
  }
  return resource;
}
