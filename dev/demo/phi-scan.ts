/**
 * Looks for what names the people of some resources in other resources. Knows nothing of policies and of the engine:
 * it collects names, identifiers, telephones, e-mails and address lines from the source and searches texts for them.
 */
import type { Json, JsonObject, Resource } from '../../src/fhir/resource.ts';

/** Something of somebody in a text where it must not be. */
export interface Leak {
  readonly needle: string;
  readonly text: string;
}

const people: ReadonlySet<string> = new Set(['Patient', 'RelatedPerson', 'Practitioner']);

/** Members that hold a name wherever they stand: custom attributes of forms among them. */
const nameMembers: ReadonlySet<string> = new Set([
  'family',
  'given',
  'patientFirstName',
  'patientMiddleName',
  'patientLastName',
]);

/** Short names (Li, Pat, Norma) stand inside ordinary words; they count only as words of their own. */
const wholeWordBelow = 6;

/** Where a surname is also a word of a vocabulary: the display of the language en-US. */
const vocabulary: ReadonlySet<string> = new Set(['English(US)']);

/** Every string in a value; base64 `data` as what it says, too. */
export function texts(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const data = Array.isArray(value) || typeof value.data !== 'string' ? [] : [decoded(value.data)];
  return [...Object.values(value).flatMap(texts), ...data];
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/** The values of every member of that name, at any depth. */
export function members(value: Json, name: string): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) || value[name] === undefined ? [] : [value[name]];
  return [...own, ...Object.values(value).flatMap((member) => members(member, name))];
}

/** What names the people of these resources: names, identifiers' values, telecoms, addresses, plan numbers. */
export function identifying(resources: readonly Resource[]): Set<string> {
  const found = resources.flatMap((resource) => {
    const names = [...nameMembers].flatMap((name) => members(resource, name));
    const identifiers = members(resource, 'identifier').flatMap((one) => members(one, 'value'));
    const own = people.has(resource.resourceType) ? ofPerson(resource) : [];
    return [names, identifiers, own, resource.subscriberId ?? []].flat().flatMap(texts);
  });
  return new Set(found.map((text) => text.trim()).filter((text) => text !== ''));
}

function ofPerson(person: JsonObject): Json[] {
  const reached = members(person, 'telecom').flatMap((one) => members(one, 'value'));
  const written = [...members(person, 'name'), ...members(person, 'address')].flatMap((one) => members(one, 'text'));
  const digits = reached.flatMap(texts).flatMap((text) => telephoneDigits(text));
  return [...reached, ...written, ...members(person, 'line'), ...digits];
}

/** A telephone number as machines write it: ten digits or more. */
function telephoneDigits(text: string): string[] {
  const digits = text.replace(/\D/g, '');
  return digits.length >= 10 && /^[\d\s()+./-]+$/.test(text) ? [digits] : [];
}

/** Every occurrence of a needle in the distinct texts. */
export function leaks(needles: Iterable<string>, haystack: Iterable<string>): Leak[] {
  const distinct = [...new Set(haystack)].filter((text) => !vocabulary.has(text));
  const folded = distinct.map((text) => text.toLowerCase());
  // One search in all texts first: only what is found there is looked at more closely.
  const everything = folded.join('\n');
  return [...new Set(needles)]
    .filter((needle) => everything.includes(needle.toLowerCase()))
    .flatMap((needle) =>
      distinct
        .filter((text, index) => occurs(text, folded[index] ?? '', needle))
        .map((text): Leak => ({ needle, text })),
    );
}

/** Long needles count anywhere and in any case, short ones as they are written and as words of their own. */
function occurs(text: string, folded: string, needle: string): boolean {
  if (needle.length >= wholeWordBelow) return folded.includes(needle.toLowerCase());
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + needle.length])) return true;
  }
  return false;
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);
