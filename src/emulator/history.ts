import type { Context } from './context.ts';
import { presentJson } from './formats.ts';
import { badRequest, notFound } from './refusal.ts';
import { defaultCount, wholeNumber } from './search.ts';
import type { Target } from './target.ts';
import type { Version } from './types.ts';

/**
 * History of a type or of one resource, newest first.
 * `_txid` keeps that version, `_since` what is newer than or as old as a time, `_at` what was current at a time.
 * Source: Aidbox docs, page "History"; https://hl7.org/fhir/R4/http.html#history
 */
export function historyBundle(context: Context, target: Target): string {
  const { type, id, query } = target;
  const versions = id === '' ? context.store.rows(type) : context.store.versions(type, id);
  if (id !== '' && versions.length === 0) throw notFound(`Resource ${type}/${id} not found`);
  const kept = filtered([...versions].reverse(), query);
  const count = wholeNumber(query.get('_count'), defaultCount, '_count');
  const page = Math.max(1, wholeNumber(query.get('_page'), 1, '_page'));
  const entries = kept.slice((page - 1) * count, page * count).map((version) => entry(version, target));
  return `{"resourceType":"Bundle","type":"history","total":${String(kept.length)},"entry":[${entries.join(',')}]}`;
}

function filtered(newestFirst: readonly Version[], query: URLSearchParams): readonly Version[] {
  let kept = newestFirst;
  const txid = query.get('_txid');
  if (txid !== null) kept = kept.filter((version) => String(version.txid) === txid);
  const since = query.get('_since');
  if (since !== null) {
    const sinceMs = timeMs(since, '_since');
    kept = kept.filter((version) => version.atMs >= sinceMs);
  }
  const at = query.get('_at');
  if (at !== null) {
    const atMs = timeMs(at, '_at');
    const seen = new Set<string>();
    kept = kept.filter((version) => {
      if (version.atMs > atMs || seen.has(version.id)) return false;
      seen.add(version.id);
      return true;
    });
  }
  return kept;
}

/** A time given in a query. */
export function timeMs(text: string, name: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw badRequest(`${name} is not a date`);
  return ms;
}

function entry(version: Version, target: Target): string {
  const key = `${version.type}/${version.id}`;
  const method = version.deleted ? 'DELETE' : version.event === 'created' ? 'POST' : 'PUT';
  const status = version.deleted ? '200' : version.event === 'created' ? '201' : '200';
  const head = JSON.stringify({
    fullUrl: `/${key}`,
    request: { method, url: method === 'POST' ? version.type : key },
    response: { status, etag: String(version.txid), lastModified: new Date(version.atMs).toISOString() },
  });
  return `${head.slice(0, -1)},"resource":${presentJson(version.json, target.format)}}`;
}
