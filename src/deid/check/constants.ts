/** Whether a rule's constant is JSON that R4 has for an element. Any other is never written: the element goes. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { isObject } from './json.ts';
import { isJsonOf, isPrimitive } from './primitives.ts';

/** One value of a type; where R4 has no type, any. */
export function isOfType(value: Json, type: string): boolean {
  if (type === '') return true;
  if (isPrimitive(type)) return value !== null && typeof value !== 'object' && isJsonOf(type, value);
  if (!isObject(value)) return false;
  if (r4Type(type)?.kind === 'resource') return isResource(value);
  return areMembers(value, Object.keys(value), type);
}

function isResource(value: JsonObject): boolean {
  const { resourceType: type } = value;
  if (typeof type !== 'string' || r4Type(type)?.kind !== 'resource') return false;
  const keys = Object.keys(value).filter((key) => key !== 'resourceType');
  return areMembers(value, keys, type);
}

const areMembers = (value: JsonObject, keys: readonly string[], type: string): boolean =>
  keys.length > 0 && keys.every((key) => isMember(value, key, type)) && !hasTwoChoices(value, type);

function isMember(holder: JsonObject, key: string, type: string): boolean {
  const value = holder[key] ?? null;
  const element = r4Type(type)?.elements.get(key);
  if (element !== undefined) return isListOr(value, element, element.type);
  const beside = key.startsWith('_') ? r4Type(type)?.elements.get(key.slice(1)) : undefined;
  return beside !== undefined && isPrimitive(beside.type) && isListOr(value, beside, 'Element');
}

function isListOr(value: Json, { isArray, type: own }: R4Element, type: string): boolean {
  if (!isArray) return isOfType(value, type);
  if (!Array.isArray(value)) return false;
  const filled = value.filter((one) => one !== null || !isPrimitive(own));
  return filled.length > 0 && filled.every((one) => isOfType(one, type));
}

const typesWithChoices = new Map<string, boolean>();

function hasChoices(type: string): boolean {
  let known = typesWithChoices.get(type);
  if (known === undefined) {
    known = [...(r4Type(type)?.elements.values() ?? [])].some(({ isChoice }) => isChoice);
    typesWithChoices.set(type, known);
  }
  return known;
}

/** Whether an object has values of one element by two of its types: R4 allows one. */
export function hasTwoChoices(value: JsonObject, type: string): boolean {
  if (!hasChoices(type)) return false;
  const elements = r4Type(type)?.elements;
  const seen = new Map<string, string>();
  for (const key of Object.keys(value)) {
    const element = elements?.get(key) ?? elements?.get(key.startsWith('_') ? key.slice(1) : key);
    if (element?.isChoice !== true) continue;
    if ((seen.get(element.name) ?? element.key) !== element.key) return true;
    seen.set(element.name, element.key);
  }
  return false;
}
