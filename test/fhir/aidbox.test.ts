import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import { createAidbox } from '../../src/fhir/aidbox.ts';
import { createLimiter } from '../../src/fhir/limiter.ts';
import type { DumpedResource, FeedRow } from '../../src/fhir/server.ts';
import { phi, problemOf, transportTo, withAidbox, withServer } from './servers.ts';

const patient = (id: string, more: object = {}): { resourceType: string; id: string } => ({
  resourceType: 'Patient',
  id,
  ...more,
});

const idsOf = (rows: readonly FeedRow[]): string[] =>
  rows.map(({ resource, deleted }) => `${deleted ? '-' : '+'}${(resource as { id: string }).id}`);

const bundle = (...entry: object[]): Buffer =>
  Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));

const put = (resource: { resourceType: string; id: string }, more: object = {}): object => ({
  resource,
  request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}`, ...more },
});

/** Answers every request with these bodies, one after the other. */
const answering = (...bodies: unknown[]) =>
  withServerAnswers(
    bodies.map((body) => (typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))),
  );

const withServerAnswers =
  (bodies: (string | Buffer)[]) =>
  (act: (aidbox: ReturnType<typeof createAidbox>) => Promise<void>): Promise<void> => {
    let at = 0;
    return withServer(
      (request, response) => {
        request.resume();
        response.end(bodies[at++ % bodies.length]);
      },
      (url) => act(createAidbox(transportTo(url))),
    );
  };

describe('the newest version', () => {
  it('is 0 of a type that never had a row, else that of its last row', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      expect(await aidbox.head('Patient')).toBe(0);
      const { txid } = emulator.put(patient('p1'));
      emulator.put({ resourceType: 'Organization', id: 'o1' });
      expect(await aidbox.head('Patient')).toBe(txid);
    });
    for (const version of [null, 0, '0'])
      await answering({ version })(async (aidbox) => expect(await aidbox.head('Patient')).toBe(0));
    await answering({ version: '5000000000' })(async (aidbox) =>
      expect(await aidbox.head('Patient')).toBe(5_000_000_000),
    );
  });

  it.each([
    [{}],
    [{ version: '' }],
    [{ version: 'x' }],
    [{ version: -1 }],
    [{ version: 1.5 }],
    [{ version: 2 ** 60 }],
    [[]],
    ['<html>'],
    [''],
    [Buffer.from([0x7b, 0xff, 0x7d])],
  ])('is nothing that can be guessed from %j', async (body) => {
    await answering(body)(async (aidbox) => {
      expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'answer-malformed', status: 0 });
    });
  });
});

describe('a page of changes', () => {
  it('is a piece of a pinned range, FHIR format, with deletes', async () => {
    await withAidbox({ createdAtUrl: 'ex:c' }, async (aidbox, emulator) => {
      for (const id of ['p1', 'p2', 'p3'])
        emulator.put(patient(id, { managingOrganization: { reference: 'Organization/o' } }));
      emulator.delete('Patient', 'p2');
      const lo = emulator.store.rows('Patient')[0]!.txid;
      const hi = await aidbox.head('Patient');
      emulator.put(patient('p4'));
      const page = (number: number): ReturnType<typeof aidbox.page> =>
        aidbox.page('Patient', { lo, hi, count: 2, page: number });
      const first = await page(1);
      expect(idsOf(first.rows)).toEqual(['+p2', '+p3']);
      expect(first.rows[0]?.resource).toMatchObject({ managingOrganization: { reference: 'Organization/o' } });
      expect(first.bytes).toBeGreaterThan(100);
      expect(first.rows[0]?.pageBytes).toBe(first.bytes);
      expect(idsOf((await page(2)).rows)).toEqual(['-p2']);
      expect((await page(3)).rows).toEqual([]);
      expect(emulator.requests.at(-1)?.path).toBe(`/Patient/$changes?version=${lo},${hi}&fhir=true&_count=2&_page=3`);
    });
  });

  it('is empty at 304', async () => {
    await withAidbox({ emptyRange: 'not-modified' }, async (aidbox) => {
      expect(await aidbox.page('Patient', { lo: 0, hi: 9, count: 5, page: 1 })).toEqual({ rows: [], bytes: 0 });
    });
  });

  it('can be asked for ids alone', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.put(patient('p1', { active: true }));
      const page = await aidbox.page('Patient', { lo: 0, hi: 9, count: 1, page: 1, idsOnly: true });
      expect(page.rows[0]?.resource).toEqual(patient('p1'));
    });
  });

  it.each([[{ changes: 1 }], [{ changes: [1] }], [{ changes: [{ resource: {} }] }], [{}], [[]], ['[']])(
    'is malformed: %j',
    async (body) => {
      await answering(body)(async (aidbox) => {
        expect((await problemOf(aidbox.page('Patient', { lo: 0, hi: 9, count: 1, page: 1 }))).failure).toBe(
          'answer-malformed',
        );
      });
    },
  );
});

describe('current states', () => {
  it('are read by batches, with no id in any address, deleted and absent ones as null', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      const ids = Array.from({ length: 230 }, (_, index) => `${phi}-${index}`);
      for (const id of ids) emulator.put(patient(id));
      emulator.delete('Patient', ids[7]!);
      const found = await aidbox.current('Patient', [...ids, 'never-was']);
      expect(found.size).toBe(231);
      expect(found.get(ids[229]!)).toMatchObject(patient(ids[229]!));
      expect([found.get(ids[7]!), found.get('never-was')]).toEqual([null, null]);
      expect(emulator.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
        'POST /fhir',
        'POST /fhir',
        'POST /fhir',
      ]);
      expect(await aidbox.current('Patient', [])).toEqual(new Map());
    });
  });

  it('are asked for in smaller batches where an answer is too large', async () => {
    await withAidbox(
      {},
      async (aidbox, emulator) => {
        const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
        for (const id of ids) emulator.put(patient(id, { text: { div: 'x'.repeat(1_000) } }));
        const found = await aidbox.current('Patient', ids);
        expect([...found.keys()]).toEqual(ids);
        expect([...found.values()]).toMatchObject(ids.map((id) => ({ id })));
        emulator.put(patient('large', { text: { div: phi.repeat(1_000) } }));
        // One that no answer can hold takes the others nothing away.
        const both = await aidbox.current('Patient', ['large', 'p1']);
        expect([both.get('large'), both.get('p1')]).toMatchObject(['too-large', { id: 'p1' }]);
      },
      { answerBytesMax: 9_000 },
    );
  });

  it('are not taken from an answer that fits the questions badly', async () => {
    const entry = (id: string): object => ({ resource: patient(id), response: { status: '200' } });
    for (const entries of [
      [entry('b'), entry('a')],
      [entry('a')],
      [entry('a'), { response: { status: '200' } }],
      [entry('a'), {}],
      [entry('a'), { response: {} }],
      undefined,
    ])
      await answering({ resourceType: 'Bundle', entry: entries })(async (aidbox) => {
        expect((await problemOf(aidbox.current('Patient', ['a', 'b']))).failure).toBe('answer-malformed');
      });
    await answering({ resourceType: 'Bundle', entry: [{ response: { status: '403 Forbidden' } }] })(async (aidbox) => {
      expect(await problemOf(aidbox.current('Patient', ['a']))).toMatchObject({ failure: 'status', status: 403 });
      expect(await problemOf(aidbox.read('Patient', 'a'))).toMatchObject({ failure: 'status', status: 403 });
    });
  });
});

describe('a transaction', () => {
  it('is done, and leaves out of its answer what nobody reads', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      const answer = await aidbox.transaction(bundle(put(patient('p1'))));
      expect(answer).toEqual({ kind: 'done', versions: [emulator.store.head('Patient')?.toString()] });
      expect(emulator.read('Patient', 'p1')).toMatchObject(patient('p1'));
      expect(emulator.requests[0]?.headers.prefer).toBe('return=minimal');
    });
    await answering('')(async (aidbox) =>
      expect(await aidbox.transaction(bundle())).toEqual({ kind: 'done', versions: [] }),
    );
  });

  it('is not believed done by a 200 that is no Bundle', async () => {
    for (const body of [
      '<html>Log in</html>',
      '{}',
      '[]',
      'null',
      '{"resourceType":"OperationOutcome"}',
      '{"resourceType":"Bu',
    ])
      await answering(body)(async (aidbox) => {
        expect((await problemOf(aidbox.transaction(bundle()))).failure).toBe('answer-malformed');
      });
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.faults.push({ action: { kind: 'malformed' } }, { action: { kind: 'truncate' } });
      for (let times = 0; times < 2; times++)
        expect((await problemOf(aidbox.transaction(bundle(put(patient('p1')))))).failure).toBe('answer-malformed');
    });
  });

  it('is refused with the targets that are missing, each once', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      const link = (id: string): object =>
        put({
          resourceType: 'Encounter',
          id,
          subject: { reference: 'Patient/gone.1' },
          serviceProvider: { reference: 'Organization/gone-2' },
        } as never);
      const answer = await aidbox.transaction(bundle(put(patient('p1')), link('e1'), link('e2')));
      expect(answer).toEqual({ kind: 'refused', status: 422, missing: ['Patient/gone.1', 'Organization/gone-2'] });
      expect(emulator.read('Patient', 'p1')).toBeUndefined();
    });
  });

  it.each([400, 409, 412, 413, 422])('is refused by %i', async (status) => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.faults.push({ action: { kind: 'answer', status, body: `Referenced resource X/${phi} does not` } });
      expect(await aidbox.transaction(bundle())).toEqual({ kind: 'refused', status, missing: [] });
    });
  });

  it('is fenced by versions in the form that ifMatch takes, whichever form the server has', async () => {
    for (const entryEtag of ['bare', 'weak'] as const)
      await withAidbox({ entryEtag }, async (aidbox) => {
        await aidbox.transaction(bundle(put(patient('p1'))));
        const { etag, resource } = (await aidbox.read('Patient', 'p1'))!;
        expect(etag).toMatch(/^W\/"\d+"$/);
        expect(resource).toMatchObject(patient('p1'));
        const second = bundle(put(patient('p1'), { ifMatch: etag }));
        const version = (await aidbox.transaction(second)) as { versions: readonly string[] };
        expect(version.versions).toEqual([expect.stringMatching(/^\d+$/)]);
        expect(await aidbox.transaction(second)).toEqual({ kind: 'refused', status: 412, missing: [] });
      });
    const entry = (response: object): object => ({
      resource: patient('a', { meta: { versionId: '7' } }),
      response: { status: '200', ...response },
    });
    for (const [response, etag] of [
      [{}, 'W/"7"'],
      [{ etag: '"8"' }, '"8"'],
      [{ etag: '' }, 'W/"7"'],
    ] as const)
      await answering({ entry: [entry(response)] })(async (aidbox) =>
        expect((await aidbox.read('Patient', 'a'))?.etag).toBe(etag),
      );
  });

  it('reads what is there and leaves out what is not', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.put(patient('p1'));
      emulator.put(patient('p2'));
      emulator.delete('Patient', 'p2');
      expect([...(await aidbox.readMany('Patient', ['p1', 'p2', 'p3'])).keys()]).toEqual(['p1']);
      expect(await aidbox.read('Patient', 'p3')).toBeUndefined();
    });
  });
});

describe('a dump', () => {
  const dumped = async (
    aidbox: ReturnType<typeof createAidbox>,
    resourceBytesMax = 1_000,
  ): Promise<(DumpedResource | string)[]> => {
    const found: (DumpedResource | string)[] = [];
    await aidbox.dump('Patient', { resourceBytesMax }, async (resource) => {
      found.push(resource.kind === 'resource' ? (resource.resource as { id: string }).id : resource);
    });
    return found;
  };

  it('is every live resource of the type in FHIR format, in an answer above the bound of any other', async () => {
    await withAidbox(
      {},
      async (aidbox, emulator) => {
        const ids = Array.from({ length: 30 }, (_, index) => `p${index}`);
        for (const id of ids) emulator.put(patient(id, { managingOrganization: { reference: 'Organization/o' } }));
        emulator.delete('Patient', 'p7');
        expect(await dumped(aidbox)).toEqual(ids.filter((id) => id !== 'p7'));
        await aidbox.dump('Patient', { resourceBytesMax: 1_000 }, async (one) => {
          if (one.kind !== 'resource') throw new Error(one.kind);
          expect(one.resource).toEqual(JSON.parse(one.json));
          expect(one.resource).toMatchObject({ managingOrganization: { reference: 'Organization/o' } });
        });
        expect(emulator.requests.at(-1)?.path).toBe('/Patient/$dump?fhir=true');
      },
      { answerBytesMax: 500 },
    );
  });

  it('keeps nothing but the id of a resource that is too large, wherever the id stands', async () => {
    const large = { text: { div: `"id":"no",\\"${'{'.repeat(2_000)}` }, contained: [{ id: 'nor-this' }], other: 'id' };
    const line = JSON.stringify({ resourceType: 'Patient', ...large, id: 'large' });
    await answering(`${JSON.stringify(patient('a'))}\n${line}\r\n\n${JSON.stringify(patient('b'))}`)(async (aidbox) => {
      expect(await dumped(aidbox)).toEqual(['a', { kind: 'too-large', id: 'large' }, 'b']);
    });
    await answering(line.slice(0, -1))(async (aidbox) => {
      expect((await problemOf(dumped(aidbox))).failure).toBe('answer-malformed');
    });
    await answering(JSON.stringify(large))(async (aidbox) => {
      expect(await dumped(aidbox)).toEqual([{ kind: 'too-large', id: undefined }]);
    });
  });

  it('is read no faster than it is taken, and ends with what takes it', async () => {
    let sent = 0;
    const piece = Buffer.from(`${JSON.stringify(patient('p', { text: { div: 'x'.repeat(64_000) } }))}\n`);
    await withServer(
      (_request, response) => {
        const write = (): void => {
          while (!response.destroyed) {
            sent += piece.length;
            if (!response.write(piece)) {
              response.once('drain', write);
              return;
            }
          }
        };
        write();
      },
      async (url) => {
        const aidbox = createAidbox(transportTo(url));
        let taken = 0;
        const stop = aidbox.dump('Patient', { resourceBytesMax: 100_000 }, async () => {
          taken += piece.length;
          await sleep(2);
          // What lies between the two is in sockets, and bounded by them.
          expect(sent - taken).toBeLessThan(16 * 2 ** 20);
          if (taken > 24 * 2 ** 20) throw new RangeError('enough');
        });
        await expect(stop).rejects.toThrow(new RangeError('enough'));
      },
    );
  });

  it('is given up where the next piece does not come, however long it took so far', async () => {
    const line = `${JSON.stringify(patient('p'))}\n`;
    let answered = 0;
    await withServer(
      (_request, response) => {
        let pieces = 0;
        const timer = setInterval(() => {
          if (++pieces <= 6) response.write(line);
          else if (answered > 0) clearInterval(timer);
          else response.end();
          if (pieces > 6) answered += 1;
        }, 300);
        response.once('close', () => {
          clearInterval(timer);
        });
      },
      async (url) => {
        const aidbox = createAidbox(transportTo(url, { requestTimeoutSeconds: 1 }));
        expect(await dumped(aidbox)).toHaveLength(6);
        expect(await problemOf(dumped(aidbox))).toMatchObject({ failure: 'unreachable' });
      },
    );
  });

  it('holds one of the requests that may be in flight until it is read', async () => {
    await withAidbox(
      {},
      async (aidbox, emulator) => {
        emulator.put(patient('p'));
        let head: Promise<number> | undefined;
        let isAnswered = false;
        await aidbox.dump('Patient', { resourceBytesMax: 1_000 }, async () => {
          head = aidbox.head('Patient').finally(() => {
            isAnswered = true;
          });
          await sleep(200);
          expect(isAnswered).toBe(false);
        });
        expect(await head).toBeGreaterThan(0);
      },
      {
        limiter: createLimiter({
          server: 's',
          limits: { requestsInFlightMax: 1, requestsPerSecondMax: 100, requestWaitSecondsMax: 60 },
        }),
      },
    );
  });
});

describe('what a target holds of ours', () => {
  it('is listed by ids and versions, of all or of some', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      const tag = { system: 'urn:fhir-sluice:origin', code: 'north' };
      const versions = ['a', 'b', 'c'].map((id) => String(emulator.put(patient(id, { meta: { tag: [tag] } })).txid));
      emulator.put(patient('other'));
      const all = await aidbox.taggedIds('Patient', { ...tag, count: 2, page: 1 });
      expect(all).toEqual({ ids: ['a', 'b'], versions: versions.slice(0, 2), isLast: false });
      const some = await aidbox.taggedIds('Patient', { ...tag, count: 9, page: 1, ids: ['c', 'other', 'none'] });
      expect(some).toEqual({ ids: ['c'], versions: versions.slice(2), isLast: true });
    });
  });
});
