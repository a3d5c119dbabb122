import type { Json, JsonObject } from '../fhir/resource.ts';
import type { Context } from './context.ts';
import { resourceToAidbox } from './formats.ts';
import { isKnownType } from './known-types.ts';
import { mix32 } from './random.ts';
import { badRequest, notFound, unknownType } from './refusal.ts';
import { dotPathEquals, wholeNumber } from './search.ts';
import { firstAfter } from './store.ts';
import type { Target } from './target.ts';
import type { Version } from './types.ts';

/** An answer of the Changes API: a document in pieces, or nothing new. */
export interface ChangesAnswer {
  readonly status: 200 | 304;
  readonly pieces: readonly string[];
  readonly rowCount: number;
}

const notModified: ChangesAnswer = { status: 304, pieces: [], rowCount: 0 };

/**
 * Versions of a type, or of one resource, in a range of txids. Rows that are not committed are not seen, and a row that
 * is committed late takes its place by txid: a client that went on from a newer version never hears of it.
 * Source: Aidbox docs, page "Changes API".
 */
export function changes(context: Context, target: Target): ChangesAnswer {
  const { store, options } = context;
  const { type, id, query } = target;
  if (!isKnownType(store, type)) throw unknownType(type);
  const all = id === '' ? store.rows(type) : byTxid(store.versions(type, id));
  if (id !== '' && all.length === 0) throw notFound(`Resource ${type}/${id} not found`);
  const newest = all.at(-1)?.txid ?? options.emptyTypeVersion;
  const asked = query.get('version');
  if (asked === null) return document([`{"version":${String(newest)}}`], 0);

  const range = /^(\d{1,15})(?:,(\d{1,15}))?$/.exec(asked);
  if (range === null) throw badRequest('version must be a number or two of them');
  const low = Number(range[1]);
  const pinned = range[2] === undefined ? undefined : Number(range[2]);
  if (pinned === undefined && newest <= low) return notModified;
  if (pinned !== undefined && pinned > newest && options.hiBeyondNewest === 'refused') {
    throw badRequest(`version ${String(pinned)} does not exist yet`);
  }
  const high = pinned === undefined || (pinned > newest && options.hiBeyondNewest === 'newest') ? newest : pinned;
  const found = filtered(all.slice(firstAfter(all, low), firstAfter(all, high)), query);
  if (found.length === 0 && options.emptyRange === 'not-modified') return notModified;
  return page(context, query, high, found);
}

function page(context: Context, query: URLSearchParams, version: number, found: Version[]): ChangesAnswer {
  const { options } = context;
  const asked = wholeNumber(query.get('_count'), options.changesPageSize, '_count');
  const count = asked === 0 && !query.has('_count') ? found.length : asked;
  const number = Math.max(1, wholeNumber(query.get('_page'), 1, '_page'));
  const rows = inOrder(context, found).slice((number - 1) * count, number * count);
  const write = rowWriter(context, query);
  const total = query.has('_total') && query.get('_total') !== 'none' ? `"total":${String(found.length)},` : '';
  const pieces = [`{"version":${String(version)},${total}"changes":[`];
  rows.forEach((row, index) => {
    pieces.push(index === 0 ? write(row) : `,${write(row)}`);
  });
  pieces.push(']}');
  return document(pieces, rows.length);
}

const document = (pieces: readonly string[], rowCount: number): ChangesAnswer => ({ status: 200, pieces, rowCount });

function byTxid(versions: readonly Version[]): readonly Version[] {
  return [...versions].sort((a, b) => a.txid - b.txid);
}

function inOrder(context: Context, ascending: Version[]): Version[] {
  const { changesOrder, seed } = context.options;
  if (changesOrder === 'ascending') return ascending;
  if (changesOrder === 'descending') return ascending.reverse();
  // By a hash of the txid, so that all pages of a range agree on one order.
  const rank = (version: Version): number => mix32(version.txid + Math.imul(seed, 0x9e3779b9));
  return ascending.sort((a, b) => rank(a) - rank(b) || a.txid - b.txid);
}

function filtered(rows: Version[], query: URLSearchParams): Version[] {
  const filters = [...query].filter(([name]) => name.startsWith('.'));
  if (filters.length === 0) return rows;
  return rows.filter((row) => {
    const resource = JSON.parse(row.json) as Json;
    return filters.every(([name, wanted]) => dotPathEquals(resource, name.slice(1).split('.'), wanted));
  });
}

function rowWriter(context: Context, query: URLSearchParams): (version: Version) => string {
  const { options } = context;
  const inFhir = query.get('fhir') === 'true';
  const idOnly = query.get('omit-resources') === 'true';
  const resourceOf = (version: Version): string => {
    if (idOnly || (version.deleted && options.deletedRow === 'id-only')) {
      return `{"id":"${version.id}","resourceType":"${version.type}"}`;
    }
    if (inFhir && options.metaInChanges) return version.json;
    const { meta, ...rest } = JSON.parse(version.json) as JsonObject;
    const kept: JsonObject = options.metaInChanges && meta !== undefined ? { ...rest, meta } : rest;
    return JSON.stringify(inFhir ? kept : resourceToAidbox(kept));
  };
  return (version) => `{"event":"${version.event}","resource":${resourceOf(version)}}`;
}
