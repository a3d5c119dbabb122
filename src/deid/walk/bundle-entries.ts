/**
 * What the entries of a Bundle are addressed by: a `fullUrl` may be another name than the resource's own id, and then the
 * Bundle alone tells that the two are one. Source: https://hl7.org/fhir/R4/bundle.html#references
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { parseLiteral } from '../references.ts';
import type { LiteralReference } from '../references.ts';
import { isObject } from '../shape.ts';

/** The resource of an entry. */
export interface EntryName {
  readonly type: string;
  readonly id: string;
}

/** The addresses in a Bundle, and in those around it. A chain, since Bundles in Bundles may be many. */
export interface BundleEntries {
  readonly byAddress: ReadonlyMap<string, EntryName>;
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
  return byAddress.size === 0 ? outer : { byAddress, outer };
}

function addEntry(byAddress: Map<string, EntryName>, entry: Json): void {
  if (!isObject(entry) || typeof entry.fullUrl !== 'string' || !isObject(entry.resource)) return;
  const { resourceType: type, id = entryIdOf(entry) } = entry.resource;
  if (typeof type !== 'string' || typeof id !== 'string') return;
  const parsed = parseLiteral(entry.fullUrl);
  if (parsed.form !== 'local' && parsed.form !== 'relative') byAddress.set(addressOf(parsed), { type, id });
}

type Address = Exclude<LiteralReference, { form: 'local' | 'relative' }>;

/** UUIDs and OIDs mean the same in either case. */
const addressOf = ({ form, literal }: Address): string => (form === 'urn' ? literal.toLowerCase() : literal);

/** The entry that has this address, in the Bundle itself before those around it. */
export function entryAt(entries: BundleEntries, parsed: Address): EntryName | undefined {
  const address = addressOf(parsed);
  for (let at: BundleEntries | undefined = entries; at !== undefined; at = at.outer) {
    const found = at.byAddress.get(address);
    if (found !== undefined) return found;
  }
  return undefined;
}
