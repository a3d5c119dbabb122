import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { request } from 'node:http';
import { isLoopback } from '../../src/codec-server/access.ts';
import { startCodecServer } from '../../src/codec-server/server.ts';
import type { CodecServer } from '../../src/codec-server/server.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { payloadCodec } from '../../src/crypto/payload-codec.ts';

const keyring = parseKeyring('payload', `v1:${Buffer.alloc(32, 1).toString('base64')}`);
const ui = 'http://localhost:8233';
const token = 'a-token-of-enough-length';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function encryptedItem(text: string): Promise<unknown> {
  const [payload] = await payloadCodec(keyring).encode([
    { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(text) },
  ]);
  const fields = Object.entries(payload!.metadata!).map(([name, bytes]) => [
    name,
    Buffer.from(bytes).toString('base64'),
  ]);
  return { metadata: Object.fromEntries(fields), data: Buffer.from(payload!.data!).toString('base64') };
}

function post(
  server: CodecServer,
  body: string,
  headers: Record<string, string> = {},
  path = '/decode',
): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

describe('codec server on loopback', () => {
  let server: CodecServer;
  beforeAll(async () => {
    server = await startCodecServer({ keyring, port: 0, allowedOrigins: [ui] });
  });
  afterAll(() => server.close());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('decodes ours and returns others as they came, in order', async () => {
    const foreign = { metadata: { encoding: base64('json/plain') }, data: base64('1'), later: ['field'] };
    const payloads = [
      await encryptedItem('{"a":1}'),
      foreign,
      { metadata: { encoding: base64('binary/null') } },
      await encryptedItem('2'),
    ];
    const response = await post(server, JSON.stringify({ payloads }), { 'x-namespace': 'default' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const plain = { encoding: base64('json/plain') };
    expect(await response.json()).toEqual({
      payloads: [
        { metadata: plain, data: base64('{"a":1}') },
        foreign,
        payloads[2],
        { metadata: plain, data: base64('2') },
      ],
    });
  });

  it('answers a preflight of the UI’s origin, and of no other', async () => {
    const asked = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-namespace,content-type,authorization',
    };
    const allowed = await fetch(`${server.url}/decode`, { method: 'OPTIONS', headers: { origin: ui, ...asked } });
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ui);
    expect(allowed.headers.get('access-control-allow-headers')).toBe('content-type, x-namespace, authorization');
    expect(allowed.headers.get('access-control-allow-methods')).toContain('POST');
    expect(allowed.headers.get('vary')).toBe('Origin');
    for (const origin of [
      'http://localhost:8234',
      'https://localhost:8233',
      'null',
      'http://localhost:8233.evil.example',
    ]) {
      const refused = await fetch(`${server.url}/decode`, { method: 'OPTIONS', headers: { origin, ...asked } });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      const body = JSON.stringify({ payloads: [await encryptedItem('"MARKER"')] });
      const posted = await post(server, body, { origin });
      expect(posted.status).toBe(403);
    }
    const posted = await post(server, '{"payloads":[]}', { origin: ui });
    expect([posted.status, posted.headers.get('access-control-allow-origin')]).toEqual([200, ui]);
  });

  it.each([
    ['not JSON', '{"payloads":MARKER'],
    ['no payloads', '{}'],
    ['null', 'null'],
    ['payloads that are no list', '{"payloads":{}}'],
    ['an item that is no object', '{"payloads":["MARKER"]}'],
    ['metadata that is no object', '{"payloads":[{"metadata":["MARKER"]}]}'],
    ['metadata of numbers', '{"payloads":[{"metadata":{"MARKER":1}}]}'],
    ['data that is no text', '{"payloads":[{"data":1}]}'],
  ])('answers %s with 400 and a constant word', async (_, body) => {
    const response = await post(server, body);
    expect([response.status, await response.text()]).toEqual([400, '{"error":"malformed"}']);
  });

  it('answers altered and unknown keys’ payloads with 400', async () => {
    const item = (await encryptedItem('1')) as { metadata: Record<string, string>; data: string };
    const altered = { ...item, data: base64('MARKER') };
    const foreignKey = { ...item, metadata: { ...item.metadata, 'encryption-key-id': base64('v9') } };
    for (const payload of [altered, foreignKey]) {
      const response = await post(server, JSON.stringify({ payloads: [payload] }));
      expect([response.status, await response.text()]).toEqual([400, '{"error":"undecodable"}']);
    }
  });

  it('has one path and one method', async () => {
    expect((await post(server, '{}', {}, '/encode')).status).toBe(404);
    expect((await post(server, '{}', {}, '/decode/x')).status).toBe(404);
    const got = await fetch(`${server.url}/decode`);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  it('refuses a body beyond its limit, announced or not, and lives on', async () => {
    const announced = await post(server, 'x'.repeat(17 * 1024 * 1024)).then(
      (response) => response.status,
      () => 413,
    );
    expect(announced).toBe(413);
    expect(await postUnannounced(server, 20)).toBe(413);
    expect((await post(server, '{"payloads":[]}')).status).toBe(200);
  });

  it('prints nothing', async () => {
    const printed = [jest.spyOn(process.stdout, 'write'), jest.spyOn(process.stderr, 'write')];
    const logged = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) => jest.spyOn(console, name));
    await post(server, JSON.stringify({ payloads: [await encryptedItem('"MARKER"')] }));
    await post(server, 'MARKER');
    for (const spy of [...printed, ...logged]) expect(spy).not.toHaveBeenCalled();
  });
});

