/**
 * The forms of a literal reference, and which objects are references, told by their shape: without a schema there is
 * no other way, and a reference that hides in an extension is caught as well.
 * Source: https://hl7.org/fhir/R4/references.html#literal
 */
import { typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject } from '../fhir/resource.ts';
import { detachedSystem } from './engine.ts';
import { isObject } from './shape.ts';

export type LiteralReference =
  | { readonly form: 'relative'; readonly type: string; readonly id: string }
  | { readonly form: 'local'; readonly id: string }
  /** Everything that cannot be followed at the target; `literal` without a version, so that equal targets stay equal. */
  | { readonly form: 'conditional' | 'absolute' | 'urn' | 'other'; readonly type?: string; readonly literal: string };

const relative = /^([A-Z][A-Za-z0-9]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
const absolute = /^https?:\/\/.*$/is;
const absoluteTail = /\/([A-Z][A-Za-z0-9]{0,63})\/[A-Za-z0-9\-.]{1,64}$/;
const version = /\/_history\/[^/]*$/;
const conditional = /^([A-Z][A-Za-z0-9]{0,63})\?/;
const urn = /^urn:(?:uuid|oid):/i;

/** `Type/id` with or without a version; undefined for every other text. */
export function parseRelative(text: string): { type: string; id: string } | undefined {
  const match = relative.exec(text);
  return match === null ? undefined : { type: match[1] ?? '', id: match[2] ?? '' };
}

/** Sorts a reference's text by its form; every text has one. */
export function parseLiteral(text: string): LiteralReference {
  if (text.startsWith('#')) return { form: 'local', id: text.slice(1) };
  const target = parseRelative(text);
  if (target !== undefined) return { form: 'relative', ...target };
  const query = conditional.exec(text);
  if (query !== null) return { form: 'conditional', type: query[1] ?? '', literal: text };
  if (urn.test(text)) return { form: 'urn', literal: text };
  if (!absolute.test(text)) return { form: 'other', literal: text };
  const literal = text.replace(version, '');
  const type = absoluteTail.exec(literal)?.[1];
  return { form: 'absolute', literal, ...(type === undefined ? {} : { type }) };
}

const referenceKeys = new Set(
  ['id', 'extension', 'reference', 'type', 'identifier', 'display'].flatMap((key) => [key, `_${key}`]),
);

/**
 * Whether rules on `Reference` apply to the object: it has a literal reference, or nothing but a Reference's elements
 * and among them a display or an identifier. A Coding of a display alone looks the same, and is taken for one too.
 */
export function looksLikeReference(object: JsonObject): boolean {
  if (typeof object.reference === 'string') return true;
  if ((object.display ?? object._display ?? object.identifier ?? null) === null) return false;
  return Object.keys(object).every((key) => referenceKeys.has(key)) && !isNotUri(object.type);
}

/** Whether an output is still a reference: by its shape, or because it was detached. */
export const isReferenceStill = (object: JsonObject): boolean =>
  looksLikeReference(object) || (isObject(object.identifier) && object.identifier.system === detachedSystem);

const isNotUri = (type: Json | undefined): boolean => type !== undefined && typeof type !== 'string';

/**
 * Whether a text outside `Reference.reference` is a literal `Type/id` that must not pass as it is: any of a type that
 * goes up, and in a URL (`Attachment.url: "Binary/1"`) also of a type that no stream carries.
 */
export function hiddenTarget(
  text: string,
  type: string,
  scope: { upTypes: ReadonlySet<string>; downTypes: ReadonlySet<string> },
): { type: string; id: string } | undefined {
  const code = text.charCodeAt(0);
  if (code < 65 || code > 90 || !text.includes('/')) return undefined;
  const target = parseRelative(text);
  if (target === undefined || scope.downTypes.has(target.type)) return undefined;
  return scope.upTypes.has(target.type) || type === 'url' || type === 'uri' ? target : undefined;
}

/** The type to write beside a detached reference: what the literal says, or a plain type name that stood there. */
export function detachedType(parsed: LiteralReference, stated: Json | undefined): string | undefined {
  if (parsed.form !== 'local' && parsed.type !== undefined) return parsed.type;
  return typeof stated === 'string' && typeForm.test(stated) ? stated : undefined;
}
