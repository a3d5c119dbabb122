/** The demo's verification finds what is wrong: each check against a hub that somebody tampered with. */
import { describe, expect, it } from '@jest/globals';

import { reportText } from '../../dev/demo/report.ts';
import { Screen } from '../../dev/demo/screen.ts';
import type { Snapshot, SnapshotVersion } from '../../dev/demo/snapshot.ts';
import { type SiteView, streamsAtRest, verify, type World } from '../../dev/demo/verify.ts';
import { tagSystems } from '../../src/deid/engine.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import dropDeviceText from '../../examples/steps/drop-device-text.ts';

type Named = Resource & { id: string };
const policyDigest = 'd'.repeat(64);

const version = (number: number, resource: Named, deleted = false): SnapshotVersion => ({
  type: resource.resourceType,
  id: resource.id,
  version: number,
  deleted,
  resource,
});

const tagged = (resource: Named, ...tags: [system: string, code: string][]): Named => ({
  ...resource,
  meta: { tag: tags.map(([system, code]) => ({ system, code })) },
});

const state: Named = { resourceType: 'Location', id: 'state-us-wa', name: 'Washington' };

function siteOf(instance: string, keyByte: number): { site: SiteView; inHub: SnapshotVersion[] } {
  const keys = { pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(keyByte) };
  const at = (type: string, id: string): string => pseudonymId(keys, instance, type, id);
  const patient: Named = {
    resourceType: 'Patient',
    id: 'p',
    gender: 'female',
    name: [{ family: 'Quillfeather', given: ['Li'] }, { family: 'Washington' }],
    identifier: [{ value: `MRN-${instance}-1` }],
    telecom: [{ system: 'phone', value: '617-555-0143' }],
    address: [{ line: ['48 Lanternfish Row'] }],
  };
  const gone: Named = { resourceType: 'Observation', id: 'gone', status: 'final' };
  const observation: Named = {
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    subject: { reference: 'Patient/p' },
    performer: [{ reference: 'Location/state-us-wa' }],
  };
  const device: Named = { resourceType: 'Device', id: 'd', type: { text: 'pump', coding: [{ code: '1' }] } };
  const tags = [
    [tagSystems.origin, instance],
    [tagSystems.policy, policyDigest],
  ] as [string, string][];
  const cursor = (direction: string, type: string, number: number): Named => ({
    resourceType: 'ChangesInfo',
    id: `${instance}.${direction}.${type}`,
    kind: 'cursor',
    instance,
    direction,
    type,
    version: number,
    policy: policyDigest,
  });
  const site: SiteView = {
    instance,
    up: ['Patient', 'Observation', 'Device'],
    down: ['Location'],
    keys,
    policyDigest,
    dropsDeviceText: instance === 'north',
    deletedLater: ['Observation/gone'],
    server: {
      versions: [
        version(1, patient),
        version(2, observation),
        version(3, gone),
        version(4, device),
        version(5, tagged(state, [tagSystems.origin, 'hub'])),
        version(6, cursor('down', 'Location', 1)),
        version(7, gone, true),
      ],
    },
  };
  const written = [
    { resourceType: 'Patient', id: at('Patient', 'p'), gender: 'female' },
    {
      resourceType: 'Observation',
      id: at('Observation', 'o'),
      status: 'final',
      subject: { reference: `Patient/${at('Patient', 'p')}` },
      performer: [{ reference: 'Location/state-us-wa' }],
    },
    { resourceType: 'Observation', id: at('Observation', 'gone'), status: 'final' },
    {
      resourceType: 'Device',
      id: at('Device', 'd'),
      type: { ...(instance === 'south' && { text: 'pump' }), coding: [{ code: '1' }] },
    },
  ] satisfies Named[];
  const first = keyByte * 100;
  const inHub = [
    ...written.map((resource, index) => version(first + index, tagged(resource, ...tags))),
    version(first + 10, written[2]!, true),
    version(first + 11, cursor('up', 'Patient', 1)),
    version(first + 12, cursor('up', 'Observation', 7)),
    version(first + 13, cursor('up', 'Device', 4)),
  ];
  return { site, inHub };
}

function rightWorld(): World {
  const [north, south] = [siteOf('north', 1), siteOf('south', 2)];
  return { hub: { versions: [version(1, state), ...north.inHub, ...south.inHub] }, sites: [north.site, south.site] };
}

