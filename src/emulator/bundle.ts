import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '../fhir/resource.ts';
import type { Commit } from './commit.ts';
import type { Context } from './context.ts';
import type { Interaction, Result } from './crud.ts';
import { interact, resultJson } from './crud.ts';
import { isObject, listAt, stringAt } from './json.ts';
import { danglingReferences, missingTargets } from './references.ts';
import { resolveReferences } from './bundle-references.ts';
import { Refusal, unprocessable } from './refusal.ts';
import { matching } from './search.ts';
import type { Target } from './target.ts';
import { parseTarget } from './target.ts';
import { Transaction } from './transaction.ts';
import type { Format } from './types.ts';

/** A bundle as it came over HTTP. */
export interface BundleRequest {
  readonly body: Json | undefined;
  readonly format: Format;
  readonly skipReferences: boolean;
  readonly isolation: string | undefined;
  /** `return=minimal` leaves resources out of the answer. */
  readonly minimal: boolean;
  /** Throws when the caller may not do what an entry asks. */
  readonly authorize: (target: Target, body?: Json) => void;
}

interface Entry {
  readonly target: Target;
  readonly source: JsonObject;
  readonly request: JsonObject;
  resource: Json | undefined;
}

/**
 * Runs a bundle: its entries in the order given, a transaction all or nothing, a batch each for itself.
 * Source: Aidbox docs, page "Batch/Transaction".
 */
export async function runBundle(context: Context, request: BundleRequest, commit: Commit): Promise<string> {
  const { body } = request;
  if (!isObject(body) || body.resourceType !== 'Bundle') throw unprocessable('the body is not a Bundle');
  const sources = listAt(body, 'entry');
  switch (body.type) {
    case 'transaction':
      return runTransaction(context, request, sources, commit);
    case 'collection':
      return runTransaction(context, request, sources.map(asPut), commit);
    case 'batch':
      return runBatch(context, request, sources, commit);
    default:
      throw unprocessable('Bundle.type must be transaction, batch or collection');
  }
}

async function runTransaction(
  context: Context,
  request: BundleRequest,
  sources: readonly Json[],
  commit: Commit,
): Promise<string> {
  const tx = new Transaction(context.store, context.options);
  const { culpritInOutcome, forwardReferences, referentialIntegrity } = context.options;
  let at = 0;
  try {
    const entries = sources.map((source, index) => {
      at = index;
      return parseEntry(source, request.format);
    });
    const urns = assignIds(tx, entries);
    const promised = new Set(urns.values());
    const answers = entries.map((entry, index) => {
      at = index;
      request.authorize(entry.target, entry.resource);
      if (entry.resource !== undefined) resolveReferences(tx, entry.resource, urns);
      const references = request.skipReferences ? 'skip' : forwardReferences ? 'later' : 'check';
      return entryAnswer(
        context,
        entry,
        interact(context, tx, interactionOf(context, entry, references, promised)),
        request,
      );
    });
    // What the urn:uuids promised, or with forward references everything, must be there in the end.
    if (referentialIntegrity && !request.skipReferences && (forwardReferences || promised.size > 0)) {
      entries.forEach((entry, index) => {
        at = index;
        if (!isObject(entry.resource)) return;
        const missing = missingTargets(tx, entry.resource, (key) => !forwardReferences && !promised.has(key));
        if (missing.length > 0) throw danglingReferences(missing);
      });
    }
    at = -1;
    await commit(tx, request.isolation);
    return responseBundle('transaction-response', answers);
  } catch (error) {
    if (at >= 0) tx.rollback();
    if (error instanceof Refusal && culpritInOutcome && at >= 0) throw error.at(`Bundle.entry[${String(at)}]`);
    throw error;
  }
}

async function runBatch(
  context: Context,
  request: BundleRequest,
  sources: readonly Json[],
  commit: Commit,
): Promise<string> {
  const answers: string[] = [];
  for (const source of sources) {
    const tx = new Transaction(context.store, context.options);
    try {
      const entry = parseEntry(source, request.format);
      request.authorize(entry.target, entry.resource);
      const result = interact(context, tx, interactionOf(context, entry, request.skipReferences ? 'skip' : 'check'));
      await commit(tx, request.isolation);
      answers.push(entryAnswer(context, entry, result, request));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answers.push(`{"resource":${JSON.stringify(error.outcome())},"response":{"status":"${String(error.status)}"}}`);
    }
  }
  return responseBundle('batch-response', answers);
}

const responseBundle = (type: string, answers: readonly string[]): string =>
  `{"resourceType":"Bundle","type":"${type}","entry":[${answers.join(',')}]}`;

function parseEntry(source: Json, format: Format): Entry {
  if (!isObject(source) || !isObject(source.request)) throw unprocessable('a bundle entry has no request');
  const request = source.request;
  const method = stringAt(request, 'method');
  const url = stringAt(request, 'url');
  if (method === undefined || url === undefined) throw unprocessable('a bundle entry has no method or no url');
  return { target: parseTarget(method.toUpperCase(), url, format), source, request, resource: source.resource };
}

function interactionOf(
  context: Context,
  entry: Entry,
  references: Interaction['references'],
  promised?: ReadonlySet<string>,
): Interaction {
  const { request } = entry;
  return {
    target: entry.target,
    body: entry.resource,
    ifMatch: context.options.entryIfMatch === 'obeyed' ? stringAt(request, 'ifMatch') : undefined,
    ifNoneMatch: stringAt(request, 'ifNoneMatch'),
    ifNoneExist: stringAt(request, 'ifNoneExist'),
    references,
    promised,
  };
}

/** Settles the id of every entry with a `urn:` fullUrl before the first one runs, so that forward references resolve. */
function assignIds(tx: Transaction, entries: readonly Entry[]): Map<string, string> {
  const keys = new Map<string, string>();
  for (const entry of entries) {
    const fullUrl = stringAt(entry.source, 'fullUrl');
    const { resource, target } = entry;
    if (fullUrl?.startsWith('urn:') !== true || !isObject(resource)) continue;
    const query = target.operation === 'create' ? stringAt(entry.request, 'ifNoneExist') : target.query.toString();
    const existing =
      query === undefined || query === '' ? undefined : matching(tx, target.type, new URLSearchParams(query))[0];
    const given = target.id === '' ? (existing?.id ?? stringAt(resource, 'id')) : target.id;
    const id = given ?? randomUUID();
    entry.resource = { ...resource, id };
    keys.set(fullUrl, `${target.type}/${id}`);
  }
  return keys;
}

function entryAnswer(context: Context, entry: Entry, result: Result, request: BundleRequest): string {
  const { stored } = result;
  const response: JsonObject = { status: String(result.status) };
  if (stored !== undefined) {
    const version = String(stored.txid);
    response.etag = context.options.entryEtag === 'weak' ? `W/"${version}"` : version;
    response.lastModified = new Date(stored.atMs).toISOString();
    response.location = `/${stored.type}/${stored.id}/_history/${version}`;
  }
  const text = `"response":${JSON.stringify(response)}`;
  const json = request.minimal && entry.target.method !== 'GET' ? undefined : resultJson(result, entry.target);
  return json === undefined ? `{${text}}` : `{"resource":${json},${text}}`;
}

function asPut(source: Json): Json {
  if (!isObject(source) || !isObject(source.resource)) return source;
  const { resource } = source;
  const type = stringAt(resource, 'resourceType') ?? '';
  const id = stringAt(resource, 'id');
  const request = id === undefined ? { method: 'POST', url: type } : { method: 'PUT', url: `${type}/${id}` };
  return { ...source, request };
}
