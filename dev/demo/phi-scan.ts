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

/** Whole texts of vocabularies with a word that is a surname of somebody, too. */
const vocabulary: ReadonlySet<string> = new Set([
  'English(US)', // a language's display; Us
  'Head Occipital-frontal circumference', // a LOINC display; Head
]);

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

/**
 * Every occurrence of a needle in the distinct texts: of long needles anywhere and in any case, of short ones as they are
 * written and as words of their own.
 */
export function leaks(needles: Iterable<string>, haystack: Iterable<string>): Leak[] {
  const distinct = [...new Set(needles)];
  const search = new Search(distinct.filter((needle) => needle.length >= wholeWordBelow));
  const short = Map.groupBy(
    distinct.filter((needle) => needle.length < wholeWordBelow),
    firstWord,
  );
  return [...new Set(haystack)]
    .filter((text) => !vocabulary.has(text))
    .flatMap((text) => {
      const candidates = [...new Set(wordsOf(text))].flatMap((word) => short.get(word) ?? []);
      const found = [...search.in(text), ...candidates.filter((needle) => isOwnWord(text, needle))];
      return found.map((needle): Leak => ({ needle, text }));
    });
}

const wordsOf = (text: string): readonly string[] => text.match(/[\p{L}\p{N}]+/gu) ?? [];
const firstWord = (needle: string): string => wordsOf(needle)[0] ?? '';

/** Many needles at once, by their beginnings. */
class Search {
  readonly #byBeginning: Map<string, string[]>;

  constructor(needles: readonly string[]) {
    this.#byBeginning = Map.groupBy(needles, (needle) => needle.toLowerCase().slice(0, wholeWordBelow));
  }

  in(text: string): Set<string> {
    const folded = text.toLowerCase();
    const found = new Set<string>();
    for (let at = 0; at + wholeWordBelow <= folded.length; at++) {
      const candidates = this.#byBeginning.get(folded.slice(at, at + wholeWordBelow)) ?? [];
      for (const needle of candidates) if (folded.startsWith(needle.toLowerCase(), at)) found.add(needle);
    }
    return found;
  }
}

function isOwnWord(text: string, needle: string): boolean {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + needle.length])) return true;
  }
  return false;
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);
