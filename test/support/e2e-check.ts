/**
 * Holds a hub against an instance, by other means than the product: what should be there is computed from the
 * instance's resources by a few lines that know nothing of policies, batches or cursors. Of the product's code only
 * the pseudonym is used, which cannot be guessed.
 */
import { readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { pseudonymId } from '../../src/deid/pseudonym.ts';
import type { Json, JsonObject, Resource } from '../../src/fhir/resource.ts';
import { removedMembers } from './e2e-data.ts';
import type { E2eSite, E2eWorld } from './e2e-world.ts';

export interface CheckOptions {
  /** Members that the site's policy removes, by type. */
  readonly removed?: Readonly<Record<string, readonly string[]>>;
  /** Each resource was written to the target once, and no more: no effect twice. */
  readonly writtenOnce?: boolean;
  /** State and staging lie on servers, where the test looks itself. */
  readonly stores?: 'elsewhere';
}

/** What is wrong, in words; nothing where the targets are what they should be and the site is at rest. */
export function differences(world: E2eWorld, site: E2eSite, options: CheckOptions = {}): string[] {
  const found: string[] = [];
  for (const { direction, type } of site.config.streams) {
    found.push(
      ...(direction === 'up' ? upDifferences(world, site, type, options) : downDifferences(world, site, type, options)),
    );
    const source = direction === 'up' ? site.source : world.hub;
    const target = direction === 'up' ? world.hub : site.source;
    const head = source.store.head(type);
    const cursor = target.read('ChangesInfo', `${site.instance}.${direction}.${type}`);
    if (head !== undefined && cursor?.version !== head)
      found.push(`${direction} ${type}: cursor at ${JSON.stringify(cursor?.version)}, head at ${String(head)}`);
  }
  return options.stores === 'elsewhere' ? found : [...found, ...leftovers(site)];
}

/** Staged batches, and what is parked, quarantined or claimed in the site's state. */
export function leftovers(site: E2eSite): string[] {
  const found = readdirSync(site.config.stagingFolder).map((name) => `staging holds ${name}`);
  const state = new DatabaseSync(site.config.stateFile, { readOnly: true });
  try {
    for (const table of ['parked', 'quarantine']) {
      const { rows } = state.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number };
      if (rows > 0) found.push(`${String(rows)} resources in ${table}`);
    }
    for (const { type } of state.prepare("SELECT type FROM streams WHERE open_commit <> ''").all())
      found.push(`${String(type)}: a commit is open`);
  } finally {
    state.close();
  }
  return found;
}

/** The id that a site's resource has at the hub. */
export function hubId(site: E2eSite, type: string, id: string): string {
  const { pseudonym } = site.config.keys;
  const keys = { pseudonymKeyVersion: pseudonym.currentVersion, pseudonymKey: pseudonym.key(pseudonym.currentVersion) };
  return pseudonymId(keys, site.instance, type, id);
}

/** What the hub should hold of an instance's resource, `meta` aside. */
export function deidentified(site: E2eSite, resource: Resource, removed: readonly string[]): JsonObject {
  const upTypes = new Set(site.config.streams.filter((s) => s.direction === 'up').map((s) => s.type));
  const rewrite = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        if (key !== 'reference' || typeof member !== 'string') return [key, rewrite(member)];
        const [type = '', id = ''] = member.split('/');
        return [key, upTypes.has(type) ? `${type}/${hubId(site, type, id)}` : member];
      }),
    );
  };
  const kept = Object.entries(resource).filter(([key]) => key !== 'meta' && !removed.includes(key));
  const out = rewrite(Object.fromEntries(kept)) as JsonObject;
  return { ...out, id: hubId(site, resource.resourceType, resource.id ?? '') };
}

const originOf = (resource: Resource): Json | undefined => tagOf(resource, 'urn:fhir-sluice:origin');

function tagOf(resource: Resource, system: string): Json | undefined {
  const tags = ((resource.meta as JsonObject | undefined)?.tag ?? []) as JsonObject[];
  return tags.find((tag) => tag.system === system)?.code;
}

/** With members in one order, and without the server's own. */
function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]): [string, Json] => [key, canonical(member)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const text = ({ meta: _meta, ...resource }: JsonObject): string => JSON.stringify(canonical(resource));

function upDifferences({ hub }: E2eWorld, site: E2eSite, type: string, options: CheckOptions): string[] {
  const found: string[] = [];
  const removed = (options.removed ?? removedMembers)[type] ?? ['note', 'text'];
  const expected = new Map(
    site.source.list(type).map((resource) => [hubId(site, type, resource.id ?? ''), resource] as const),
  );
  const present = hub.list(type).filter((resource) => originOf(resource) === site.instance);
  for (const resource of present) {
    const id = resource.id ?? '';
    const source = expected.get(id);
    if (source === undefined) {
      found.push(`${type}/${id} is at the hub, but not at the instance`);
      continue;
    }
    expected.delete(id);
    if (text(resource) !== text(deidentified(site, source, removed)))
      found.push(`${type}/${source.id ?? ''} is another at the hub: ${text(resource)}`);
    if (tagOf(resource, 'urn:fhir-sluice:policy') !== site.policyDigest)
      found.push(`${type}/${source.id ?? ''} follows another policy at the hub`);
    const versions = hub.store.versions(type, id).length;
    if (options.writtenOnce === true && versions !== 1)
      found.push(`${type}/${source.id ?? ''} was written ${String(versions)} times`);
    found.push(...dangling(hub, resource));
  }
  for (const source of expected.values()) found.push(`${type}/${source.id ?? ''} is missing at the hub`);
  return found;
}

function downDifferences({ hub }: E2eWorld, site: E2eSite, type: string, options: CheckOptions): string[] {
  const found: string[] = [];
  const present = new Map(site.source.list(type).map((resource) => [resource.id ?? '', resource]));
  for (const resource of hub.list(type)) {
    const id = resource.id ?? '';
    const copy = present.get(id);
    present.delete(id);
    if (copy === undefined || text(copy) !== text(resource)) found.push(`${type}/${id} is not the hub's`);
    else if (originOf(copy) !== 'hub') found.push(`${type}/${id} does not say where it is from`);
    if (options.writtenOnce === true && site.source.store.versions(type, id).length !== 1)
      found.push(`${type}/${id} was written more than once`);
  }
  for (const id of present.keys()) found.push(`${type}/${id} is at the instance, but not at the hub`);
  return found;
}

function dangling(hub: E2eWorld['hub'], resource: Resource): string[] {
  const references = JSON.stringify(resource).matchAll(/"reference":"([^"/]+)\/([^"/]+)"/g);
  return [...references].flatMap(([, type = '', id = '']) =>
    hub.read(type, id) === undefined ? [`${resource.resourceType} refers to ${type}/${id}, which is not there`] : [],
  );
}

/** Versions that the hub holds of an instance's data: grows with each effect. */
export function hubVersions({ hub }: E2eWorld, site: E2eSite): number {
  let count = 0;
  for (const { direction, type } of site.config.streams) {
    if (direction !== 'up') continue;
    for (const version of hub.store.rows(type)) {
      if (version.json.includes(`"code":"${site.instance}"`)) count += 1;
    }
  }
  return count;
}