describe('codec server with a token', () => {
  it('answers its bearers only, also beyond loopback', async () => {
    const server = await startCodecServer({ keyring, host: '0.0.0.0', port: 0, allowedOrigins: [ui], token });
    try {
      const local = { ...server, url: server.url.replace('0.0.0.0', '127.0.0.1') };
      const ask = async (headers: Record<string, string>): Promise<number> =>
        (await post(local, '{"payloads":[]}', headers)).status;
      expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
      expect(await ask({ authorization: `bearer ${token}` })).toBe(200);
      for (const authorization of [
        '',
        token,
        'Bearer',
        `Bearer ${token}x`,
        `Bearer ${token.slice(1)}`,
        `Basic ${token}`,
      ]) {
        expect(await ask({ authorization })).toBe(401);
      }
      expect(await ask({})).toBe(401);
      // A browser sends no token with a preflight.
      const preflight = await fetch(`${local.url}/decode`, { method: 'OPTIONS', headers: { origin: ui } });
      expect(preflight.status).toBe(204);
    } finally {
      await server.close();
    }
  });
});

describe('start', () => {
  it.each([
    ['codec-token-missing', { host: '0.0.0.0' }],
    ['codec-token-missing', { host: '::' }],
    ['codec-token-missing', { host: '' }],
    ['codec-token-missing', { host: '127.evil.example' }],
    ['codec-token-short', { token: 'short' }],
    ['codec-origin-malformed', { allowedOrigins: ['*'] }],
    ['codec-origin-malformed', { allowedOrigins: ['http://localhost:8233/'] }],
    ['codec-origin-malformed', { allowedOrigins: ['null'] }],
    ['codec-address-unavailable', { host: '127.0.0.1', port: 1e5 }],
  ])('is refused with %s for %j', async (code, settings) => {
    await expect(startCodecServer({ keyring, port: 0, allowedOrigins: [], ...settings })).rejects.toMatchObject({
      code,
    });
  });

  it('is refused for a taken port and another purpose’s keys', async () => {
    const server = await startCodecServer({ keyring, port: 0, allowedOrigins: [] });
    const port = Number(new URL(server.url).port);
    const second = startCodecServer({ keyring, port, allowedOrigins: [] });
    await expect(second).rejects.toMatchObject({ code: 'codec-address-unavailable' });
    await server.close();
    const staging = parseKeyring('staging', `v1:${Buffer.alloc(32, 1).toString('base64')}`);
    await expect(startCodecServer({ keyring: staging, port: 0, allowedOrigins: [] })).rejects.toMatchObject({
      code: 'key-wrong-purpose',
    });
  });

  it('knows loopback', () => {
    expect(['127.0.0.1', '127.8.9.1', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '10.0.0.1', '::', '127.0.0.1.example', 'example'].some(isLoopback)).toBe(false);
  });
});

/** Sends `megabytes` without a content length; the status, or 413 where the connection was cut after the refusal. */
function postUnannounced(server: CodecServer, megabytes: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sending = request(`${server.url}/decode`, { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode);
      sending.destroy();
    });
    sending.on('error', reject);
    for (let sent = 0; sent < megabytes; sent += 1) sending.write(Buffer.alloc(1024 * 1024));
    sending.end();
  });
}
