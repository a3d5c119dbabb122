import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import type { FaultAction } from '../../src/emulator/emulator.ts';
import { createAidbox } from '../../src/fhir/aidbox.ts';
import { makeCertificate } from './certificate.ts';
import { type Aidbox, phi, problemOf, transportTo, withAidbox, withServer } from './servers.ts';

const transaction = (aidbox: Aidbox, signal?: AbortSignal): Promise<unknown> =>
  aidbox.transaction(
    Buffer.from(
      JSON.stringify({
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [{ resource: { resourceType: 'Patient', id: phi }, request: { method: 'PUT', url: `Patient/${phi}` } }],
      }),
    ),
    signal,
  );

const calls: Record<string, (aidbox: Aidbox, signal?: AbortSignal) => Promise<unknown>> = {
  head: (aidbox, signal) => aidbox.head('Patient', signal),
  page: (aidbox, signal) => aidbox.page('Patient', { lo: 0, hi: 9, count: 9, page: 1 }, signal),
  current: (aidbox, signal) => aidbox.current('Patient', [phi], signal),
  read: (aidbox, signal) => aidbox.read('Patient', phi, signal),
  dump: (aidbox, signal) => aidbox.dump('Patient', { resourceBytesMax: 10_000 }, async () => undefined, signal),
  transaction,
};

const body = { resourceType: 'OperationOutcome', text: { div: phi } };
const answer = (status: number, headers = {}): FaultAction => ({ kind: 'answer', status, headers, body });

describe.each(Object.entries(calls))('%s', (_name, call) => {
  it.each<[string, FaultAction, object]>([
    ['a 403', answer(403), { failure: 'status', status: 403 }],
    ['a 404 on the route', answer(404), { failure: 'status', status: 404 }],
    ['a 401, with Basic', answer(401), { failure: 'status', status: 401 }],
    ['a 429', answer(429, { 'retry-after': '17' }), { failure: 'status', status: 429, retryAfterSeconds: 17 }],
    ['a 503', answer(503, { 'retry-after': '3' }), { failure: 'status', status: 503, retryAfterSeconds: 3 }],
    ['a 500', answer(500), { failure: 'status', status: 500, retryAfterSeconds: undefined }],
    ['a redirect', answer(307, { location: `http://127.0.0.1:1/${phi}` }), { failure: 'status', status: 307 }],
    ['a connection that is refused', { kind: 'refuse' }, { failure: 'unreachable', status: 0 }],
    ['a connection that is dropped', { kind: 'drop' }, { failure: 'unreachable', status: 0 }],
    ['a connection that is cut in mid-body', { kind: 'cut' }, { failure: 'unreachable', status: 0 }],
    ['half an answer', { kind: 'truncate' }, { failure: 'answer-malformed', status: 0 }],
    ['what is no JSON', { kind: 'malformed' }, { failure: 'answer-malformed', status: 0 }],
  ])('makes a problem without data of %s, and asks once', async (_what, action, expected) => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.put({ resourceType: 'Patient', id: phi, name: [{ family: phi }] });
      emulator.faults.push({ action });
      expect(await problemOf(call(aidbox))).toMatchObject(expected);
      expect(emulator.counters.total).toBe(1);
      // The next request works: nothing is left broken behind.
      await call(aidbox);
    });
  });

  it('gives a server up that never answers', async () => {
    await withAidbox(
      {},
      async (aidbox, emulator) => {
        emulator.faults.push({ action: { kind: 'hang' } });
        expect(await problemOf(call(aidbox))).toMatchObject({ failure: 'unreachable', status: 0 });
      },
      { requestTimeoutSeconds: 0.2 },
    );
  });

  it('is given back by a signal, before or in the middle', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.faults.push({ action: { kind: 'hang' } });
      const abort = new AbortController();
      const pending = problemOf(call(aidbox, abort.signal));
      while (emulator.requests.length === 0) await sleep(2);
      abort.abort(new Error(phi));
      expect(await pending).toMatchObject({ failure: 'given-back', status: 0 });
      expect(await problemOf(call(aidbox, abort.signal))).toMatchObject({ failure: 'given-back' });
      expect(emulator.requests).toHaveLength(1);
    });
  });

  it('finds nobody at the address', async () => {
    expect(await problemOf(call(createAidbox(transportTo(`http://127.0.0.1:1/${phi}`))))).toMatchObject({
      failure: 'unreachable',
    });
  });
});

describe('an answer that is too large', () => {
  it.each([
    ['announced', 5_000, 1],
    ['announced, in many pieces', 5_000_000, 1],
    ['chunked', 200_000, 20],
    ['chunked without end', 200_000, Infinity],
  ])('is refused: %s', async (_how, size, pieces) => {
    await withServer(
      (_request, response) => {
        if (pieces === 1) return response.end(phi.repeat(size / 10));
        let sent = 0;
        const timer = setInterval(() => {
          if (sent++ < pieces && !response.destroyed) response.write(Buffer.alloc(size, 'x'));
          else {
            clearInterval(timer);
            response.end();
          }
        }, 1);
        return response;
      },
      async (url) => {
        const aidbox = createAidbox(transportTo(url, { answerBytesMax: 4_999, requestTimeoutSeconds: 20 }));
        expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'answer-too-large' });
      },
    );
  });

  it('cannot hide in a compressed one: none is asked for, none is unpacked', async () => {
    await withServer(
      (request, response) => {
        expect(request.headers['accept-encoding']).toBe('identity');
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(' '.repeat(10_000_000)));
      },
      async (url) => {
        expect((await problemOf(createAidbox(transportTo(url)).head('Patient'))).failure).toBe('answer-malformed');
      },
    );
  });

  it('may have the very size of the bound', async () => {
    const text = '{"version":7}';
    await withServer(
      (_request, response) => response.end(text),
      async (url) => {
        expect(await createAidbox(transportTo(url, { answerBytesMax: text.length })).head('Patient')).toBe(7);
        const less = createAidbox(transportTo(url, { answerBytesMax: text.length - 1 }));
        expect((await problemOf(less.head('Patient'))).failure).toBe('answer-too-large');
      },
    );
  });
});

describe('a redirect', () => {
  it('carries neither credentials nor data elsewhere', async () => {
    let elsewhere = 0;
    await withServer(
      (_request, response) => {
        elsewhere += 1;
        response.end('{"version":1}');
      },
      (other) =>
        withServer(
          (_request, response) => response.writeHead(302, { location: other }).end(),
          async (url) => {
            for (const call of Object.values(calls))
              expect(await problemOf(call(createAidbox(transportTo(url))))).toMatchObject({ status: 302 });
          },
        ),
    );
    expect(elsewhere).toBe(0);
  });
});

describe('TLS', () => {
  it('is refused without the authority, and taken with it, for its host name alone', async () => {
    const { key, certificate } = await makeCertificate('aidbox.example.org');
    const other = await makeCertificate('aidbox.example.org');
    const server = createServer({ key, cert: certificate }, (_request, response) => response.end('{"version":3}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const headAt = (host: string, ca?: string): Promise<number> =>
      createAidbox(transportTo(`https://${host}:${port}`, ca === undefined ? {} : { ca })).head('Patient');
    try {
      expect(await problemOf(headAt('127.0.0.1'))).toMatchObject({ failure: 'untrusted' });
      expect(await problemOf(headAt('127.0.0.1', other.certificate))).toMatchObject({ failure: 'untrusted' });
      expect(await headAt('127.0.0.1', certificate)).toBe(3);
      expect(await problemOf(headAt('localhost', certificate))).toMatchObject({ failure: 'untrusted' });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
