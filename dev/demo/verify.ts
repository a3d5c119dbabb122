/**
 * Is the hub right? Compares snapshots of the servers, and shares nothing with the steps that filled the hub but the
 * function that makes pseudonyms. Pure: snapshots in, checks out.
 */
import { type DeidKeys, hubOrigin, tagSystems } from '../../src/deid/engine.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import type { Json, JsonObject, Resource } from '../../src/fhir/resource.ts';
import { identifying, leaks, members, texts } from './phi-scan.ts';
import { type Present, present, type Snapshot, type SnapshotVersion } from './snapshot.ts';

/** One instance, with what the verification has to know of its configuration. */
export interface SiteView {
  readonly instance: string;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** The pseudonym key in force. */
  readonly keys: DeidKeys;
  readonly policyDigest: string;
  /** Whether the site's extra step drops the text of devices (examples/steps/drop-device-text.ts). */
  readonly dropsDeviceText: boolean;
  /** What was deleted here when the hub had it already, as `Type/id`. */
  readonly deletedLater: readonly string[];
  readonly server: Snapshot;
}

export interface World {
  readonly hub: Snapshot;
  readonly sites: readonly SiteView[];
}

export interface Check {
  readonly name: string;
  /** What was compared, in numbers. */
  readonly counts: string;
  /** What is wrong, each as a line without data of a person. */
  readonly problems: readonly string[];
}

/** All checks, in the order in which they are told. */
export function verify(world: World): Check[] {
  const hub = present(world.hub);
  const sites = world.sites.map((site): Known => ({ ...site, now: present(site.server) }));
  return [
    ...sites.map((site) => sameIds(site, hub)),
    noStrangers(sites, hub),
    ...sites.map((site) => sameContent(site, hub)),
    ...sites.map((site) => deletesArrived(site, world.hub)),
    ...sites.map((site) => downIsEqual(site, hub)),
    extraStepDidItsWork(sites, hub),
    referencesResolve(hub),
    ...sites.map((site) => cursorsAgree(site, world.hub)),
    noPersonInTheHub(sites, world.hub),
    noSourceIdInTheHub(sites, world.hub),
  ];
}

/** A stream as its operator sees it. */
export interface StreamView {
  readonly instance: string;
  readonly direction: string;
  readonly type: string;
  readonly state: string;
  readonly totals?: { readonly parked: number; readonly quarantined: number };
}

/** Nothing is under way, waits, or was refused. */
export function streamsAtRest(streams: readonly StreamView[]): Check {
  const problems = streams.flatMap(({ instance, direction, type, state, totals }) => {
    const left = (totals?.parked ?? 0) + (totals?.quarantined ?? 0);
    if (state === 'current' && left === 0) return [];
    return [`${instance} ${direction} ${type}: ${state}, ${count(left, 'resources parked or quarantined')}`];
  });
  return {
    name: 'every stream is caught up, nothing parked or quarantined',
    counts: count(streams.length, 'streams'),
    problems,
  };
}

type Known = SiteView & { readonly now: Present };

const count = (many: number, what: string): string => `${many.toLocaleString('en')} ${what}`;
const keyOf = ({ resourceType, id = '' }: Resource): string => `${resourceType}/${id}`;
const lacking = (from: ReadonlySet<string>, others: ReadonlySet<string>): number =>
  [...from].filter((key) => !others.has(key)).length;
const ofTypes = (now: Present, types: readonly string[]): Resource[] => {
  const wanted = new Set(types);
  return [...now.values()].filter(({ resourceType }) => wanted.has(resourceType));
};
const pseudonymKeyOf = ({ keys, instance }: SiteView, type: string, id: string): string =>
  `${type}/${pseudonymId(keys, instance, type, id)}`;

