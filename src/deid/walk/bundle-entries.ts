/**
 * What the entries of a Bundle are addressed by: a `fullUrl` may be another name than the resource's own id, and then the
 * Bundle alone tells that the two are one. Source: https://hl7.org/fhir/R4/bundle.html#references
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { parseLiteral } from '../references.ts';
import type { LiteralReference } from '../references.ts';
import { isObject } from '../shape.ts';

/** The resource of an entry, and the entry's address as the source has it. */
export interface EntryName {
  readonly type: string;
  readonly id: string;
  readonly fullUrl: string;
}

/** A Reference that was made to point at an entry, and the logical one that it becomes where the entry's resource goes. */
export interface EntryLink {
  readonly node: JsonObject;
  readonly detached: JsonObject;
}

/** The addresses in a Bundle, and in those around it. A chain, since Bundles in Bundles may be many. */
export interface BundleEntries {
  readonly byAddress: ReadonlyMap<string, EntryName>;
  /** What points at entries of this Bundle, in its output. */
  readonly links: EntryLink[];
  readonly outer: BundleEntries | undefined;
}

/** The id that a Bundle entry's resource has where it has none yet: what others point at it by. */
export function entryIdOf({ fullUrl }: JsonObject): string {
  if (typeof fullUrl !== 'string') return '';
  return fullUrl.slice(Math.max(fullUrl.lastIndexOf(':'), fullUrl.lastIndexOf('/')) + 1);
}

/** The addresses that hold inside a resource: a Bundle adds its own to those around it. */
export function entriesWithin(
  resource: JsonObject,
  type: string,
  outer: BundleEntries | undefined,
): BundleEntries | undefined {
  if (type !== 'Bundle' || !Array.isArray(resource.entry)) return outer;
  const byAddress = new Map<string, EntryName>();
  for (const entry of resource.entry) addEntry(byAddress, entry);
  return byAddress.size === 0 ? outer : { byAddress, links: [], outer };
}

function addEntry(byAddress: Map<string, EntryName>, entry: Json): void {
  if (!isObject(entry) || typeof entry.fullUrl !== 'string' || !isObject(entry.resource)) return;
  const { resourceType: type, id = entryIdOf(entry) } = entry.resource;
  if (typeof type !== 'string' || typeof id !== 'string') return;
  const { fullUrl } = entry;
  const parsed = parseLiteral(fullUrl);
  if (parsed.form !== 'local' && parsed.form !== 'relative') byAddress.set(addressOf(parsed), { type, id, fullUrl });
}

type Address = Exclude<LiteralReference, { form: 'local' | 'relative' }>;

/** UUIDs and OIDs mean the same in either case. */
const addressOf = ({ form, literal }: Address): string => (form === 'urn' ? literal.toLowerCase() : literal);

/** The entry that has this address, in the Bundle itself before those around it, and the Bundle's addresses. */
export function entryAt(
  entries: BundleEntries | undefined,
  parsed: Address,
): { readonly entry: EntryName; readonly bundle: BundleEntries } | undefined {
  const address = addressOf(parsed);
  for (let bundle = entries; bundle !== undefined; bundle = bundle.outer) {
    const entry = bundle.byAddress.get(address);
    if (entry !== undefined) return { entry, bundle };
  }
  return undefined;
}

/** Full addresses of the entries of a Bundle's output whose resource is there. */
export function presentAddresses({ entry: entries }: JsonObject): ReadonlySet<Json | undefined> {
  const filled = Array.isArray(entries) ? entries.filter((entry) => isObject(entry) && isObject(entry.resource)) : [];
  return new Set(filled.map((entry) => (entry as JsonObject).fullUrl));
}
