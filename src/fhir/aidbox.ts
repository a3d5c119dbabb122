/** Aidbox as a source and as a target. Source: the vendor's 'Changes API', 'Bundle' and 'FHIR CRUD' pages. */
import { fixedLimits } from '../limits.ts';
import type { Json, JsonObject, Resource } from './resource.ts';
import type {
  ChangeSource,
  CommitTarget,
  CurrentState,
  DumpedResource,
  DumpRequest,
  FeedPage,
  FeedRow,
  PageRequest,
  TaggedIds,
  TaggedRequest,
  TransactionAnswer,
  Versioned,
} from './server.ts';
import { type Answer, parseAnswer, parseBytes, refuse } from './http.ts';
import { type NdjsonLine, ndjsonLines } from './ndjson.ts';
import { ServerProblem } from './server-problem.ts';
import type { Transport } from './transport.ts';

/** An Aidbox behind a transport. */
export function createAidbox(transport: Transport): ChangeSource & CommitTarget {
  return {
    async head(type, signal) {
      const answer = await transport.request({ method: 'GET', path: `${type}/$changes`, ...withSignal(signal) });
      if (answer.status === 304) return 0;
      if (answer.status !== 200) refuse(answer);
      return versionOf(parseAnswer(answer));
    },
    async page(type, request, signal) {
      const path = `${type}/$changes?${pageQuery(request)}`;
      const answer = await transport.request({ method: 'GET', path, ...withSignal(signal) });
      if (answer.status === 304) return { rows: [], bytes: 0 };
      if (answer.status !== 200) refuse(answer);
      return pageOf(parseAnswer(answer), answer.body.length);
    },
    count: (type, signal) => countFound(transport, `fhir/${type}?_elements=id`, signal),
    current: (type, ids, signal) => readCurrent(transport, type, ids, signal),
    dump: (type, request, each, signal) => readDump(transport, type, request, each, signal),
    async read(type, id, signal) {
      return (await readEntries(transport, type, [id], signal)).get(id);
    },
    readMany: (type, ids, signal) => readEntries(transport, type, ids, signal),
    taggedIds: (type, request, signal) => listTagged(transport, type, request, signal),
    countTagged: (type, tag, signal) =>
      countFound(transport, `fhir/${type}?${tagQuery(tag)}&_elements=id,meta`, signal),
    transaction: (bundle, signal) => postTransaction(transport, bundle, signal),
  };
}

const withSignal = (signal: AbortSignal | undefined): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

function pageQuery(request: PageRequest): string {
  const query = [
    `version=${String(request.lo)},${String(request.hi)}`,
    'fhir=true',
    `_count=${String(request.count)}`,
    `_page=${String(request.page)}`,
  ];
  if (request.idsOnly === true) query.push('omit-resources=true');
  return query.join('&');
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function versionOf(body: unknown): number {
  const version = isObject(body) ? body.version : undefined;
  // Said of a type that never had a row.
  if (version === null) return 0;
  const number = typeof version === 'string' && /^\d+$/.test(version) ? Number(version) : version;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0)
    throw new ServerProblem('answer-malformed');
  return number;
}

function pageOf(body: unknown, bytes: number): FeedPage {
  const changes = isObject(body) ? body.changes : undefined;
  if (changes === undefined && isObject(body) && 'version' in body) return { rows: [], bytes };
  if (!Array.isArray(changes)) throw new ServerProblem('answer-malformed');
  return { rows: changes.map((change) => rowOf(change, bytes)), bytes };
}

function rowOf(change: Json, pageBytes: number): FeedRow {
  if (!isObject(change) || typeof change.event !== 'string') throw new ServerProblem('answer-malformed');
  return { deleted: change.event === 'deleted', resource: change.resource ?? null, pageBytes };
}

interface EntryAnswer {
  readonly status: number;
  readonly etag: string;
  readonly resource: JsonObject | undefined;
}