function originOf(resource: Resource): string | undefined {
  const codes = members(resource.meta ?? null, 'tag')
    .flat()
    .flatMap((tag) => (isObject(tag) && tag.system === tagSystems.origin ? [tag.code] : []));
  return codes.length === 1 && typeof codes[0] === 'string' ? codes[0] : undefined;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Counts and ids, type by type: what stands at the instance stands in the hub under its pseudonym, and nothing else. */
function sameIds(site: Known, hub: Present): Check {
  const problems: string[] = [];
  const here = Map.groupBy(ofTypes(site.now, site.up), ({ resourceType }) => resourceType);
  const there = Map.groupBy(
    [...hub.values()].filter((resource) => originOf(resource) === site.instance),
    ({ resourceType }) => resourceType,
  );
  let resources = 0;
  for (const type of new Set([...here.keys(), ...there.keys()])) {
    const expected = new Set((here.get(type) ?? []).map(({ id = '' }) => pseudonymKeyOf(site, type, id)));
    const found = new Set((there.get(type) ?? []).map(keyOf));
    const missing = lacking(expected, found);
    const surplus = lacking(found, expected);
    resources += found.size;
    if (missing + surplus > 0)
      problems.push(
        `${type}: ${String(expected.size)} at the instance, ${String(found.size)} in the hub; ` +
          `${String(missing)} missing, ${String(surplus)} that should not be there`,
      );
  }
  if (here.size === 0) problems.push('the instance holds nothing to compare');
  const name = `what ${site.instance} holds stands in the hub, id by id`;
  return { name, counts: `${count(resources, 'resources')} of ${count(here.size, 'types')}`, problems };
}

/** Every resource of a type that goes up says which instance it is from. */
function noStrangers(sites: readonly Known[], hub: Present): Check {
  const known = new Set(sites.map(({ instance }) => instance));
  const tagged = ofTypes(hub, [...new Set(sites.flatMap(({ up }) => up))]);
  const problems = tagged
    .filter((resource) => !known.has(originOf(resource) ?? ''))
    .map((resource) => `${keyOf(resource)} says of no instance that it is from there`);
  return { name: 'everything in the hub says where it is from', counts: count(tagged.length, 'resources'), problems };
}

/** Members that the demo's policy leaves as they are, for seeing whether the newest state arrived. */
const plainMembers = [
  'active',
  'class',
  'code',
  'criticality',
  'deceasedBoolean',
  'effectiveDateTime',
  'gender',
  'intent',
  'onsetDateTime',
  'priority',
  'sent',
  'status',
  'valueQuantity',
  'valueCodeableConcept',
] as const;

/** Days of birth, by patient. */
const birthDates = (site: Known): ReadonlyMap<string, Json | undefined> =>
  new Map(ofTypes(site.now, ['Patient']).map((patient) => [keyOf(patient), patient.birthDate]));

/** A plain member at the hub: as at the instance, but that the leak guard takes a day which is the patient's day of birth. */
function expected(
  source: Resource,
  member: (typeof plainMembers)[number],
  births: ReadonlyMap<string, Json | undefined>,
): Json | undefined {
  const value = source[member];
  const person = source.subject ?? source.patient;
  const birth = isObject(person) && typeof person.reference === 'string' ? births.get(person.reference) : undefined;
  const isBirth = typeof value === 'string' && typeof birth === 'string' && value.startsWith(birth);
  return isBirth && member.endsWith('DateTime') ? undefined : value;
}

/** The newest state arrived, as far as it is told by members that no rule touches; and it carries the policy's digest. */
function sameContent(site: Known, hub: Present): Check {
  const problems: string[] = [];
  const births = birthDates(site);
  let compared = 0;
  for (const source of ofTypes(site.now, site.up)) {
    const { resourceType, id = '' } = source;
    const written = hub.get(pseudonymKeyOf(site, resourceType, id));
    if (written === undefined) continue; // told by the check of ids
    for (const member of plainMembers) {
      if (source[member] === undefined && written[member] === undefined) continue;
      compared += 1;
      if (canonical(expected(source, member, births)) !== canonical(written[member]))
        problems.push(`${keyOf(written)}: ${member} is not what it is at the instance`);
    }
    const digests = members(written.meta ?? null, 'tag')
      .flat()
      .flatMap((tag) => (isObject(tag) && tag.system === tagSystems.policy ? [tag.code] : []));
    if (digests.length !== 1 || digests[0] !== site.policyDigest)
      problems.push(`${keyOf(written)}: not written under the policy in force`);
  }
  const name = `${site.instance}'s newest states stand in the hub, under the policy in force`;
  return { name, counts: count(compared, 'plain values'), problems };
}

/** What was deleted at the instance is not in the hub; what the hub had was deleted there, under its pseudonym. */
function deletesArrived(site: Known, hub: Snapshot): Check {
  const up = new Set(site.up);
  const pseudonymOf = (key: string): string => {
    const [type = '', id = ''] = key.split('/');
    return pseudonymKeyOf(site, type, id);
  };
  const gone = site.server.versions
    .filter(({ type, id, deleted }) => deleted && up.has(type) && !site.now.has(`${type}/${id}`))
    .map(({ type, id }) => `${type}/${id}`);
  const keys = new Set([...gone, ...site.deletedLater].map(pseudonymOf));
  const last = new Map<string, SnapshotVersion>();
  for (const version of hub.versions) last.set(`${version.type}/${version.id}`, version);
  const problems = [...keys]
    .filter((key) => last.get(key)?.deleted === false)
    .map((key) => `${key} was deleted at the instance and stands in the hub`);
  for (const key of site.deletedLater.map(pseudonymOf))
    if (!last.has(key)) problems.push(`${key} was deleted at the instance, and the hub never had it`);
  if (keys.size === 0) problems.push('nothing was deleted at the instance: nothing is proved');
  const counts = `${count(keys.size, 'deletes')}, ${count(site.deletedLater.length, 'of them after the first load')}`;
  return { name: `what ${site.instance} deleted is not in the hub`, counts, problems };
}

/** Reference data: the instance holds what the hub holds, id by id and word by word. */
function downIsEqual(site: Known, hub: Present): Check {
  const here = new Map(ofTypes(site.now, site.down).map((resource) => [keyOf(resource), resource] as const));
  const there = new Map(ofTypes(hub, site.down).map((resource) => [keyOf(resource), resource] as const));
  const problems: string[] = [];
  for (const [key, resource] of there) {
    const copy = here.get(key);
    if (copy === undefined) problems.push(`${key} of the hub is not at the instance`);
    else if (canonical(withoutMeta(copy)) !== canonical(withoutMeta(resource)))
      problems.push(`${key} is not what it is in the hub`);
    else if (originOf(copy) !== hubOrigin) problems.push(`${key} does not say that it is the hub's`);
  }
  for (const key of here.keys()) if (!there.has(key)) problems.push(`${key} is at the instance and not in the hub`);
  if (there.size === 0) problems.push('the hub holds no reference data: nothing is proved');
  return {
    name: `${site.instance} holds the hub's ${site.down.join(' and ')}`,
    counts: count(there.size, 'resources'),
    problems,
  };
}

/** Servers add to `meta`; the rest is the resource's own. */
function withoutMeta({ meta: _meta, ...rest }: Resource): JsonObject {
  return rest;
}

/** JSON with the members of each object in one order. */
const canonical = (value: Json = null): string =>
  JSON.stringify(value, (_key, member: Json) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  );

/** The site with the extra step has devices without text in the hub; the other sites' have it. */
function extraStepDidItsWork(sites: readonly Known[], hub: Present): Check {
  const problems: string[] = [];
  let texted = 0;
  for (const site of sites)
    for (const device of ofTypes(site.now, ['Device'])) {
      const text = textOf(device);
      if (text === undefined) continue;
      texted += 1;
      const written = hub.get(pseudonymKeyOf(site, 'Device', device.id ?? ''));
      if (written !== undefined && (textOf(written) === undefined) !== site.dropsDeviceText)
        problems.push(`${keyOf(written)} ${site.dropsDeviceText ? 'has' : 'lacks'} the text of its type`);
    }
  const stepping = sites.filter(({ dropsDeviceText }) => dropsDeviceText).map(({ instance }) => instance);
  if (texted === 0) problems.push('no device has a text: nothing is proved');
  const name = `the extra step took the text of devices at ${stepping.join(', ') || 'no instance'} alone`;
  return { name, counts: count(texted, 'devices'), problems };
}

const textOf = ({ type }: Resource): Json | undefined => (isObject(type) ? type.text : undefined);

/** Every literal reference leads somewhere: into the hub, or into its own resource. */
function referencesResolve(hub: Present): Check {
  let references = 0;
  const problems: string[] = [];
  for (const [key, resource] of hub) {
    const local = new Set(
      members(resource, 'contained')
        .flat()
        .flatMap((one) => (isObject(one) ? [one.id] : [])),
    );
    for (const literal of members(resource, 'reference').flatMap(texts)) {
      references += 1;
      const there = literal.startsWith('#') ? literal === '#' || local.has(literal.slice(1)) : hub.has(literal);
      if (!there) problems.push(`${key} points at ${literal}, which is not there`);
    }
  }
  if (references === 0) problems.push('there is no reference: nothing is proved');
  return { name: 'every reference in the hub resolves', counts: count(references, 'references'), problems };
}

/** The cursors stand at the newest version of their source, and count at least what stands in the target. */
function cursorsAgree(site: Known, hub: Snapshot): Check {
  const problems: string[] = [];
  const streams = [
    ...site.up.map((type) => ({ direction: 'up', type, source: site.server, target: hub })),
    ...site.down.map((type) => ({ direction: 'down', type, source: hub, target: site.server })),
  ];
  const newest = new Map([site.server, hub].map((server) => [server, newestOf(server)] as const));
  const now = new Map([site.server, hub].map((server) => [server, present(server)] as const));
  let cursors = 0;
  for (const { direction, type, source, target } of streams) {
    const head = newest.get(source)?.get(type);
    if (head === undefined) continue; // a type that never had a resource needs no cursor
    const id = `${site.instance}.${direction}.${type}`;
    const cursor = now.get(target)?.get(`ChangesInfo/${id}`);
    if (cursor === undefined) {
      problems.push(`there is no cursor ${id}`);
      continue;
    }
    cursors += 1;
    if (
      cursor.kind !== 'cursor' ||
      cursor.instance !== site.instance ||
      cursor.direction !== direction ||
      cursor.type !== type
    )
      problems.push(`${id} is not the cursor of its stream`);
    if (cursor.version !== head)
      problems.push(`${id} stands at ${canonical(cursor.version)}, its source at ${String(head)}`);
    if (direction === 'up' && cursor.policy !== site.policyDigest) problems.push(`${id} names another policy`);
  }
  const wanted = new Set(streams.map(({ direction, type }) => `${site.instance}.${direction}.${type}`));
  for (const server of [site.server, hub])
    for (const resource of now.get(server)?.values() ?? [])
      if (
        resource.resourceType === 'ChangesInfo' &&
        resource.kind === 'cursor' &&
        resource.instance === site.instance &&
        !wanted.has(resource.id ?? '')
      )
        problems.push(`${resource.id ?? ''} is the cursor of no stream`);
  const name = `${site.instance}'s cursors stand at their sources' newest versions`;
  return { name, counts: count(cursors, 'cursors'), problems };
}

function newestOf(server: Snapshot): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { type, version } of server.versions) newest.set(type, Math.max(version, newest.get(type) ?? 0));
  return newest;
}

