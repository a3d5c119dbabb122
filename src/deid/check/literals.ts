/** Literal references, addresses in Bundles, and texts that look like them: which of them are ours. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { idForm } from '../../fhir/resource.ts';
import { detachedSystem } from '../engine.ts';
import type { ReferenceScope } from '../engine.ts';
import { r4ResourceTypes, r4Type } from '../r4/model.ts';
import { isObject } from './json.ts';

/** What tells ours from the source's. */
export interface Ours {
  readonly scope: ReferenceScope;
  /** The form of a pseudonym of the policy's key version. */
  readonly pseudonym: RegExp;
  /** The new id of a resource; undefined where the key is not held, or nobody asks. */
  readonly newId?: ((type: string, id: string) => string) | undefined;
}

const relative = /^([A-Z][A-Za-z0-9]{0,63})\/([^/]*)$/;
const relativeOrVersioned = /^([A-Z][A-Za-z0-9]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;
/** A UUID of version 8 (RFC 9562), as made from an HMAC. */
const renamedUrn = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const renamedBase = 'https://fhir-sluice.invalid/';

export const isPseudonym = ({ pseudonym }: Ours, text: Json | undefined): boolean =>
  typeof text === 'string' && pseudonym.test(text);

/** Whether an id is the new one of a resource of this type that is nobody's part. */
export const isNewId = (ours: Ours, type: string, id: Json | undefined): boolean =>
  ours.scope.downTypes.has(type) ? typeof id === 'string' && idForm.test(id) : isPseudonym(ours, id);

/** Whether a word is a type that there is: anything else in its place could be somebody's name. */
const isType = ({ scope }: Ours, word: string): boolean =>
  scope.upTypes.has(word) || scope.downTypes.has(word) || r4ResourceTypes.has(word);

/** Whether a Reference's `type` is one, alone or as a URL. */
export const isTypeName = (ours: Ours, text: Json): boolean =>
  typeof text === 'string' && isType(ours, text.replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, ''));

/** Whether a literal that is not local resolves in the target: a type that goes up or comes down, or a renamed address. */
export function isOurLiteral(ours: Ours, text: string): boolean {
  const { upTypes, downTypes, urns } = ours.scope;
  if (urns === 'rename' && isOurFullUrl(ours, text)) return true;
  const [, type = '', id] = relative.exec(text) ?? [];
  return (upTypes.has(type) || downTypes.has(type)) && isNewId(ours, type, id);
}

/** Whether a Bundle entry's fullUrl, or what points at one, was rewritten. */
export function isOurFullUrl(ours: Ours, text: string): boolean {
  if (renamedUrn.test(text)) return true;
  if (!text.startsWith(renamedBase)) return false;
  const [, type = '', id] = relative.exec(text.slice(renamedBase.length)) ?? [];
  return isType(ours, type) && isNewId(ours, type, id);
}

/** Whether the address of a Bundle entry's request is a type alone, or names a resource by its new id. */
export function isOurRequestUrl(ours: Ours, text: string): boolean {
  if (isType(ours, text)) return true;
  const [, type = '', id] = relative.exec(text) ?? [];
  return isType(ours, type) && isNewId(ours, type, id);
}

