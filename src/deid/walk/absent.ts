/**
 * What R4 requires and a rule removed: HL7's data-absent-reason `masked` stands in its place, so that the output is valid
 * and says that there was something. Source: https://hl7.org/fhir/R4/extension-data-absent-reason.html
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { absentReason } from '../engine.ts';
import { isPrimitiveType } from '../plan/child.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';

const marker = (): JsonObject => ({ extension: [{ url: absentReason.url, valueCode: absentReason.valueCode }] });

/** A null is as good as nothing. */
const has = (source: JsonObject, key: string): boolean => Object.hasOwn(source, key) && source[key] !== null;
const wasThere = (source: JsonObject, key: string): boolean => has(source, key) || has(source, `_${key}`);
const isThere = (out: JsonObject, key: string): boolean => Object.hasOwn(out, key) || Object.hasOwn(out, `_${key}`);

/**
 * `out` with what is missing of `required` and was there in `source`; `out` itself where nothing is. Undefined where the
 * object cannot be without it: a narrative without its text.
 */
export function withAbsentReasons(
  source: JsonObject,
  out: JsonObject,
  required: readonly R4Element[],
): JsonObject | undefined {
  let filled = out;
  for (const element of required) {
    const { key, type, isChoice, name } = element;
    if (!wasThere(source, key) || isThere(filled, key)) continue;
    if (isChoice && required.some((other) => other.name === name && isThere(filled, other.key))) continue;
    if (type === 'xhtml') return undefined;
    if (filled === out) filled = { ...out };
    fill(filled, element);
  }
  return filled;
}

function fill(out: JsonObject, { key, type, isArray }: R4Element): void {
  const value: Json = isPrimitiveType(type) ? marker() : skeleton(type);
  out[isPrimitiveType(type) ? `_${key}` : key] = isArray ? [value] : value;
}

/** An object of which only what R4 requires is there, and that is absent. */
function skeleton(type: string): JsonObject {
  const out = r4Type(type)?.kind === 'backbone' ? {} : marker();
  const done = new Set<string>();
  for (const element of r4Type(type)?.elements.values() ?? []) {
    if (!element.isRequired || done.has(element.name)) continue;
    done.add(element.name);
    fill(out, element);
  }
  return Object.keys(out).length === 0 ? marker() : out;
}