/** Nobody of any instance, in any state it ever had, is named anywhere in the hub, in any version of any type. */
function noPersonInTheHub(sites: readonly Known[], hub: Snapshot): Check {
  const needles = identifying(sites.flatMap(({ server, up }) => sourceVersions(server, up)));
  const written = sinceSitesWrite(hub);
  const found = leaks(
    needles,
    written.flatMap(({ resource }) => texts(resource)),
  );
  const leaked = new Set(found.map(({ text }) => text));
  const problems = written
    .filter(({ resource }) => leaked.size > 0 && texts(resource).some((text) => leaked.has(text)))
    .map(({ type, id, version }) => `${type}/${id} in version ${String(version)} holds what names somebody`);
  if (needles.size === 0) problems.push('the instances name nobody: nothing is proved');
  const what = 'names, identifiers, phones, e-mails and address lines';
  const counts = `${count(needles.size, what)} in ${count(written.length, 'versions')}`;
  return { name: 'nobody is named anywhere in the hub', counts, problems };
}

/** What the hub held before a site first wrote cannot come from one: its states are called Georgia and Washington. */
function sinceSitesWrite(hub: Snapshot): readonly SnapshotVersion[] {
  const first = hub.versions.findIndex(
    ({ type, resource }) => type === 'ChangesInfo' || originOf(resource) !== undefined,
  );
  return first < 0 ? [] : hub.versions.slice(first);
}

const sourceVersions = (server: Snapshot, types: readonly string[]): Resource[] =>
  server.versions.filter(({ type }) => types.includes(type)).map(({ resource }) => resource);

/** No id and no reference of a source stands in the hub as it was. */
function noSourceIdInTheHub(sites: readonly Known[], hub: Snapshot): Check {
  const ids = new Set(
    sites.flatMap(({ server, up }) => server.versions.filter(({ type }) => up.includes(type)).map(keyOfVersion)),
  );
  const source = new Set([...ids].flatMap((key) => [key, key.slice(key.indexOf('/') + 1)]));
  const problems = hub.versions
    .filter(({ resource }) => texts(resource).some((text) => source.has(text)))
    .map(({ type, id, version }) => `${type}/${id} in version ${String(version)} holds an id of an instance`);
  const counts = `${count(ids.size, 'ids')} in ${count(hub.versions.length, 'versions')}`;
  return { name: 'no id of an instance stands anywhere in the hub', counts, problems };
}

const keyOfVersion = ({ type, id }: SnapshotVersion): string => `${type}/${id}`;
