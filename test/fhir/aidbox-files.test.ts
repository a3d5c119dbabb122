/** The files of docs/aidbox, loaded as its README says into two doubles that check every request. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

import type { Emulator } from '../../src/emulator/emulator.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { createAidbox } from '../../src/fhir/aidbox.ts';
import { basicAuth } from '../../src/fhir/auth.ts';
import type { JsonObject } from '../../src/fhir/resource.ts';
import type { ChangeSource, CommitTarget, TransactionAnswer } from '../../src/fhir/server.ts';
import { createTransport } from '../../src/fhir/transport.ts';
import { basic, caller } from '../emulator/calls.ts';

type Place = 'hub' | 'instance';

const json = async (file: string): Promise<any> => JSON.parse(await readFile(`docs/aidbox/${file}`, 'utf8'));
const clientOf = { hub: 'sluice-north', instance: 'sluice' };
const secret = 'a-secret-for-the-test';

/** A server whose only other Client is the administrator's. */
async function prepared(place: Place, types: 'types' | 'types-entity' = 'types'): Promise<Emulator> {
  const emulator = await startEmulator({ createdAtUrl: '' });
  emulator.addClient('root', 'root');
  const call = caller(emulator, basic('root', 'root'));
  const client = await json(`${place}/client.json`);
  const steps: [string, string, object][] = [
    ['POST', types === 'types' ? '/fhir' : '/', await json(`${place}/${types}.json`)],
    ['PUT', `/Client/${clientOf[place]}`, { ...client, secret }],
    ['POST', '/', await json(`${place}/access.json`)],
    ...(place === 'hub' ? [['POST', '/fhir', await json('hub/registration.json')] as [string, string, object]] : []),
  ];
  for (const [method, path, body] of steps) {
    const answer = await call(method, path, body);
    expect([path, answer.status, answer.text]).toEqual([path, expect.toBeOneOf([200, 201]), expect.anything()]);
  }
  for (const id of ['p1', 'p2']) emulator.put({ resourceType: 'Patient', id });
  emulator.put({ resourceType: 'Organization', id: 'o1' });
  emulator.put({ resourceType: 'Medication', id: 'm1' });
  return emulator;
}

expect.extend({
  toBeOneOf: (received: unknown, list: readonly unknown[]) => ({
    pass: list.includes(received),
    message: () => `${String(received)} is none of ${list.join(', ')}`,
  }),
});
declare module 'expect' {
  interface AsymmetricMatchers {
    toBeOneOf(list: readonly unknown[]): any;
  }
}

const servers: Partial<Record<Place, Emulator>> = {};
beforeAll(async () => {
  servers.hub = await prepared('hub');
  servers.instance = await prepared('instance');
});
afterAll(async () => {
  await servers.hub?.close();
  await servers.instance?.close();
});

const site = (emulator: Emulator, client: string): ChangeSource & CommitTarget =>
  createAidbox(
    createTransport({
      url: emulator.url,
      authorizer: basicAuth(client, secret),
      requestTimeoutSeconds: 5,
      answerBytesMax: 2 ** 20,
    }),
  );
const aidboxOf = (place: Place): ChangeSource & CommitTarget => site(servers[place]!, clientOf[place]);

type Entry = [method: string, url: string, resource?: object, ifMatch?: string];

function transaction(target: CommitTarget, ...entries: Entry[]): Promise<TransactionAnswer> {
  const entry = entries.map(([method, url, resource, ifMatch]) => ({
    ...(resource && { resource }),
    request: { method, url, ...(ifMatch && { ifMatch }) },
  }));
  return target.transaction(Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })));
}

const refused = (work: Promise<unknown>): Promise<void> =>
  expect(work).rejects.toMatchObject({ name: 'ServerProblem', status: 403 });

const cursor = (id: string, kind = 'cursor'): object => ({
  resourceType: 'ChangesInfo',
  id,
  kind,
  instance: 'north',
  version: 5_000_000_000,
});
const done = { kind: 'done' };
const marker = `m-${'0123456789'.repeat(4)}`;

