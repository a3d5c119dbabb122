import type { JsonObject } from '../fhir/resource.ts';
import { presentJson } from './formats.ts';
import { searchPage } from './search.ts';
import type { Target } from './target.ts';
import type { Stored, View } from './types.ts';

/** The searchset Bundle of a search, as text. */
export function searchBundle(view: View, target: Target): string {
  const { query, type } = target;
  const { total, page, count, found } = searchPage(view, type, query);
  const totalText = query.get('_total') === 'none' ? '' : `"total":${String(total)},`;
  const start = `{"resourceType":"Bundle","type":"searchset",${totalText}`;
  if (query.get('_summary') === 'count' || count === 0) return `${start}"entry":[]}`;
  const fields = query.get('_elements')?.split(',');
  const entries = found.map((stored) => {
    const resource = fields === undefined ? presentJson(stored.json, target.format) : subset(stored, fields);
    return `{"resource":${resource},"search":{"mode":"match"},"fullUrl":"/${type}/${stored.id}"}`;
  });
  return `${start}"link":${JSON.stringify(links(target, page, count, total))},"entry":[${entries.join(',')}]}`;
}

function links(target: Target, page: number, count: number, total: number): JsonObject[] {
  const url = (number: number): string => {
    const query = new URLSearchParams(target.query);
    query.set('_page', String(number));
    return `${target.uri.replace(/\/_search$/, '')}?${query.toString()}`;
  };
  const list = [
    { relation: 'first', url: url(1) },
    { relation: 'self', url: url(page) },
  ];
  if (page * count < total) list.push({ relation: 'next', url: url(page + 1) });
  return list;
}

function subset(stored: Stored, fields: readonly string[]): string {
  const resource = JSON.parse(stored.json) as JsonObject;
  const kept = Object.entries(resource).filter(
    ([key]) => key === 'resourceType' || key === 'id' || fields.includes(key),
  );
  return JSON.stringify(Object.fromEntries(kept));
}
