/**
 * Whose data a resource is: R4's patient compartment, by the elements that say so. Dates shift by it and the leak guard goes
 * by it, so it has to be the same for all of one patient's resources in whatever packaging they come.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { r4PatientPaths } from '../r4/model.ts';
import { parseLiteral } from '../references.ts';
import { isObject } from '../shape.ts';

const paths = new Map<string, readonly (readonly string[])[]>();

function pathsOf(type: string): readonly (readonly string[])[] {
  let known = paths.get(type);
  if (known === undefined) paths.set(type, (known = r4PatientPaths(type).map((path) => path.split('.'))));
  return known;
}

/**
 * A key for the patient: `Patient/<id>`. A `urn:uuid:` is taken for the id that it is of in a transaction Bundle. A
 * resource that names no patient, or several, is a matter of its own: `Type/<id>`.
 */
export function patientKeyOf(resource: JsonObject, type: string, id: string): string {
  if (type === 'Patient') return `Patient/${lowerUuid(id)}`;
  let found: string | undefined;
  for (const path of pathsOf(type)) {
    for (const reference of referencesAt(resource, path)) {
      const key = keyOfReference(reference);
      if (key === undefined || key === found) continue;
      if (found !== undefined) return `${type}/${id}`;
      found = key;
    }
  }
  return found ?? `${type}/${id}`;
}

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

function keyOfReference(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { reference, identifier, type } = value;
  if (typeof reference === 'string') return keyOfLiteral(reference);
  if (typeof identifier !== 'object' || identifier === null || Array.isArray(identifier)) return undefined;
  if (type !== undefined && type !== 'Patient') return undefined;
  return typeof identifier.value === 'string'
    ? `Patient?${JSON.stringify([identifier.system ?? '', identifier.value])}`
    : undefined;
}

const uuidCharacters = 36;
/** A UUID means the same in either case, and a urn and an id may differ in it. */
const lowerUuid = (id: string): string => (id.length === uuidCharacters ? id.toLowerCase() : id);

const patientPrefix = 'Patient/';
const absoluteTail = /\/Patient\/([A-Za-z0-9\-.]{1,64})$/;

function keyOfLiteral(text: string): string | undefined {
  if (text.startsWith(patientPrefix) && !text.includes('/', patientPrefix.length)) {
    const id = text.slice(patientPrefix.length);
    const lower = lowerUuid(id);
    return lower === id ? text : patientPrefix + lower;
  }
  const parsed = parseLiteral(text);
  switch (parsed.form) {
    case 'relative':
      return parsed.type === 'Patient' ? `Patient/${lowerUuid(parsed.id)}` : undefined;
    case 'urn':
      return `Patient/${parsed.literal.slice(parsed.literal.lastIndexOf(':') + 1).toLowerCase()}`;
    case 'absolute': {
      const id = absoluteTail.exec(parsed.literal)?.[1];
      return id === undefined ? undefined : `Patient/${lowerUuid(id)}`;
    }
    case 'conditional':
      return parsed.type === 'Patient' ? parsed.literal : undefined;
    case 'local':
    case 'other':
      return undefined;
  }
}