describe.each([
  { place: 'hub', source: 'Organization', sourceId: 'o1', target: 'Patient', direction: 'up' },
  { place: 'instance', source: 'Patient', sourceId: 'p1', target: 'Organization', direction: 'down' },
] as const)('the Client at the $place', ({ place, source, sourceId, target, direction }) => {
  it('can read the change feed, current states and all of what it is the source of', async () => {
    const aidbox = aidboxOf(place);
    const head = await aidbox.head(source);
    const page = await aidbox.page(source, { lo: 0, hi: head, count: 100, page: 1 });
    expect(page.rows.map((row) => (row.resource as JsonObject).id)).toContain(sourceId);
    const current = await aidbox.current(source, [sourceId, 'absent']);
    expect(current.get(sourceId)).toMatchObject({ id: sourceId });
    expect(current.get('absent')).toBeNull();
    const dumped: JsonObject[] = [];
    await aidbox.dump(source, { resourceBytesMax: 10_000 }, async (one) => {
      if (one.kind === 'resource') dumped.push(one.resource as JsonObject);
    });
    expect(dumped.map(({ id }) => id)).toContain(sourceId);
  });

  it('can count what it is the source of, and what it has written itself', async () => {
    const emulator = servers[place]!;
    const aidbox = aidboxOf(place);
    expect(await aidbox.count(source)).toBe(emulator.list(source).length);
    const origin = { system: 'urn:fhir-sluice:origin', code: place === 'hub' ? 'north' : 'hub' };
    emulator.put({ resourceType: target, id: 'counted', meta: { tag: [origin] } });
    const ours = emulator.list(target).filter(({ meta }) => JSON.stringify(meta).includes(origin.system)).length;
    expect(await aidbox.countTagged(target, origin)).toBe(ours);
    emulator.delete(target, 'counted');
    await refused(aidbox.count(target));
    await refused(aidbox.count('Medication'));
    await refused(aidbox.countTagged(target, { ...origin, code: 'south' }));
    const call = caller(emulator, basic(clientOf[place], secret));
    for (const query of [
      '_elements=id',
      '_elements=id,name&_total=accurate&_count=1',
      '_elements=id&_total=accurate&_count=100',
    ])
      expect((await call('GET', `/fhir/${source}?${query}`)).status).toBe(403);
  });

  it('can write, delete and fence', async () => {
    const aidbox = aidboxOf(place);
    const id = `north.${direction}.${target}`;
    expect(
      await transaction(aidbox, ['POST', 'ChangesInfo', cursor('north.probe.0a1b2c3d4e5f', 'probe')]),
    ).toMatchObject(done);
    expect(await transaction(aidbox, ['DELETE', 'ChangesInfo/north.probe.0a1b2c3d4e5f'])).toMatchObject(done);
    const first = await transaction(
      aidbox,
      ['PUT', `${target}/ab12`, { resourceType: target, id: 'ab12' }],
      ['POST', 'ChangesInfo', cursor(id)],
      ['POST', 'ChangesInfo', cursor(marker, 'marker')],
    );
    expect(first).toMatchObject(done);
    const { etag } = (await aidbox.read('ChangesInfo', id))!;
    const lane: Entry = ['POST', 'ChangesInfo', cursor(`${id}.l3`, 'lane')];
    const second = ['PUT', `ChangesInfo/${id}`, cursor(id), etag] as Entry;
    expect(
      await transaction(aidbox, ['DELETE', `${target}/ab12`], lane, ['DELETE', `ChangesInfo/${marker}`], second),
    ).toMatchObject(done);
    expect(await transaction(aidbox, second)).toEqual({ kind: 'refused', status: 412, missing: [] });
    expect([...(await aidbox.readMany('ChangesInfo', [id, `${id}.l3`, marker])).keys()]).toEqual([id, `${id}.l3`]);
    expect(servers[place]!.read(target, 'ab12')).toBeUndefined();
  });

  it('can list the ids of what it has written itself, and nothing else of it', async () => {
    const origin = { system: 'urn:fhir-sluice:origin', code: place === 'hub' ? 'north' : 'hub' };
    const emulator = servers[place]!;
    emulator.put({ resourceType: target, id: 'ours', meta: { tag: [origin] } });
    emulator.put({ resourceType: target, id: 'theirs', meta: { tag: [{ ...origin, code: 'south' }] } });
    const aidbox = aidboxOf(place);
    const page = { count: 10, page: 1 };
    expect(await aidbox.taggedIds(target, { ...origin, ...page })).toMatchObject({ ids: ['ours'], isLast: true });
    expect(await aidbox.taggedIds(target, { ...origin, ...page, ids: ['ours', 'theirs'] })).toMatchObject({
      ids: ['ours'],
      versions: [expect.stringMatching(/^\d+$/)],
    });
    await refused(aidbox.taggedIds(target, { ...origin, code: 'south', ...page }));
    const call = caller(emulator, basic(clientOf[place], secret));
    const tag = `_tag=${encodeURIComponent(`${origin.system}|${origin.code}`)}`;
    for (const query of ['', '&_elements=id,name', '&_elements=id,meta,name', '&_elements=id,meta&_include=*']) {
      expect((await call('GET', `/fhir/${target}?${tag}${query}`)).status).toBe(403);
    }
  });

  it('can do no more', async () => {
    const aidbox = aidboxOf(place);
    const seen = servers[place]!.store.rows('Client').length;
    // What it is the target of it cannot read back.
    await refused(aidbox.head(target));
    await refused(aidbox.dump(target, { resourceBytesMax: 10_000 }, async () => undefined));
    await refused(aidbox.dump('Medication', { resourceBytesMax: 10_000 }, async () => undefined));
    await refused(aidbox.current(target, [target === 'Patient' ? 'p1' : 'o1']));
    // What it is the source of it cannot write; other types not at all.
    await refused(transaction(aidbox, ['PUT', `${source}/${sourceId}`, { resourceType: source, id: sourceId }]));
    await refused(transaction(aidbox, ['DELETE', `${source}/${sourceId}`]));
    await refused(transaction(aidbox, ['DELETE', 'Medication/m1']));
    await refused(aidbox.head('Medication'));
    // One entry that is not allowed takes the whole transaction with it.
    await refused(
      transaction(aidbox, ['PUT', `${target}/cd34`, { resourceType: target, id: 'cd34' }], ['DELETE', 'Medication/m1']),
    );
    expect(servers[place]!.read(target, 'cd34')).toBeUndefined();
    // No ids but the server's choice, no conditions, no other site's cursor.
    await refused(transaction(aidbox, ['POST', target, { resourceType: target }]));
    await refused(transaction(aidbox, ['DELETE', `${target}?_id=p1`]));
    await refused(
      transaction(aidbox, ['PUT', `ChangesInfo/south.${direction}.${target}`, cursor(`south.${direction}.${target}`)]),
    );
    await refused(transaction(aidbox, ['DELETE', `ChangesInfo/north.${direction}.${target}`]));
    await refused(aidbox.read('ChangesInfo', `south.${direction}.${target}`));
    // Nothing that opens a door.
    for (const [type, id] of [
      ['Client', clientOf[place]],
      ['Client', 'root'],
      ['AccessPolicy', 'policy-of-root'],
      ['User', 'u'],
    ] as const) {
      await refused(aidbox.read(type, id));
      await refused(transaction(aidbox, ['PUT', `${type}/${id}`, { resourceType: type, id }]));
    }
    await refused(
      transaction(aidbox, [
        'PUT',
        'AidboxInstance/north',
        { resourceType: 'AidboxInstance', id: 'north', enabled: true },
      ]),
    );
    await refused(transaction(aidbox, ['DELETE', 'AidboxInstance/north']));
    expect(servers[place]!.store.rows('Client')).toHaveLength(seen);
  });

  it('is refused single requests beyond its policies, on either API', async () => {
    const call = caller(servers[place]!, basic(clientOf[place], secret));
    for (const base of ['', '/fhir'])
      for (const [method, path] of [
        ['GET', `/${source}`],
        ['GET', `/${target}`],
        ['GET', `/${target}/p1`],
        ['GET', `/${source}/${sourceId}/_history`],
        ['POST', `/${source}/_search`],
        ['GET', `/${target}/$dump`],
        ['GET', `/x/../${source}`],
        ['GET', '/ChangesInfo'],
        ['GET', '/AidboxInstance'],
        ['GET', '/AidboxInstance/south'],
        ['GET', '/Client'],
        ['PUT', `/${target}/a%2Fb`],
      ] as const)
        expect([path, (await call(method, base + path, method === 'GET' ? undefined : {})).status]).toEqual([
          path,
          403,
        ]);
    // The Aidbox format of bundles is not needed.
    expect((await call('POST', '/', { resourceType: 'Bundle', type: 'batch', entry: [] })).status).toBe(403);
  });

  it('has no secret before the administrator gives it one', async () => {
    expect(await json(`${place}/client.json`)).not.toHaveProperty('secret');
    const emulator = await startEmulator();
    try {
      emulator.load([await json(`${place}/client.json`)]);
      expect((await caller(emulator, basic(clientOf[place], ''))('GET', '/fhir/Patient')).status).toBe(401);
    } finally {
      await emulator.close();
    }
  });

  it('works with Entities in place of StructureDefinitions', async () => {
    const emulator = await prepared(place, 'types-entity');
    try {
      const aidbox = site(emulator, clientOf[place]);
      expect(await transaction(aidbox, ['POST', 'ChangesInfo', cursor(`north.${direction}.${target}`)])).toMatchObject(
        done,
      );
    } finally {
      await emulator.close();
    }
  });
});

