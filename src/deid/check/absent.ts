/**
 * What may stand in place of a required element that was removed: HL7's data-absent-reason `masked`, and nothing beside.
 * Source: https://hl7.org/fhir/R4/extension-data-absent-reason.html
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { absentReason, absentReasonCodes } from '../engine.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { isPrimitive } from './primitives.ts';
import { isObject, sameJson } from './json.ts';

const fillers = new Map<string, Json>();

const masked: JsonObject = { extension: [{ url: absentReason.url, valueCode: absentReason.valueCode }] };

/** The filler for one value of a type: the marker, with the markers of what R4 requires within. */
function fillerOf(type: string): Json {
  const known = fillers.get(type);
  if (known !== undefined) return known;
  const definition = r4Type(type);
  const required = isPrimitive(type) ? [] : [...(definition?.elements.values() ?? [])].filter((one) => one.isRequired);
  const parts: JsonObject = {};
  const named = new Set<string>();
  for (const { name, key, type: inner, isArray } of required) {
    // Of a choice's keys one is enough.
    if (named.has(name)) continue;
    named.add(name);
    const value = fillerOf(inner);
    parts[isPrimitive(inner) ? `_${key}` : key] = isArray ? [value] : value;
  }
  // A backbone element needs no marker of its own where its parts have theirs.
  const needsOwn = definition?.kind !== 'backbone' || required.length === 0;
  const filler = needsOwn ? { ...masked, ...parts } : parts;
  fillers.set(type, filler);
  return filler;
}

/** Whether a value under an element's key (`_` key for primitives) is the filler for the element. */
export function isFiller(value: Json, { type, isArray, isRequired }: R4Element): boolean {
  if (!isRequired || typeof value !== 'object' || value === null) return false;
  const filler = fillerOf(type);
  return sameJson(value, isArray ? [filler] : filler);
}

/** Whether an extension is HL7's data-absent-reason, cut down to one of its codes: it says that there is nothing. */
export function isAbsentReason(value: Json): boolean {
  if (!isObject(value) || value.url !== absentReason.url || Object.keys(value).length !== 2) return false;
  return typeof value.valueCode === 'string' && absentReasonCodes.has(value.valueCode);
}
