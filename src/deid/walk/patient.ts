/**
 * Whose data a resource is, for two questions. Dates shift by the one patient that its owning elements name (`subject`,
 * `patient` and their like: R4's compartment, without what only mentions somebody). The leak guard goes by everybody whom
 * it names by a literal reference anywhere. Both have to be the same in whatever packaging a resource comes.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { fixedLimits } from '../../limits.ts';
import { r4PatientPaths } from '../r4/model.ts';
import { parseLiteral } from '../references.ts';
import { isObject } from '../shape.ts';
import { entryAt } from './bundle-entries.ts';
import type { BundleEntries } from './bundle-entries.ts';

const paths = new Map<string, readonly (readonly string[])[]>();

function pathsOf(type: string): readonly (readonly string[])[] {
  let known = paths.get(type);
  if (known === undefined) paths.set(type, (known = r4PatientPaths(type).map((path) => path.split('.'))));
  return known;
}

/** More than the leak guard compares a resource with: from here on it does not matter who they are. */
const { guardPatientsPerResourceMax: manyPatients } = fixedLimits;

/** Adds a patient; one more than the limit is the last. */
export function addPatient(keys: string[], key: string): void {
  if (keys.length <= manyPatients && !keys.includes(key)) keys.push(key);
}

/** Whether a resource names more patients than the leak guard compares it with. */
export const isCrowded = (keys: readonly string[]): boolean => keys.length > manyPatients;

/** Keys of the patients that a resource's owning elements name, each once: a Patient is its own. */
export function ownersOf(resource: JsonObject, type: string, id: string, entries: BundleEntries | undefined): string[] {
  if (type === 'Patient') return [patientKey(id)];
  const found: string[] = [];
  for (const path of pathsOf(type)) {
    for (const reference of referencesAt(resource, path)) {
      const key = keyOfReference(reference, entries);
      if (key !== undefined) addPatient(found, key);
    }
  }
  return found;
}

/**
 * What a resource's dates shift by: `Patient/<id>`. One that names no patient as its owner, or several, is a matter of its
 * own: `Type/<id>`.
 */
export function shiftKey(owners: readonly string[], type: string, id: string): string {
  const [first] = owners;
  return first === undefined || owners.length > 1 ? ownKey(type, id) : first;
}

/** A resource that is nobody's, by its own name. */
export const ownKey = (type: string, id: string): string => `${type}/${id}`;

const uuidCharacters = 36;
/** A UUID means the same in either case, and a urn and an id may differ in it. */
const lowerUuid = (id: string): string => (id.length === uuidCharacters && hasCapital(id, 0) ? id.toLowerCase() : id);

/** Whether an ASCII capital stands in it from here on: looked for by hand, since most ids have none. */
function hasCapital(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 65 && code <= 90) || code > 127) return true;
  }
  return false;
}

/** The key of a Patient. */
export const patientKey = (id: string): string => `Patient/${lowerUuid(id)}`;

/** Most types say it in one element of their own. */
function referencesAt(resource: JsonObject, path: readonly string[]): readonly Json[] {
  const [name = ''] = path;
  if (path.length > 1) return valuesAt(resource, path, 0);
  const member = Object.hasOwn(resource, name) ? resource[name] : undefined;
  return member === undefined ? none : Array.isArray(member) ? member : [member];
}

const none: readonly Json[] = [];

/** Values at a path of several steps, through lists, but not through lists in lists: those are nothing of R4's. */
function valuesAt(value: Json | undefined, path: readonly string[], at: number): Json[] {
  const step = path[at];
  if (step === undefined) return value === undefined ? [] : [value];
  if (!isObject(value) || !Object.hasOwn(value, step)) return [];
  const member = value[step];
  const members = Array.isArray(member) ? member.filter((one) => !Array.isArray(one)) : [member];
  return members.flatMap((one) => valuesAt(one, path, at + 1));
}

function keyOfReference(value: Json, entries: BundleEntries | undefined): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { reference, identifier, type } = value;
  // Where a resource says whose it is, a urn that no Bundle explains is taken for a patient's.
  if (typeof reference === 'string') return keyOfLiteral(reference, entries, true);
  if (typeof identifier !== 'object' || identifier === null || Array.isArray(identifier)) return undefined;
  if (type !== undefined && type !== 'Patient') return undefined;
  return typeof identifier.value === 'string'
    ? `Patient?${JSON.stringify([identifier.system ?? '', identifier.value])}`
    : undefined;
}

const patientPrefix = 'Patient/';
const absoluteTail = /\/Patient\/([A-Za-z0-9\-.]{1,64})$/;

/**
 * The key of the patient that a literal reference names; undefined for every other one. What an entry of its Bundle has for
 * address is that entry's resource, whatever id it has there. A urn beyond them is taken for the id that it is of in a
 * transaction Bundle, if it is a patient's (`isPatient`).
 */
export function keyOfLiteral(text: string, entries: BundleEntries | undefined, isPatient: boolean): string | undefined {
  if (text.startsWith(patientPrefix) && !text.includes('/', patientPrefix.length)) {
    return hasCapital(text, patientPrefix.length) ? patientKey(text.slice(patientPrefix.length)) : text;
  }
  const parsed = parseLiteral(text);
  if (parsed.form === 'relative') return parsed.type === 'Patient' ? patientKey(parsed.id) : undefined;
  if (parsed.form === 'local') return undefined;
  const entry = entries === undefined ? undefined : entryAt(entries, parsed)?.entry;
  if (entry !== undefined) return entry.type === 'Patient' ? patientKey(entry.id) : undefined;
  switch (parsed.form) {
    case 'urn':
      return isPatient
        ? patientKey(parsed.literal.slice(parsed.literal.lastIndexOf(':') + 1).toLowerCase())
        : undefined;
    case 'absolute': {
      const id = absoluteTail.exec(parsed.literal)?.[1];
      return id === undefined ? undefined : patientKey(id);
    }
    case 'conditional':
      return parsed.type === 'Patient' ? parsed.literal : undefined;
    case 'other':
      return undefined;
  }
}
