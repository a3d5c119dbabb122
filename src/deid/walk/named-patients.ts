/** Whom a resource names, for the leak guard: noted at each reference that the walk comes by, passed or removed. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import { isForbidden, Withheld } from '../shape.ts';
import type { Walk } from './context.ts';
import { addPatient, keyOfLiteral } from './patient.ts';

/** Whether a literal can be a patient's: by its type, or by an address that tells no type. */
function mayBePatient(literal: string): boolean {
  const code = literal.charCodeAt(0) | 32;
  return code === 117 /* u */ || code === 104 /* h */ || literal.startsWith('Patient');
}

/** Notes the patient that a Reference names, if it names one. Most say the same as the one before. */
export function notePatient({ trace, entries }: Walk, { reference, type }: JsonObject): void {
  if (trace === undefined || typeof reference !== 'string' || reference === trace.lastNamed) return;
  if (!mayBePatient(reference)) return;
  trace.lastNamed = reference;
  const key = keyOfLiteral(reference, entries, type === 'Patient');
  if (key !== undefined) addPatient(trace.patients, key);
}

/** Looks through what is going to be removed, as `inspect` does, and notes the patients that it names. */
export function lookThrough(walk: Walk, value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > maxDepthLevels) throw new Withheld('too-deep');
  if (Array.isArray(value)) {
    for (const member of value) lookThrough(walk, member, depth + 1);
    return;
  }
  for (const key in value) {
    if (isForbidden(key)) throw new Withheld('forbidden-key');
    const member = value[key];
    if (typeof member === 'object') lookThrough(walk, member, depth + 1);
    else if (key === 'reference') notePatient(walk, value);
  }
}