/** Reads by batch Bundles of GETs, so that no id stands in a URL. The answers stand in the order of the ids. */
async function getEntries(
  transport: Transport,
  type: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<(EntryAnswer | 'too-large')[]> {
  const answers: (EntryAnswer | 'too-large')[] = [];
  let most: number = fixedLimits.currentReadEntriesMax;
  for (let start = 0; start < ids.length;) {
    const piece = ids.slice(start, start + most);
    try {
      answers.push(...(await getPiece(transport, type, piece, signal)));
      start += piece.length;
    } catch (error) {
      if (!(error instanceof ServerProblem && error.failure === 'answer-too-large')) throw error;
      if (piece.length > 1) most = Math.ceil(piece.length / 8);
      else {
        answers.push('too-large');
        start += 1;
      }
    }
  }
  return answers;
}

async function getPiece(
  transport: Transport,
  type: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<EntryAnswer[]> {
  const entry = ids.map((id) => ({ request: { method: 'GET', url: `${type}/${id}` } }));
  const body = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry });
  const answer = await transport.request({ method: 'POST', path: 'fhir', body, ...withSignal(signal) });
  if (answer.status !== 200) refuse(answer);
  const bundle = parseAnswer(answer);
  const entries = isObject(bundle) ? bundle.entry : undefined;
  if (!Array.isArray(entries) || entries.length !== ids.length) throw new ServerProblem('answer-malformed');
  return entries.map((one, index) => entryOf(one, type, ids[index] ?? ''));
}

function entryOf(entry: Json, type: string, id: string): EntryAnswer {
  const response = isObject(entry) ? entry.response : undefined;
  if (!isObject(entry) || !isObject(response)) throw new ServerProblem('answer-malformed');
  const status = Number.parseInt(textOf(response.status), 10);
  if (!Number.isInteger(status)) throw new ServerProblem('answer-malformed');
  const resource = isObject(entry.resource) ? entry.resource : undefined;
  // Answers in another order than the questions would give one resource the content of another.
  if (status === 200 && (resource?.resourceType !== type || resource.id !== id))
    throw new ServerProblem('answer-malformed');
  return { status, etag: etagOf(response, resource), resource };
}

const textOf = (value: Json | undefined): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** The version as `ifMatch` takes it. Aidbox answers entries with a bare number. */
function etagOf(response: JsonObject, resource: JsonObject | undefined): string {
  const { etag } = response;
  if (typeof etag === 'string' && etag !== '') return etag.endsWith('"') ? etag : `W/"${etag}"`;
  const meta = resource?.meta;
  const version = isObject(meta) ? meta.versionId : undefined;
  return typeof version === 'string' ? `W/"${version}"` : '';
}

