import type { Json, JsonObject } from '../fhir/resource.ts';
import { isObject } from './json.ts';
import { defaultOptions } from './options.ts';
import type { Format } from './types.ts';

/**
 * FHIR's JSON and Aidbox's own: references are `{resourceType, id}` there, a choice is `value: {Quantity: …}`.
 * Covers the usual choices, not every element of R4.
 * Source: Aidbox docs, page "Aidbox and FHIR formats".
 */

const choiceElements = new Set(
  `value effective onset abatement deceased multipleBirth performed occurrence medication defaultValue fixed pattern
  minValue maxValue initial answer serviced born age timing asNeeded rate dose collected used allowed item product
  subject location diagnosis procedure author content amount schedule reported target event doseRange probability
  trigger source`.split(/\s+/),
);

/** Choices that admit nearly every data type. */
const anyTypeElements = new Set(['value', 'defaultValue', 'fixed', 'pattern', 'answer', 'source']);

const primitives =
  'base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time unsignedInt uri url uuid';
const complexes = `Address Age Annotation Attachment CodeableConcept Coding ContactPoint Count Distance Dosage Duration
  Expression HumanName Identifier Meta Money Period Quantity Range Ratio Reference SampledData Signature Timing
  ContactDetail Contributor DataRequirement ParameterDefinition RelatedArtifact TriggerDefinition UsageContext`;

/** From the suffix of a FHIR choice (`DateTime`) to Aidbox's key (`dateTime`). */
const keyBySuffix = new Map<string, string>([
  ...primitives.split(/\s+/).map((name): [string, string] => [name.charAt(0).toUpperCase() + name.slice(1), name]),
  ...complexes.split(/\s+/).map((name): [string, string] => [name, name]),
]);
const suffixByKey = new Map([...keyBySuffix].map(([suffix, key]) => [key, suffix]));

const referenceKeys = new Set(['resourceType', 'id', 'display', 'identifier', 'type', 'extension', 'localRef', 'uri']);
const relative = /^([A-Z][A-Za-z0-9]*)\/([A-Za-z0-9\-.]{1,64})$/;

/** A value of FHIR's JSON in Aidbox format. */
export function toAidbox(value: Json): Json {
  if (Array.isArray(value)) return value.map(toAidbox);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (key === 'reference' && typeof child === 'string') Object.assign(result, aidboxReference(child));
    else {
      const choice = splitChoice(key);
      if (choice === undefined) result[key] = toAidbox(child);
      else result[choice.element] = { [choice.key]: toAidbox(child) };
    }
  }
  return result;
}

/** A value in Aidbox format as FHIR's JSON. */
export function toFhir(value: Json, parentKey = ''): Json {
  if (Array.isArray(value)) return value.map((item) => toFhir(item, parentKey));
  if (!isObject(value)) return value;
  const reference = parentKey === '' || parentKey === 'contained' ? undefined : fhirReference(value);
  if (reference !== undefined) return reference;
  const result: JsonObject = {};
  for (const [key, child] of Object.entries(value)) {
    const suffix = joinChoice(key, child);
    if (suffix === undefined) result[key] = toFhir(child, key);
    else result[key + suffix.text] = toFhir(suffix.value, key);
  }
  return result;
}

/** The text of a stored resource in the format that a client asked for. */
export function presentJson(json: string, format: Format): string {
  return format === 'fhir' ? json : JSON.stringify(resourceToAidbox(JSON.parse(json) as JsonObject));
}

/** A resource in Aidbox format, where `meta` has the time of creation as an element of its own. */
export function resourceToAidbox(resource: JsonObject): JsonObject {
  const result = toAidbox(resource) as JsonObject;
  const meta = result.meta;
  if (!isObject(meta) || !Array.isArray(meta.extension)) return result;
  const created = meta.extension.filter(isObject).find((extension) => extension.url === defaultOptions.createdAtUrl);
  if (created === undefined || !isObject(created.value)) return result;
  const { extension, ...rest } = meta;
  const others = extension.filter((one) => one !== created);
  const createdAt = created.value.instant ?? null;
  return { ...result, meta: { ...rest, createdAt, ...(others.length === 0 ? {} : { extension: others }) } };
}

function splitChoice(key: string): { element: string; key: string } | undefined {
  for (let at = 1; at < key.length; at += 1) {
    const code = key.charCodeAt(at);
    if (code < 65 || code > 90) continue;
    const dataType = keyBySuffix.get(key.slice(at));
    if (dataType !== undefined && choiceElements.has(key.slice(0, at)))
      return { element: key.slice(0, at), key: dataType };
  }
  return undefined;
}

function joinChoice(key: string, child: Json): { text: string; value: Json } | undefined {
  if (!choiceElements.has(key) || !isObject(child)) return undefined;
  const [entry, ...others] = Object.entries(child);
  if (entry === undefined || others.length > 0) return undefined;
  // Elsewhere `{uri}` is an absolute reference and `{id}` an element with nothing but its id.
  if ((entry[0] === 'uri' || entry[0] === 'id') && !anyTypeElements.has(key)) return undefined;
  const text = suffixByKey.get(entry[0]);
  return text === undefined ? undefined : { text, value: entry[1] };
}

function aidboxReference(reference: string): JsonObject {
  if (reference.startsWith('#')) return { localRef: reference.slice(1) };
  const match = relative.exec(reference);
  return match === null ? { uri: reference } : { resourceType: match[1] ?? '', id: match[2] ?? '' };
}

function fhirReference(value: JsonObject): JsonObject | undefined {
  const { resourceType, id, uri, localRef, ...rest } = value;
  if (!Object.keys(value).every((key) => referenceKeys.has(key))) return undefined;
  if (typeof resourceType === 'string' && typeof id === 'string')
    return { reference: `${resourceType}/${id}`, ...rest };
  if (typeof localRef === 'string') return { reference: `#${localRef}`, ...rest };
  // A bare `{uri}` may be an element of its own; only a Reference has no other scalar, so the form decides.
  if (typeof uri === 'string' && id === undefined && /^[a-z][a-z0-9+.-]*:/i.test(uri))
    return { reference: uri, ...rest };
  return undefined;
}
