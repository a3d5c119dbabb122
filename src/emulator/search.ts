import type { Json, JsonObject } from '../fhir/resource.ts';
import { isObject } from './json.ts';
import { badRequest } from './refusal.ts';
import type { Stored, View } from './types.ts';

/**
 * A small part of FHIR search: `_id`, `_lastUpdated`, `_tag`, tokens, references and dot paths such as `.name.0.family`.
 * Source: Aidbox docs, pages "FHIR search" and "Dot expressions"; https://hl7.org/fhir/R4/search.html
 */

export const defaultCount = 100;

/** One page of a search, and how many match in all. */
export interface SearchPage {
  readonly total: number;
  readonly page: number;
  readonly count: number;
  readonly found: readonly Stored[];
}

type Test = (stored: Stored, resource: () => JsonObject) => boolean;

/** All live resources of a type that match a query's filters. */
export function matching(view: View, type: string, query: URLSearchParams): Stored[] {
  const ids = query.getAll('_id').map((list) => list.split(','));
  const tests = compileTests(query);
  const candidates = ids[0] === undefined ? view.scan(type) : byIds(view, type, ids[0]);
  const found: Stored[] = [];
  for (const stored of candidates) {
    let parsed: JsonObject | undefined;
    const resource = (): JsonObject => (parsed ??= JSON.parse(stored.json) as JsonObject);
    if (ids.every((list) => list.includes(stored.id)) && tests.every((test) => test(stored, resource)))
      found.push(stored);
  }
  return found;
}

/** One page of the matches in the asked order. */
export function searchPage(view: View, type: string, query: URLSearchParams): SearchPage {
  const found = matching(view, type, query);
  sort(found, query.get('_sort'));
  const count = wholeNumber(query.get('_count'), defaultCount, '_count');
  const page = Math.max(1, wholeNumber(query.get('_page'), 1, '_page'));
  return { total: found.length, page, count, found: found.slice((page - 1) * count, page * count) };
}

/** A parameter that must be a number of things. */
export function wholeNumber(text: string | null, otherwise: number, name: string): number {
  if (text === null || text === '') return otherwise;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} must be a whole number`);
  return Number(text);
}

/** Whether a value, or anything in a list on the way, equals the text at a dot path such as `name.0.family`. */
export function dotPathEquals(value: Json | undefined, path: readonly string[], wanted: string): boolean {
  if (Array.isArray(value)) {
    const [first = '', ...rest] = path;
    if (/^\d+$/.test(first)) return dotPathEquals(value[Number(first)], rest, wanted);
    return value.some((item) => dotPathEquals(item, path, wanted));
  }
  const [first, ...rest] = path;
  if (first === undefined) return equalsText(value, wanted);
  return isObject(value) && dotPathEquals(value[first], rest, wanted);
}

function compileTests(query: URLSearchParams): Test[] {
  const tests: Test[] = [];
  for (const [name, text] of query) {
    if (name === '_lastUpdated') tests.push(lastUpdatedTest(text));
    else if (name === '_tag') tests.push(tagTest(text));
    else if (name.startsWith('_')) continue;
    else {
      const path = (
        name.startsWith('.') ? name.slice(1) : name.replace(/-(\w)/g, (_all, c: string) => c.toUpperCase())
      ).split('.');
      const wanted = text.split(',');
      const needles = wanted.map((one) => JSON.stringify(one.slice(one.lastIndexOf('|') + 1)).slice(1, -1));
      tests.push((stored, resource) => {
        // The text of a match is in the JSON as it stands, so that most resources need no parsing.
        if (!needles.some((needle) => stored.json.includes(needle))) return false;
        return wanted.some((one) => dotPathEquals(resource(), path, one));
      });
    }
  }
  return tests;
}

function tagTest(text: string): Test {
  const wanted = text.split(',');
  return (_stored, resource) => {
    const { meta } = resource();
    const tags = isObject(meta) && Array.isArray(meta.tag) ? meta.tag : [];
    return tags.some((tag) => wanted.some((one) => equalsText(tag, one)));
  };
}

function lastUpdatedTest(text: string): Test {
  const match = /^(gt|ge|lt|le|eq)?(.+)$/.exec(text);
  const atMs = Date.parse(match?.[2] ?? '');
  if (Number.isNaN(atMs)) throw badRequest('_lastUpdated is not a date');
  switch (match?.[1]) {
    case 'gt':
      return (stored) => stored.atMs > atMs;
    case 'ge':
      return (stored) => stored.atMs >= atMs;
    case 'lt':
      return (stored) => stored.atMs < atMs;
    case 'le':
      return (stored) => stored.atMs <= atMs;
    default:
      return (stored) => stored.atMs === atMs;
  }
}

function sort(found: Stored[], order: string | null): void {
  const key = order?.replace(/^-/, '');
  const sign = order?.startsWith('-') === true ? -1 : 1;
  if (key === '_id') found.sort((a, b) => sign * (a.id < b.id ? -1 : 1));
  else if (key === '_lastUpdated' || key === '_txid') found.sort((a, b) => sign * (a.atMs - b.atMs || a.txid - b.txid));
  else if (key !== undefined) throw badRequest(`_sort by ${key} is not supported`);
}

function* byIds(view: View, type: string, ids: readonly string[]): Iterable<Stored> {
  for (const id of new Set(ids)) {
    const stored = view.read(type, id);
    if (stored !== undefined && !stored.deleted) yield stored;
  }
}

/** Equality as search has it: a plain value, a reference with or without its type, a token `system|code`. */
function equalsText(value: Json | undefined, wanted: string): boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value) === wanted;
  if (!isObject(value)) return false;
  const reference = value.reference;
  if (typeof reference === 'string') return reference === wanted || reference.endsWith(`/${wanted}`);
  if (Array.isArray(value.coding)) return value.coding.some((coding) => equalsText(coding, wanted));
  const code = value.code ?? value.value;
  if (typeof code !== 'string') return false;
  const barAt = wanted.lastIndexOf('|');
  if (barAt < 0) return code === wanted;
  const system = typeof value.system === 'string' ? value.system : '';
  return code === wanted.slice(barAt + 1) && system === wanted.slice(0, barAt);
}