async function readCurrent(
  transport: Transport,
  type: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, CurrentState>> {
  const answers = await getEntries(transport, type, ids, signal);
  return new Map(
    ids.map((id, index): [string, CurrentState] => {
      const answer = answers[index];
      if (answer === 'too-large') return [id, answer];
      if (answer?.status === 200 && answer.resource !== undefined) return [id, answer.resource as Resource];
      if (answer?.status === 404 || answer?.status === 410) return [id, null];
      throw new ServerProblem('status', answer?.status ?? 0);
    }),
  );
}

async function readEntries(
  transport: Transport,
  type: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Versioned>> {
  const answers = await getEntries(transport, type, ids, signal);
  const found = new Map<string, Versioned>();
  ids.forEach((id, index) => {
    const answer = answers[index];
    if (answer === 'too-large') throw new ServerProblem('answer-too-large');
    if (answer?.status === 404 || answer?.status === 410) return;
    if (answer?.status !== 200 || answer.resource === undefined) throw new ServerProblem('status', answer?.status ?? 0);
    found.set(id, { resource: answer.resource, etag: answer.etag });
  });
  return found;
}

/** Aidbox docs, page "$dump": NDJSON, not under `/fhir`. */
async function readDump(
  transport: Transport,
  type: string,
  { resourceBytesMax }: DumpRequest,
  each: (resource: DumpedResource) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = `${type}/$dump?fhir=true`;
  const headers = { accept: 'application/ndjson, application/json' };
  const answer = await transport.stream({ method: 'GET', path, headers, ...withSignal(signal) }, async (pieces) => {
    for await (const line of ndjsonLines(pieces, resourceBytesMax)) await each(dumpedResource(line));
  });
  if (answer.status !== 200) refuse(answer);
}

function dumpedResource(line: NdjsonLine): DumpedResource {
  if (line.kind === 'too-large') return line;
  return { kind: 'resource', resource: parseBytes(line.bytes), json: line.bytes.toString('utf8') };
}

const tagQuery = ({ system, code }: Pick<TaggedRequest, 'system' | 'code'>): string =>
  `_tag=${encodeURIComponent(`${system}|${code}`)}`;

/** Aidbox docs, page "_total": the number of matches, by a query of its own. One of them comes along. */
async function countFound(
  transport: Transport,
  search: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const path = `${search}&_total=accurate&_count=1`;
  const answer = await transport.request({ method: 'GET', path, ...withSignal(signal) });
  if (answer.status !== 200) refuse(answer);
  const bundle = parseAnswer(answer);
  if (!isObject(bundle) || bundle.resourceType !== 'Bundle') throw new ServerProblem('answer-malformed');
  return typeof bundle.total === 'number' ? bundle.total : undefined;
}

/** A search by a tag of ours, for ids and versions alone; the ids that it may name are our own pseudonyms, or the hub's. */
async function listTagged(
  transport: Transport,
  type: string,
  { system, code, count, page, ids: only }: TaggedRequest,
  signal: AbortSignal | undefined,
): Promise<TaggedIds> {
  const of = only === undefined ? '' : `&_id=${only.join(',')}`;
  const paged = `_sort=_id&_total=none&_count=${String(count)}&_page=${String(page)}`;
  const path = `fhir/${type}?${tagQuery({ system, code })}${of}&_elements=id,meta&${paged}`;
  const answer = await transport.request({ method: 'GET', path, ...withSignal(signal) });
  if (answer.status !== 200) refuse(answer);
  const bundle = parseAnswer(answer);
  if (!isObject(bundle) || bundle.resourceType !== 'Bundle') throw new ServerProblem('answer-malformed');
  const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
  const found = entries.flatMap((entry) => {
    const resource = isObject(entry) ? entry.resource : undefined;
    if (!isObject(resource) || resource.resourceType !== type || typeof resource.id !== 'string') return [];
    const version = isObject(resource.meta) ? resource.meta.versionId : undefined;
    return [{ id: resource.id, version: typeof version === 'string' ? version : '' }];
  });
  const links = Array.isArray(bundle.link) ? bundle.link : [];
  return {
    ids: found.map(({ id }) => id),
    versions: found.map(({ version }) => version),
    isLast: !links.some((link) => isObject(link) && link.relation === 'next'),
  };
}

/** Statuses by which a server refuses the content of a transaction, rather than the request as such. */
const contentStatuses = new Set([400, 409, 412, 413, 422]);

async function postTransaction(
  transport: Transport,
  bundle: Buffer,
  signal: AbortSignal | undefined,
): Promise<TransactionAnswer> {
  // Each entry's answer would carry the whole resource back; only its status is of use.
  const headers = { prefer: 'return=minimal' };
  const answer = await transport.request({
    method: 'POST',
    path: 'fhir',
    body: bundle,
    headers,
    ...withSignal(signal),
  });
  if (answer.status === 200) {
    return { kind: 'done', versions: versionsOf(committed(answer)) };
  }
  if (!contentStatuses.has(answer.status)) refuse(answer);
  return { kind: 'refused', status: answer.status, missing: missingTargets(answer) };
}

/** A login page or a proxy's greeting has the status 200 too, and nothing was written. */
function committed(answer: Answer): JsonObject {
  // `return=minimal` allows an empty body.
  if (answer.body.length === 0) return {};
  const body = parseAnswer(answer);
  if (!isObject(body) || body.resourceType !== 'Bundle') throw new ServerProblem('answer-malformed');
  return body;
}

/** The version that each entry's resource has now, as `meta.versionId` says it; empty where an entry does not tell. */
function versionsOf({ entry: entries }: JsonObject): string[] {
  if (!Array.isArray(entries)) return [];
  return entries.map((entry) => {
    const response = isObject(entry) && isObject(entry.response) ? entry.response : {};
    return textOf(response.etag).replace(/^(?:W\/)?"?([^"]*)"?$/, '$1');
  });
}

/** The `Type/id`s in 'Referenced resource Type/id does not exist'; they are pseudonyms or the hub's own ids. */
function missingTargets(answer: Answer): string[] {
  if (answer.status !== 422) return [];
  const text = answer.body.subarray(0, fixedLimits.problemBytesMax).toString('utf8');
  const found = text.matchAll(/Referenced resource ([A-Z][A-Za-z0-9]{0,63}\/[A-Za-z0-9\-.]{1,64}) does not exist/g);
  return [...new Set([...found].map((match) => match[1] ?? ''))];
}