/** Names of the checks that fail. */
const failing = (world: World): string[] =>
  verify(world)
    .filter(({ problems }) => problems.length > 0)
    .map(({ name }) => name);

const withHub = (world: World, change: (versions: SnapshotVersion[]) => SnapshotVersion[]): World => ({
  ...world,
  hub: { versions: change([...world.hub.versions]) },
});

const withSite = (world: World, change: (versions: SnapshotVersion[]) => SnapshotVersion[]): World => {
  const [north, ...others] = world.sites;
  return { ...world, sites: [{ ...north!, server: { versions: change([...north!.server.versions]) } }, ...others] };
};

const inHub = (world: World, type: string): SnapshotVersion =>
  world.hub.versions.find((one) => one.type === type && one.version > 1 && !one.deleted)!;

/** A hub in which the newest version of north's resource of a type has other members. */
const tampered = (type: string, members: object): World =>
  withHub(rightWorld(), (versions) => {
    const old = inHub({ hub: { versions }, sites: [] }, type);
    return [...versions, version(999, { ...old.resource, ...members } as Named)];
  });

const sameIds = 'what north holds stands in the hub, id by id';
const content = "north's newest states stand in the hub, under the policy in force";
const deletes = 'what north deleted is not in the hub';
const down = "north holds the hub's Location";
const references = 'every reference in the hub resolves';
const cursors = "north's cursors stand at their sources' newest versions";
const nobody = 'nobody is named anywhere in the hub';
const noIds = 'no id of an instance stands anywhere in the hub';
const origin = 'everything in the hub says where it is from';
const step = 'the extra step took the text of devices at north alone';