const addressTypes = new Set(['url', 'uri', 'canonical']);
const addressParts = /^\/?([^|#?]*)/s;
const absoluteTail =
  /^https?:\/\/.*\/([A-Z][A-Za-z0-9]{0,63})\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/is;

/** Whether a text outside a reference names a resource of the source: as `Type/id`, in an address also with more around it. */
export function isHiddenLiteral(ours: Ours, text: string, type: string, key: string): boolean {
  if (!text.includes('/')) return false;
  if (isSourceWithin(ours, text)) return true;
  // Most texts are no such address: they begin as neither a type nor an absolute address does.
  const first = text.charCodeAt(0);
  const mayBeRelative = (first >= 0x41 && first <= 0x5a) || first === 0x2f;
  if (!mayBeRelative && type !== 'url' && type !== '') return false;
  const kind = type === '' && /ur[il]$/i.test(key) ? 'url' : type;
  if (isSourceLiteral(ours, text, kind === 'url' || kind === 'uri')) return true;
  if (!addressTypes.has(kind)) return false;
  const inner = addressParts.exec(text)?.[1] ?? '';
  if (inner !== text && isSourceLiteral(ours, inner, true)) return true;
  const [, target = ''] = absoluteTail.exec(inner) ?? [];
  return kind === 'url' && isType(ours, target) && !isOurFullUrl(ours, text);
}

const isUpper = (code: number): boolean => code >= 0x41 && code <= 0x5a;
const isLetter = (code: number): boolean => isUpper(code) || (code >= 0x61 && code <= 0x7a);
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Whether a type's resources are published, and named by addresses: theirs are no ids of the source's. */
const isNamedByAddress = (type: string): boolean => r4Type(type)?.elements.get('url')?.type === 'uri';

/** Whether `Type/id` with an id of the source's, told by a digit, stands anywhere in a text. */
function isSourceWithin(ours: Ours, text: string): boolean {
  for (let slash = text.indexOf('/', 1); slash > 0; slash = text.indexOf('/', slash + 1)) {
    let start = slash;
    while (start > 0 && (isLetter(text.charCodeAt(start - 1)) || isDigit(text.charCodeAt(start - 1)))) start--;
    if (!isUpper(text.charCodeAt(start)) || start === slash) continue;
    const type = text.slice(start, slash);
    if (ours.scope.downTypes.has(type) || isNamedByAddress(type)) continue;
    const id = /^[A-Za-z0-9.-]*[A-Za-z0-9]/.exec(text.slice(slash + 1, slash + 1 + idLooked))?.[0] ?? '';
    const isOne = ours.scope.upTypes.has(type) || (id.length >= longIdMin && r4ResourceTypes.has(type));
    if (isOne && id.length <= idMax && /[0-9]/.test(id) && !isPseudonym(ours, id)) return true;
  }
  return false;
}

/** A short number behind the name of a type that no stream carries is a number of something. */
const longIdMin = 8;
const idMax = 64;
const idLooked = 2 * idMax;

/** `Type/id` with the source's id, or with a version. `isLink`: of any type but those that come down. */
function isSourceLiteral(ours: Ours, text: string, isLink: boolean): boolean {
  const [, type = '', id] = relativeOrVersioned.exec(text) ?? [];
  const { upTypes, downTypes } = ours.scope;
  if (id === undefined || downTypes.has(type) || !(isLink || upTypes.has(type))) return false;
  return text !== `${type}/${id}` || !isPseudonym(ours, id);
}

const ownIdMin = 16;
const candidate = /[A-Za-z0-9][A-Za-z0-9.-]{14,62}[A-Za-z0-9]/g;
const uuid = /[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/g;

/**
 * Whether a text holds the id that the resource had at the source, of which the output has the pseudonym alone: whatever
 * could be one is made a pseudonym of, and compared. Only long ids are looked for; shorter ones are like any number.
 */
export function holdsOwnId(ours: Ours, text: string, { resourceType: type, id }: JsonObject): boolean {
  if (ours.newId === undefined || text.length < ownIdMin || typeof type !== 'string' || typeof id !== 'string')
    return false;
  if (ours.scope.downTypes.has(type)) return false;
  const found = new Set([...(text.match(candidate) ?? []), ...(text.match(uuid) ?? [])]);
  for (const one of found) {
    if (!/[0-9]/.test(one) || isPseudonym(ours, one)) continue;
    if (ours.newId(type, one) === id || ours.newId(type, one.toLowerCase()) === id) return true;
  }
  return false;
}

/** Whether an identifier stands for a literal that no stream carries. */
export const isDetachment = (ours: Ours, identifier: Json | undefined): boolean =>
  isObject(identifier) &&
  Object.keys(identifier).length === 2 &&
  identifier.system === detachedSystem &&
  isPseudonym(ours, identifier.value);

/** Addresses of the entries of a Bundle that have a resource. That each was rewritten is checked where it stands. */
export function entryAddresses({ entry: entries }: JsonObject): ReadonlySet<string> {
  const found = new Set<string>();
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (isObject(entry) && isObject(entry.resource) && typeof entry.fullUrl === 'string') found.add(entry.fullUrl);
  }
  return found;
}

/** Pseudonyms of the contained resources that are there, those of resources which only stand within left out. */
export function containedIds(container: JsonObject): ReadonlySet<string> {
  const ids = new Set<string>();
  const pending: { readonly value: Json; readonly isContained: boolean }[] = [{ value: container, isContained: false }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, isContained } = next;
    if (Array.isArray(value)) for (const member of value) pending.push({ value: member, isContained });
    if (!isObject(value)) continue;
    if (value !== container && typeof value.resourceType === 'string') {
      if (!isContained) continue;
      if (typeof value.id === 'string') ids.add(value.id);
    }
    for (const key of Object.keys(value)) pending.push({ value: value[key] ?? null, isContained: key === 'contained' });
  }
  return ids;
}
