/** Elements that R4 requires, and that are missing. The published JSON schema asks for complex ones alone. */
import { r4Type } from '../../../src/deid/r4/model.ts';
import type { R4Element } from '../../../src/deid/r4/model.ts';
import type { Json, JsonObject } from '../../../src/fhir/resource.ts';

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const typeOf = ({ resourceType }: JsonObject): string => (typeof resourceType === 'string' ? resourceType : '');

const items = (value: Json): Json[] => (Array.isArray(value) ? value : [value]);

/**
 * What of an object's required elements is missing, each as a path without positions (`MedicationRequest.dosageInstruction.
 * doseAndRate`). `_key` counts: it is where a primitive's data-absent-reason stands.
 */
export function missingRequired(resource: JsonObject): string[] {
  const type = typeOf(resource);
  return missingIn(resource, type, type);
}

function missingIn(value: JsonObject, type: string, path: string): string[] {
  const elements = r4Type(type)?.elements;
  if (elements === undefined) return [];
  const has = ({ key }: R4Element): boolean => value[key] !== undefined || value[`_${key}`] !== undefined;
  const required = Map.groupBy(
    [...elements.values()].filter((element) => element.isRequired),
    ({ name }) => name,
  );
  const own = [...required].filter(([, choices]) => !choices.some(has)).map(([name]) => `${path}.${name}`);
  const below = Object.entries(value).flatMap(([key, member]) => {
    const element = elements.get(key);
    if (element === undefined) return [];
    return items(member)
      .filter(isObject)
      .flatMap((item) => {
        const isResource = element.type === 'Resource';
        return missingIn(item, isResource ? typeOf(item) : element.type, `${path}.${element.name}`);
      });
  });
  return [...own, ...below];
}

/** What is missing in the output though the source had it. An object that went as a whole is not missed here. */
export function newlyMissing(source: JsonObject, output: JsonObject): string[] {
  const before = missingRequired(source);
  return missingRequired(output).filter((path) => {
    const known = before.indexOf(path);
    if (known >= 0) before.splice(known, 1);
    return known < 0;
  });
}

/** Paths of objects, lists and texts with nothing in them: JSON that FHIR forbids and no schema finds. */
export function empties(value: Json, path = ''): string[] {
  if (value === '') return [path];
  if (typeof value !== 'object' || value === null) return [];
  if (Object.keys(value).length === 0) return [path];
  return Object.entries(value).flatMap(([key, member]) =>
    empties(member, Array.isArray(value) ? path : `${path}/${key}`),
  );
}
