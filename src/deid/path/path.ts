/**
 * The paths of a policy's rules. A subset of what Microsoft's configuration files use, so that theirs read alike:
 * `Patient.name`, `Resource.text`, `Observation.value[x]`, `nodesByName('note')`, `nodesByType('Reference').display`.
 */

/** A path, parsed. `segments` are element names without `[x]`, `_` or index. */
export type PolicyPath =
  | { readonly kind: 'type'; /** undefined: every type */ readonly type?: string; readonly segments: readonly string[] }
  | { readonly kind: 'reference'; readonly segments: readonly string[] }
  | { readonly kind: 'name'; readonly name: string };

/** R4's data types that a choice element's name may end in. Source: https://hl7.org/fhir/R4/datatypes.html#open */
export const dataTypes: readonly string[] =
  `base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time
  unsignedInt uri url uuid Address Age Annotation Attachment CodeableConcept Coding ContactPoint Count Distance Duration
  HumanName Identifier Money Period Quantity Range Ratio Reference SampledData Signature Timing ContactDetail
  Contributor DataRequirement Expression ParameterDefinition RelatedArtifact TriggerDefinition UsageContext Dosage Meta`.split(
    /\s+/,
  );

const choiceSuffixes = new Set(dataTypes.map((type) => type.charAt(0).toUpperCase() + type.slice(1)));

/** The JSON keys that the element `name` may have: itself, and itself with each data type as a suffix. */
export const keysOfElement = (name: string): string[] => [name, ...[...choiceSuffixes].map((suffix) => name + suffix)];

/** Whether the JSON key `key` (without `_`) is the element `name` or one of its choices. */
export const isKeyOfElement = (name: string, key: string): boolean =>
  key === name || (key.startsWith(name) && choiceSuffixes.has(key.slice(name.length)));

/** What {@link parsePath} accepts, in words, for error messages. */
export const pathExpected =
  "a path such as Patient.name, Resource.text, Observation.value[x], Reference.display, nodesByName('note') or nodesByType('Reference').display";

const elementName = /^[A-Za-z][A-Za-z0-9]{0,63}$/;
const typeName = /^[A-Z][A-Za-z0-9]{0,63}$/;
const call = /^nodesBy(Name|Type)\((?:'([A-Za-z0-9]+)'|"([A-Za-z0-9]+)")\)(?:\.(.+))?$/;

function parseSegments(text: string | undefined): string[] | undefined {
  if (text === undefined) return [];
  const segments = text.split('.').map((segment) => (segment.endsWith('[x]') ? segment.slice(0, -3) : segment));
  return segments.every((segment) => elementName.test(segment)) ? segments : undefined;
}

/** Reads a rule's path; undefined when it is none, or one that this version does not run. */
export function parsePath(text: string): PolicyPath | undefined {
  const called = call.exec(text);
  if (called !== null) {
    const name = called[2] ?? called[3] ?? '';
    if (called[1] === 'Name') return called[4] === undefined ? { kind: 'name', name } : undefined;
    const segments = parseSegments(called[4]);
    return name === 'Reference' && segments !== undefined ? { kind: 'reference', segments } : undefined;
  }
  const dot = text.indexOf('.');
  const type = dot < 0 ? text : text.slice(0, dot);
  const segments = parseSegments(dot < 0 ? undefined : text.slice(dot + 1));
  if (!typeName.test(type) || segments === undefined) return undefined;
  if (type === 'Reference') return { kind: 'reference', segments };
  // A data type is no resource: such a rule would never match, and what it meant to clear would pass.
  if (dataTypes.includes(type)) return undefined;
  // DomainResource leaves out Bundle, Binary and Parameters: nothing of what it names exists there.
  return type === 'Resource' || type === 'DomainResource'
    ? { kind: 'type', segments }
    : { kind: 'type', type, segments };
}