describe('several sites at one hub', () => {
  it('cannot create cursors, lanes or markers under each other’s names', async () => {
    const aidbox = aidboxOf('hub');
    const create = (content: object): ReturnType<typeof transaction> =>
      transaction(aidbox, ['POST', 'ChangesInfo', content]);
    const other = `m-${'9876543210'.repeat(4)}`;
    for (const id of ['south.up.Patient', 'south.up.Patient.l0', 'north', 'northern.up.Patient', 'anything'])
      await refused(create(cursor(id)));
    await refused(create({ ...cursor('north.up.Observation'), instance: 'south' }));
    await refused(create({ ...cursor(other, 'marker'), instance: 'south' }));
    const { id: _id, ...nameless } = cursor('') as Record<string, unknown>;
    await refused(create(nameless));
    expect(await create(cursor('north.up.Observation'))).toMatchObject(done);
    expect(await create(cursor(other, 'marker'))).toMatchObject(done);
  });
});

describe('the files', () => {
  it('let the site read its own registration at the hub, which approves no policy yet', async () => {
    const { resource } = (await aidboxOf('hub').read('AidboxInstance', 'north'))!;
    expect(resource).toMatchObject({ enabled: true, up: expect.arrayContaining(['Patient']), policies: [] });
    await refused(aidboxOf('hub').read('AidboxInstance', 'south'));
  });

  it('fit the streams of examples/sluice.yaml', async () => {
    const { instance, streams } = parse(await readFile('examples/sluice.yaml', 'utf8'));
    const typesOf = (direction: string): string[] =>
      streams.filter((one: any) => one.direction === direction).flatMap((one: any) => one.types);
    const [up, down] = [typesOf('up'), typesOf('down')];
    const { id, ...registration } = (await json('hub/registration.json')).entry[0].resource;
    expect([id, registration]).toEqual([instance, expect.objectContaining({ up, down })]);
    for (const [place, read, write] of [
      ['hub', down, up],
      ['instance', up, down],
    ] as const) {
      const uris: string[] = (await json(`${place}/access.json`)).entry.map((entry: any) => entry.resource.matcho.uri);
      expect(uris).toContain(`#^/(${read.join('|')})/\\$changes$`);
      expect(uris).toContain(`#^/(${read.join('|')})/\\$dump$`);
      expect(uris).toContain(`#^(/fhir)?/(${read.join('|')})/[A-Za-z0-9.-]{1,64}$`);
      expect(uris).toContain(`#^/fhir/(${read.join('|')})$`);
      expect(uris).toContain(`#^(/fhir)?/(${write.join('|')})/[A-Za-z0-9.-]{1,64}$`);
    }
  });

  it('let nobody in but the Client, by policies that are anchored at both ends', async () => {
    for (const place of ['hub', 'instance'] as const)
      for (const { resource } of (await json(`${place}/access.json`)).entry) {
        expect(resource).toMatchObject({
          engine: 'matcho',
          link: [{ resourceType: 'Client', id: clientOf[place] }],
          matcho: { client: { id: clientOf[place] }, uri: expect.stringMatching(/^#\^.*\$$/) },
        });
        expect(resource.matcho).toHaveProperty('request-method');
      }
  });

  it('define every element that is written', async () => {
    const [definition] = (await json('hub/types.json')).entry.map((entry: any) => entry.resource);
    expect((await json('instance/types.json')).entry[0].resource).toEqual(definition);
    const elements: string[] = definition.differential.element.map((element: any) => element.path);
    const source = await readFile('src/activities/commit.ts', 'utf8');
    const body = /resourceType: cursorType,([\s\S]*?)\n {2}\};/.exec(source)?.[1] ?? '';
    const written = [...body.matchAll(/^ {4}(\w+)[:,]/gm)].map((match) => match[1]!);
    expect(written).toEqual(expect.arrayContaining(['kind', 'version', 'sequence', 'counts']));
    for (const name of written.filter((one) => one !== 'id')) expect(elements).toContain(`ChangesInfo.${name}`);
    for (const name of ['changes', 'committed', 'deleted', 'unchanged', 'withheld', 'closed', 'lane', 'sets'])
      expect(elements.some((path) => path.endsWith(`.${name}`))).toBe(true);
  });
});