describe('the verification of the demo', () => {
  it('finds nothing wrong with a hub that is right', () => {
    expect(failing(rightWorld())).toEqual([]);
    expect(verify(rightWorld())).toHaveLength(15);
  });

  it('finds a resource that is missing, and one too many', () => {
    const missing = withHub(rightWorld(), (versions) =>
      versions.filter((one) => one !== inHub({ hub: { versions }, sites: [] }, 'Device')),
    );
    expect(failing(missing)).toEqual([sameIds]);
    const surplus = withHub(rightWorld(), (versions) => [
      ...versions,
      version(999, tagged({ resourceType: 'Patient', id: 'other' }, [tagSystems.origin, 'north'])),
    ]);
    expect(failing(surplus)).toEqual([sameIds]);
  });

  it('finds pseudonyms of another instance', () => {
    const world = rightWorld();
    const [north, south] = world.sites;
    const swapped = { ...world, sites: [{ ...north!, keys: south!.keys }, south!] };
    expect(failing(swapped)).toContain(sameIds);
  });

  it('finds what does not say where it is from', () => {
    expect(failing(tampered('Device', { meta: {} }))).toEqual(expect.arrayContaining([sameIds, origin, content]));
    expect(failing(tampered('Device', { meta: { tag: [{ system: tagSystems.origin, code: 'west' }] } }))).toContain(
      origin,
    );
  });

  it('finds an old state, and one of another policy', () => {
    expect(failing(tampered('Patient', { gender: 'male' }))).toEqual([content]);
    const { meta } = inHub(rightWorld(), 'Patient').resource;
    const tag = (meta as { tag: object[] }).tag[0]!;
    const other = { meta: { tag: [tag, { system: tagSystems.policy, code: 'e'.repeat(64) }] } };
    expect(failing(tampered('Patient', other as object))).toEqual([content]);
  });

  it('finds a delete that did not arrive, and one that the hub never knew of', () => {
    const undeleted = withHub(rightWorld(), (versions) => versions.filter(({ deleted }) => !deleted));
    expect(failing(undeleted)).toContain(deletes);
    const id = rightWorld().hub.versions.find(({ deleted }) => deleted)!.id;
    const unknown = withHub(rightWorld(), (versions) => versions.filter((one) => one.id !== id));
    expect(failing(unknown)).toEqual([deletes]);
    const nothing = withSite(rightWorld(), (versions) => versions.filter((one) => one.id !== 'gone'));
    const [north, ...others] = nothing.sites;
    expect(failing({ ...nothing, sites: [{ ...north!, deletedLater: [] }, ...others] })).toContain(deletes);
  });

  it('finds reference data that is missing, different, surplus, or not told to be the hub’s', () => {
    const changed = (members: object): World =>
      withSite(rightWorld(), (versions) =>
        versions.map((one) => (one.type === 'Location' ? { ...one, resource: { ...one.resource, ...members } } : one)),
      );
    expect(failing(changed({ name: 'Oregon' }))).toEqual([down]);
    expect(failing(changed({ meta: {} }))).toEqual([down]);
    expect(failing(withSite(rightWorld(), (versions) => versions.filter(({ type }) => type !== 'Location')))).toEqual([
      down,
    ]);
    const extra: Named = { resourceType: 'Location', id: 'ward' };
    expect(failing(withSite(rightWorld(), (versions) => [...versions, version(9, extra)]))).toEqual([down]);
  });

  it('finds a reference that leads nowhere', () => {
    const dangling = { performer: [{ reference: 'Location/nowhere' }] };
    expect(failing(tampered('Observation', dangling))).toEqual([references]);
    expect(failing(tampered('Observation', { performer: [{ reference: '#local' }] }))).toEqual([references]);
    const local = { performer: [{ reference: '#local' }], contained: [{ resourceType: 'Device', id: 'local' }] };
    expect(failing(tampered('Observation', local))).toEqual([]);
    expect(
      failing(
        tampered('Observation', { performer: [{ reference: 'https://elsewhere.example/Location/state-us-wa' }] }),
      ),
    ).toEqual([references]);
  });

  it('finds a cursor that is behind, ahead, missing, foreign or of another policy', () => {
    expect(failing(tampered('ChangesInfo', { version: 0 }))).toEqual([cursors]);
    expect(failing(tampered('ChangesInfo', { version: 2 }))).toEqual([cursors]);
    expect(failing(tampered('ChangesInfo', { policy: 'another' }))).toEqual([cursors]);
    expect(failing(tampered('ChangesInfo', { kind: 'unused' }))).toEqual([cursors]);
    expect(failing(tampered('ChangesInfo', { id: 'north.up.Binary' }))).toEqual([cursors]);
    const without = withHub(rightWorld(), (versions) => versions.filter(({ id }) => id !== 'north.up.Device'));
    expect(failing(without)).toEqual([cursors]);
  });

  it.each([
    ['a surname', { note: [{ text: 'for QUILLFEATHER, urgent' }] }],
    ['a short given name as a word', { note: [{ text: 'called Li today' }] }],
    ['an identifier', { code: { text: 'MRN-south-1' } }],
    ['a telephone number', { code: { text: 'call 617-555-0143' } }],
    ['a telephone number as digits', { code: { text: '6175550143' } }],
    ['an address line', { extension: [{ valueString: '48 Lanternfish Row, Brookline' }] }],
    ['base64', { content: { data: Buffer.from('Dear Ms Quillfeather').toString('base64') } }],
  ])('finds %s of somebody', (_what, members) => {
    expect(failing(tampered('Device', members))).toContain(nobody);
  });

  it('finds names in old versions, in reference data and in custom resources', () => {
    const old = (type: string): World =>
      withHub(rightWorld(), (versions) => {
        const { resource } = inHub({ hub: { versions }, sites: [] }, type);
        return [
          ...versions,
          version(990, { ...resource, comment: 'Quillfeather' } as Named),
          version(991, resource as Named),
        ];
      });
    expect(failing(old('Observation'))).toEqual([nobody]);
    expect(failing(old('ChangesInfo'))).toEqual([nobody]);
    const planted = version(999, { resourceType: 'Basic', id: 'b', text: 'Quillfeather' });
    expect(failing(withHub(rightWorld(), (versions) => [...versions, planted]))).toEqual([nobody]);
    const renamed = version(999, { ...state, description: 'Quillfeather' });
    expect(failing(withHub(rightWorld(), (versions) => [...versions, renamed]))).toContain(nobody);
    // A state that had its name before any instance wrote is nobody's surname; a short name inside a word is none either.
    expect(failing(tampered('Device', { note: [{ text: 'Likely' }] }))).toEqual([]);
  });

  it('finds a name that the instance has deleted or changed since', () => {
    const [before] = rightWorld().sites[0]!.server.versions;
    const renamed = withSite(tampered('Device', { note: [{ text: 'Oxenbridge' }] }), (versions) => [
      version(0, { ...before!.resource, name: [{ family: 'Oxenbridge' }] } as Named),
      ...versions,
    ]);
    expect(failing(renamed)).toEqual([nobody]);
  });

  it('finds an id of a source', () => {
    expect(failing(tampered('Device', { definition: 'Patient/p' }))).toEqual([noIds]);
    expect(failing(tampered('Device', { definition: 'gone' }))).toEqual([noIds]);
  });

  it('finds a step that did not do its work, or did it where nobody asked for it', () => {
    expect(failing(tampered('Device', { type: { text: 'pump', coding: [{ code: '1' }] } }))).toEqual([step]);
    const everywhere = withHub(rightWorld(), (versions) =>
      versions.map((one) => (one.type === 'Device' ? { ...one, resource: { ...one.resource, type: {} } } : one)),
    );
    expect(failing(everywhere)).toEqual([step]);
  });

  it('does not call an empty world right', () => {
    const empty: Snapshot = { versions: [] };
    const sites = rightWorld().sites.map((site) => ({ ...site, server: empty, deletedLater: [] }));
    expect(failing({ hub: empty, sites })).toEqual(
      expect.arrayContaining([sameIds, deletes, down, step, references, nobody]),
    );
  });

  it('finds streams that are not at rest', () => {
    const stream = { instance: 'north', direction: 'up', type: 'Patient' };
    const of = (state: string, parked = 0, quarantined = 0): number =>
      streamsAtRest([{ ...stream, state, totals: { parked, quarantined } }]).problems.length;
    expect([of('current'), of('blocked'), of('current', 1), of('current', 0, 1)]).toEqual([0, 1, 1, 1]);
  });

  it('tells what is wrong, the first few of many', () => {
    const problems = Array.from({ length: 7 }, (_, index) => `problem ${String(index)}`);
    const text = reportText('the hub', [
      { name: 'good', counts: '2 things', problems: [] },
      { name: 'bad', counts: '9 things', problems },
    ]);
    expect(text.split('\n').slice(0, 4)).toEqual([
      'the hub:',
      '  ✓ good (2 things)',
      '  ✗ bad (9 things; 7 wrong)',
      '      problem 0',
    ]);
    expect(text).toMatch(/… and 2 more$/);
  });
});

