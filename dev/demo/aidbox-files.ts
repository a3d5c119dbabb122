/** Makes the doubles ready with the files of docs/aidbox, as its README tells an administrator to. */
import { readFile } from 'node:fs/promises';

import type { JsonObject } from '../../src/fhir/resource.ts';
import { type Admin, ask } from './snapshot.ts';

/** A site as its administrators see it. */
export interface NewSite {
  readonly instance: string;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** Of the site's Client. */
  readonly secret: string;
}

/** Custom resources as StructureDefinitions, or as Entities for an Aidbox without the FHIR Schema validator. */
export type TypesFile = 'types' | 'types-entity';

type Place = 'hub' | 'instance';

/** The site that the files are written for. */
const example = 'north';

/** At the hub: the custom resources, once. */
export async function defineTypes(admin: Admin, place: Place, types: TypesFile): Promise<void> {
  await ask(admin, 'POST', types === 'types' ? '/fhir' : '/', JSON.parse(await read(place, types)) as object);
}

/** At either server: the site's Client with its secret, and what it may do. */
export async function letIn(admin: Admin, place: Place, site: NewSite): Promise<void> {
  const client = JSON.parse(await forSite(place, 'client', site)) as JsonObject & { id: string };
  await ask(admin, 'PUT', `/Client/${client.id}`, { ...client, secret: site.secret });
  await ask(admin, 'POST', '/', JSON.parse(await forSite(place, 'access', site)) as object);
}

/** At the hub: the site's registration, with the digest of the policy that it may work under. */
export async function register(hub: Admin, site: NewSite, policyDigest: string): Promise<void> {
  const bundle = JSON.parse(await forSite('hub', 'registration', site)) as { entry: { resource: JsonObject }[] };
  for (const { resource } of bundle.entry) resource.policies = [policyDigest];
  await ask(hub, 'POST', '/fhir', bundle);
}

/** A file with the site's name and types in place of the example's. */
async function forSite(place: Place, name: string, site: NewSite): Promise<string> {
  const shipped = JSON.parse(await read('hub', 'registration')) as {
    entry: { resource: Record<Direction, string[]> }[];
  };
  const types = shipped.entry[0]?.resource;
  if (types === undefined) throw new Error('docs/aidbox/hub/registration.json registers nobody');
  const text = (await read(place, name)).replaceAll(example, site.instance);
  if (name === 'registration') {
    const bundle = JSON.parse(text) as { entry: { resource: JsonObject }[] };
    for (const { resource } of bundle.entry) Object.assign(resource, { up: site.up, down: site.down });
    return JSON.stringify(bundle);
  }
  return text
    .replaceAll(`(${types.up.join('|')})`, `(${site.up.join('|')})`)
    .replaceAll(`(${types.down.join('|')})`, `(${site.down.join('|')})`);
}

type Direction = 'up' | 'down';

const read = (place: Place, name: string): Promise<string> =>
  readFile(new URL(`../../docs/aidbox/${place}/${name}.json`, import.meta.url), 'utf8');
