/** Everything that a server holds, read over HTTP by an administrator: what the verification compares. */
import type { JsonObject, Resource } from '../../src/fhir/resource.ts';

/** One version of a resource, the newest or an older one. */
export interface SnapshotVersion {
  readonly type: string;
  readonly id: string;
  /** The server's txid. */
  readonly version: number;
  readonly deleted: boolean;
  readonly resource: Resource;
}

export interface Snapshot {
  /** Every version of every resource of every type, oldest first. */
  readonly versions: readonly SnapshotVersion[];
}

/** What stands in a snapshot now, by `Type/id`. */
export type Present = ReadonlyMap<string, Resource>;

export interface Admin {
  readonly url: string;
  readonly client: string;
  readonly secret: string;
}

/** Types that are not in a CapabilityStatement: custom ones, and the server's own. */
const furtherTypes = ['ChangesInfo', 'AidboxInstance', 'AccessPolicy', 'Client', 'Entity', 'User', 'Role', 'Session'];
const requestsInFlight = 8;
const rowsMax = 1_000_000;

/** Reads every version of every resource of all types that the server says it knows. */
export async function takeSnapshot(admin: Admin): Promise<Snapshot> {
  const { body } = await ask(admin, 'GET', '/fhir/metadata');
  const known = (body.rest as { resource: { type: string }[] }[]).flatMap(({ resource }) => resource);
  const types = [...new Set([...known.map(({ type }) => type), ...furtherTypes])];
  const versions: SnapshotVersion[] = [];
  const next = types.values();
  const reader = async (): Promise<void> => {
    for (const type of next) versions.push(...(await historyOf(admin, type)));
  };
  await Promise.all(Array.from({ length: requestsInFlight }, reader));
  return { versions: versions.sort((a, b) => a.version - b.version) };
}

/** The resources that are there now. */
export function present(snapshot: Snapshot): Present {
  const now = new Map<string, Resource>();
  for (const { type, id, deleted, resource } of snapshot.versions) {
    if (deleted) now.delete(`${type}/${id}`);
    else now.set(`${type}/${id}`, resource);
  }
  return now;
}

/** A request by an administrator; an answer that is no success is an error that names the request. */
export async function ask(
  { url, client, secret }: Admin,
  method: string,
  path: string,
  resource?: object,
  allowed: readonly number[] = [],
): Promise<{ status: number; body: JsonObject }> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${client}:${secret}`)}`, 'content-type': 'application/json' },
    ...(resource && { body: JSON.stringify(resource) }),
  });
  const text = await response.text();
  if (!response.ok && !allowed.includes(response.status))
    throw new Error(`${method} ${path} at ${url} was refused: ${String(response.status)} ${text.slice(0, 300)}`);
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as JsonObject) };
}

interface HistoryEntry {
  readonly request: { readonly method: string };
  readonly response: { readonly etag: string };
  readonly resource: Resource;
}

async function historyOf(admin: Admin, type: string): Promise<SnapshotVersion[]> {
  // A type that the server does not know has no history.
  const { status, body } = await ask(
    admin,
    'GET',
    `/fhir/${type}/_history?_count=${String(rowsMax)}`,
    undefined,
    [404],
  );
  if (status === 404) return [];
  const entries = body.entry as unknown as readonly HistoryEntry[];
  if (entries.length !== body.total) throw new Error(`${type}: the server sent a part of its history`);
  return entries.map(({ request, response, resource }) => ({
    type,
    id: resource.id ?? '',
    version: Number(response.etag.replace(/\D/g, '')),
    deleted: request.method === 'DELETE',
    resource,
  }));
}
