/**
 * The forms of a literal reference, and which objects are references, told by their shape: without a schema there is
 * no other way, and a reference that hides in an extension is caught as well.
 * Source: https://hl7.org/fhir/R4/references.html#literal
 */
import { typeForm } from '../fhir/resource.ts';
import type { Json, JsonObject } from '../fhir/resource.ts';

export type LiteralReference =
  | { readonly form: 'relative'; readonly type: string; readonly id: string }
  | { readonly form: 'local'; readonly id: string }
  /** Everything that cannot be followed at the target; `literal` without a version, so that equal targets stay equal. */
  | { readonly form: 'conditional' | 'absolute' | 'urn' | 'other'; readonly type?: string; readonly literal: string };

const absolute = /^https?:\/\/.*$/is;
const absoluteTail = /\/([A-Z][A-Za-z0-9]{0,63})\/[A-Za-z0-9\-.]{1,64}$/;
const version = /\/_history\/[^/]*$/;
const conditional = /^([A-Z][A-Za-z0-9]{0,63})\?/;
const urn = /^urn:(?:uuid|oid):/i;

const isUpper = (code: number): boolean => code >= 65 && code <= 90;
const isAlphanumeric = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || isUpper(code);

/** Where a run of `id` characters that begins at `start` ends. */
function idEnd(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isAlphanumeric(code) && code !== 45 && code !== 46) break;
  }
  return at;
}

const partCharactersMax = 64;
const versionMark = '/_history/';

/** `Type/id` with or without a version; undefined for every other text. By hand, since it runs for every reference. */
export function parseRelative(text: string): { type: string; id: string } | undefined {
  if (!isUpper(text.charCodeAt(0))) return undefined;
  let slash = 1;
  while (isAlphanumeric(text.charCodeAt(slash))) slash++;
  if (slash > partCharactersMax || text.charCodeAt(slash) !== 47) return undefined;
  const end = idEnd(text, slash + 1);
  if (end === slash + 1 || end - slash - 1 > partCharactersMax) return undefined;
  if (end < text.length) {
    if (!text.startsWith(versionMark, end)) return undefined;
    const start = end + versionMark.length;
    if (idEnd(text, start) !== text.length || text.length === start || text.length - start > partCharactersMax) {
      return undefined;
    }
  }
  return { type: text.slice(0, slash), id: text.slice(slash + 1, end) };
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
