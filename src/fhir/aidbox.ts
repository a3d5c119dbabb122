/** Aidbox as a source and as a target. Source: the vendor's 'Changes API', 'Bundle' and 'FHIR CRUD' pages. */
import { fixedLimits } from '../limits.ts';
import type { Json, JsonObject, Resource } from './resource.ts';
import type {
  ChangeSource,
  CommitTarget,
  FeedPage,
  FeedRow,
  PageRequest,
  TransactionAnswer,
  Versioned,
} from './server.ts';
import { type Answer, parseAnswer, refuse } from './http.ts';
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
    current: (type, ids, signal) => readCurrent(transport, type, ids, signal),
    async read(type, id, signal) {
      return (await readEntries(transport, type, [id], signal)).get(id);
    },
    readMany: (type, ids, signal) => readEntries(transport, type, ids, signal),
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
): Promise<EntryAnswer[]> {
  const answers: EntryAnswer[] = [];
  let most: number = fixedLimits.currentReadEntriesMax;
  for (let start = 0; start < ids.length;) {
    const piece = ids.slice(start, start + most);
    try {
      answers.push(...(await getPiece(transport, type, piece, signal)));
      start += piece.length;
    } catch (error) {
      const tooLarge = error instanceof ServerProblem && error.failure === 'answer-too-large';
      if (!tooLarge || piece.length === 1) throw error;
      most = Math.ceil(piece.length / 8);
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
): Promise<Map<string, Resource | null>> {
  const answers = await getEntries(transport, type, ids, signal);
  return new Map(
    ids.map((id, index) => {
      const answer = answers[index];
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
    if (answer?.status === 404 || answer?.status === 410) return;
    if (answer?.status !== 200 || answer.resource === undefined) throw new ServerProblem('status', answer?.status ?? 0);
    found.set(id, { resource: answer.resource, etag: answer.etag });
  });
  return found;
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
    requireCommitted(answer);
    return { kind: 'done' };
  }
  if (!contentStatuses.has(answer.status)) refuse(answer);
  return { kind: 'refused', status: answer.status, missing: missingTargets(answer) };
}

/** A login page or a proxy's greeting has the status 200 too, and nothing was written. */
function requireCommitted(answer: Answer): void {
  // `return=minimal` allows an empty body.
  if (answer.body.length === 0) return;
  const body = parseAnswer(answer);
  if (!isObject(body) || body.resourceType !== 'Bundle') throw new ServerProblem('answer-malformed');
}

/** The `Type/id`s in 'Referenced resource Type/id does not exist'; they are pseudonyms or the hub's own ids. */
function missingTargets(answer: Answer): string[] {
  if (answer.status !== 422) return [];
  const text = answer.body.subarray(0, fixedLimits.problemBytesMax).toString('utf8');
  const found = text.matchAll(/Referenced resource ([A-Z][A-Za-z0-9]{0,63}\/[A-Za-z0-9\-.]{1,64}) does not exist/g);
  return [...new Set([...found].map((match) => match[1] ?? ''))];
}
