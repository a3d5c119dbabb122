import type { IncomingHttpHeaders } from 'node:http';
import type { Json, JsonObject } from '../fhir/resource.ts';
import type { AccessPolicies } from './access-policy.ts';
import type { Authentication } from './auth.ts';
import { type BundleRequest, runBundle } from './bundle.ts';
import { changes } from './changes.ts';
import { capabilityStatement } from './capability.ts';
import type { Commit } from './commit.ts';
import type { Context } from './context.ts';
import type { Counters } from './counters.ts';
import { interact, resultJson } from './crud.ts';
import { dump } from './dump.ts';
import { Refusal, badRequest, notFound } from './refusal.ts';
import type { Target } from './target.ts';
import { Transaction } from './transaction.ts';
import type { Stored } from './types.ts';

/** A request with its body read. */
export interface ServerRequest {
  readonly target: Target;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An answer before it is written to the socket. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream of pieces is sent chunked, a list with its length. */
  readonly body: readonly string[] | Generator<string>;
}

/** What the handlers work with. */
export interface Parts extends Context {
  readonly authentication: Authentication;
  readonly policies: AccessPolicies;
  readonly commit: Commit;
  readonly counters: Counters;
}

const jsonType = { 'content-type': 'application/json' };

/** Answers one request, refusals included. */
export async function handle(parts: Parts, request: ServerRequest): Promise<ServerAnswer> {
  try {
    return await answer(parts, request);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refusalAnswer(error);
  }
}

/** A refusal as an HTTP answer. */
export function refusalAnswer(refusal: Refusal): ServerAnswer {
  return document(refusal.status, refusal.outcome());
}

async function answer(parts: Parts, request: ServerRequest): Promise<ServerAnswer> {
  const { target, headers } = request;
  switch (target.operation) {
    case 'health':
      return document(200, { status: 'pass', description: 'Everything is ok' });
    case 'metadata':
      return document(200, capabilityStatement());
    case 'token': {
      const token = parts.authentication.token(headers['content-type'] ?? '', request.text, headers.authorization);
      return document(token.status, token.body);
    }
    default:
      return guarded(parts, request);
  }
}

async function guarded(parts: Parts, request: ServerRequest): Promise<ServerAnswer> {
  const { target, headers } = request;
  const authorize = authorizer(parts, headers.authorization);
  const written = writes(target) ? parseJson(request.text) : undefined;
  authorize(target, written);
  switch (target.operation) {
    case 'bundle':
      return bundleAnswer(parts, request, authorize);
    case 'changes': {
      const { status, pieces, rowCount } = changes(parts, target);
      parts.counters.resourcesOut += rowCount;
      return { status, headers: jsonType, body: pieces };
    }
    case 'dump':
      return {
        status: 200,
        headers: { 'content-type': 'application/ndjson' },
        body: counted(parts, dump(parts, target)),
      };
    case 'unknown':
      throw notFound(`no such route: ${target.method} ${target.uri}`);
    default:
      return single(parts, request, written);
  }
}

function authorizer(parts: Parts, authorization: string | undefined): BundleRequest['authorize'] {
  if (parts.options.insecure) return () => undefined;
  const clientId = parts.authentication.clientOf(authorization);
  return (target, body) => {
    parts.policies.require(clientId, target, body);
  };
}

async function bundleAnswer(
  parts: Parts,
  request: ServerRequest,
  authorize: BundleRequest['authorize'],
): Promise<ServerAnswer> {
  const { target, headers } = request;
  const prefer = headerText(headers.prefer) ?? '';
  const text = await runBundle(
    parts,
    {
      body: parseJson(request.text),
      format: target.format,
      skipReferences: skipsReferences(parts, headers),
      isolation: headerText(headers['x-max-isolation-level']),
      minimal: prefer.includes('return=minimal'),
      authorize,
    },
    parts.commit,
  );
  return { status: 200, headers: jsonType, body: prefer.includes('return=hs-headers-only') ? [] : [text] };
}

/** @param written - the body of a create or an update */
async function single(parts: Parts, request: ServerRequest, written: Json | undefined): Promise<ServerAnswer> {
  const { target, headers } = request;
  const searchTarget =
    target.operation === 'search' && target.method === 'POST' ? withForm(target, request.text) : target;
  const tx = new Transaction(parts.store, parts.options);
  const result = interact(parts, tx, {
    target: searchTarget,
    body: written,
    ifMatch: headerText(headers['if-match']),
    ifNoneMatch: headerText(headers['if-none-match']),
    ifNoneExist: headerText(headers['if-none-exist']),
    references: skipsReferences(parts, headers) ? 'skip' : 'check',
  });
  await parts.commit(tx, headerText(headers['x-max-isolation-level']));
  const json = resultJson(result, target);
  const empty = json === undefined || (writes(target) && (headerText(headers.prefer) ?? '').includes('return=minimal'));
  const extra = result.stored === undefined ? {} : resourceHeaders(result.stored, target, result.status);
  return { status: result.status, headers: { ...jsonType, ...extra }, body: empty ? [] : [json] };
}

const writes = ({ operation }: Target): boolean => operation === 'create' || operation === 'update';

function resourceHeaders(stored: Stored, target: Target, status: number): Record<string, string> {
  const base = target.format === 'fhir' ? '/fhir' : '';
  const location = `${base}/${stored.type}/${stored.id}/_history/${String(stored.txid)}`;
  return {
    etag: `W/"${String(stored.txid)}"`,
    'last-modified': new Date(stored.atMs).toUTCString(),
    ...(status === 201 ? { location } : {}),
  };
}

function* counted(parts: Parts, lines: Generator<string>): Generator<string> {
  for (const line of lines) {
    parts.counters.resourcesOut += 1;
    yield line;
  }
}

function withForm(target: Target, text: string): Target {
  const query = new URLSearchParams(target.query);
  for (const [name, value] of new URLSearchParams(text)) query.append(name, value);
  return { ...target, query };
}

function skipsReferences(parts: Parts, headers: IncomingHttpHeaders): boolean {
  return (
    parts.options.referenceSkipAllowed && (headerText(headers['aidbox-validation-skip']) ?? '').includes('reference')
  );
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badRequest('the body is not JSON');
  }
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

const document = (status: number, body: JsonObject): ServerAnswer => ({
  status,
  headers: jsonType,
  body: [JSON.stringify(body)],
});
