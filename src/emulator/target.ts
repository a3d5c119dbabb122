import { typeForm } from '../fhir/resource.ts';
import { badRequest } from './refusal.ts';
import type { Format } from './types.ts';

export type Operation =
  | 'bundle'
  | 'health'
  | 'metadata'
  | 'token'
  | 'changes'
  | 'dump'
  | 'search'
  | 'read'
  | 'vread'
  | 'history'
  | 'create'
  | 'update'
  | 'delete'
  | 'unknown';

/** What a method and a URL ask for. */
export interface Target {
  readonly method: string;
  /** The path with no base and no query, as access policies see it. */
  readonly uri: string;
  readonly format: Format;
  readonly operation: Operation;
  /** The route with placeholders, for the counters. */
  readonly template: string;
  readonly type: string;
  readonly id: string;
  readonly versionId: string;
  readonly query: URLSearchParams;
}

const operationsOfType: Readonly<Record<string, Operation>> = {
  GET: 'search',
  POST: 'create',
  PUT: 'update',
  DELETE: 'delete',
};
const operationsOfId: Readonly<Record<string, Operation>> = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'update',
  DELETE: 'delete',
};

/** Reads a request line. A bundle's entries inherit the format of the request they came with. */
export function parseTarget(method: string, url: string, inherited?: Format): Target {
  const markAt = url.indexOf('?');
  const path = markAt < 0 ? url : url.slice(0, markAt);
  const query = new URLSearchParams(markAt < 0 ? '' : url.slice(markAt + 1));
  const segments = decode(path).filter((segment) => segment !== '');
  const underFhir = segments[0] === 'fhir';
  if (underFhir) segments.shift();
  const format: Format = inherited ?? (underFhir ? 'fhir' : 'aidbox');
  const base = format === 'fhir' ? '/fhir' : '';
  const uri = segments.length === 0 && base !== '' ? base : `${base}/${segments.join('/')}`;
  const [first = '', second = '', third = '', fourth = ''] = segments;
  const part = { method, uri, format, query, type: '', id: '', versionId: '' };
  const as = (operation: Operation, template: string, more: Partial<Target> = {}): Target => ({
    ...part,
    operation,
    template: base + template,
    ...more,
  });

  if (first === '') return as(method === 'POST' ? 'bundle' : 'unknown', base === '' ? '/' : '');
  if (first === 'health' && segments.length === 1) return as('health', '/health');
  if (first === 'metadata' && segments.length === 1) return as('metadata', '/metadata');
  if (first === 'auth' && second === 'token') return as(method === 'POST' ? 'token' : 'unknown', '/auth/token');
  if (!typeForm.test(first)) return as('unknown', '/?');
  const ofType = { type: first };
  if (second === '') return as(operationsOfType[method] ?? 'unknown', '/{Type}', ofType);
  if (second === '_search' && method === 'POST') return as('search', '/{Type}/_search', ofType);
  if (second === '_history') return as(method === 'GET' ? 'history' : 'unknown', '/{Type}/_history', ofType);
  // These two belong to Aidbox's own API and are not served under /fhir.
  if (second.startsWith('$') && underFhir) return as('unknown', `/{Type}/${second}`, ofType);
  if (second === '$changes') return as(method === 'GET' ? 'changes' : 'unknown', '/{Type}/$changes', ofType);
  if (second === '$dump') return as(method === 'GET' ? 'dump' : 'unknown', '/{Type}/$dump', ofType);
  const ofId = { type: first, id: second };
  if (third === '') return as(operationsOfId[method] ?? 'unknown', '/{Type}/{id}', ofId);
  if (third === '$changes' && !underFhir)
    return as(method === 'GET' ? 'changes' : 'unknown', '/{Type}/{id}/$changes', ofId);
  if (third === '_history' && method === 'GET') {
    if (fourth === '') return as('history', '/{Type}/{id}/_history', ofId);
    return as('vread', '/{Type}/{id}/_history/{vid}', { ...ofId, versionId: fourth });
  }
  return as('unknown', '/?');
}

function decode(path: string): string[] {
  try {
    return path.split('/').map((segment) => (segment.includes('%') ? decodeURIComponent(segment) : segment));
  } catch {
    throw badRequest('the path is not well encoded');
  }
}