describe('the line of progress', () => {
  const lines = (isTTY: boolean): string => {
    let written = '';
    let nowMs = 0;
    const output = { isTTY, columns: 12, write: (text: string) => (written += text) !== '' };
    const screen = new Screen(output, () => nowMs);
    for (const [atMs, line] of [
      [0, 'one'],
      [500, 'two'],
      [2_600, 'a line that is too long'],
    ] as const) {
      nowMs = atMs;
      screen.progress(line);
    }
    screen.say('done');
    return written;
  };

  it('stays where it is on a terminal, and fits', () => {
    expect(lines(true)).toBe('\r\u001b[Kone\r\u001b[Ktwo\r\u001b[Ka line that\ndone\n');
  });

  it('is a plain line elsewhere, one in two seconds', () => {
    expect(lines(false)).toBe('one\na line that is too long\ndone\n');
  });
});

describe('the example step', () => {
  const context = { direction: 'up', type: 'Device', policy: policyDigest } as const;

  it('drops what people typed about devices and keeps what is coded', () => {
    const device = {
      resourceType: 'Device',
      id: 'd',
      status: 'active',
      type: { coding: [{ code: '1' }], text: 'the old pump' },
      deviceName: [{ name: 'Bertha', type: 'user-friendly-name' }],
      note: [{ text: 'squeaks' }],
    };
    expect(dropDeviceText([device], context)).toEqual([
      { resourceType: 'Device', id: 'd', status: 'active', type: { coding: [{ code: '1' }] } },
    ]);
  });

  it('leaves other types and what comes down alone', () => {
    const note = { resourceType: 'Observation', id: 'o', note: [{ text: 'kept' }] };
    expect(dropDeviceText([note], { ...context, type: 'Observation' })).toEqual([note]);
    const device = { resourceType: 'Device', id: 'd', note: [{ text: 'kept' }] };
    expect(dropDeviceText([device], { ...context, direction: 'down' })).toEqual([device]);
  });
});
