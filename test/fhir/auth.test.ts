import { describe, expect, it, jest } from '@jest/globals';

import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { createAidbox } from '../../src/fhir/aidbox.ts';
import { type Authorizer, clientCredentials } from '../../src/fhir/auth.ts';
import { type Aidbox, phi, problemOf, transportTo, withAidbox, withServer } from './servers.ts';

const oauth = (url: string, requestTimeoutSeconds = 5): Authorizer =>
  clientCredentials({ tokenUrl: `${url}/auth/token`, client: 'c', secret: `secret-${phi}`, requestTimeoutSeconds });

const withOauth = (
  options: EmulatorOptions,
  act: (aidbox: Aidbox, emulator: Emulator) => Promise<void>,
): Promise<void> => withAidbox(options, act, ({ url }) => ({ authorizer: oauth(url) }));

const tokens = (emulator: Emulator): number => emulator.counters.of('POST /auth/token');

describe('client credentials', () => {
  it.each([true, false])('take one token for all requests, expires_in %s', async (tokenSaysExpiry) => {
    await withOauth({ tokenSaysExpiry }, async (aidbox, emulator) => {
      await Promise.all([aidbox.head('Patient'), aidbox.head('Patient'), aidbox.head('Encounter')]);
      await aidbox.head('Patient');
      expect(tokens(emulator)).toBe(1);
    });
  });

  it.each([
    [100, 90],
    [3_600, 3_540],
  ])('renew a token of %i seconds after %i', async (tokenLifeSeconds, renewedSeconds) => {
    const start = Date.now();
    let nowMs = start;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    try {
      await withOauth({ tokenLifeSeconds, nowMs: () => nowMs }, async (aidbox, emulator) => {
        for (const [seconds, count] of [
          [0, 1],
          [renewedSeconds - 1, 1],
          [renewedSeconds + 1, 2],
        ] as const) {
          nowMs = start + seconds * 1_000;
          await aidbox.head('Patient');
          expect(tokens(emulator)).toBe(count);
        }
        expect(emulator.counters.answers.get(401)).toBeUndefined();
      });
    } finally {
      clock.mockRestore();
    }
  });

  it('renew a refused token once, and one for all who hold it', async () => {
    await withOauth({ tokenSaysExpiry: false }, async (aidbox, emulator) => {
      await aidbox.head('Patient');
      emulator.revokeTokens();
      expect(await Promise.all(Array.from({ length: 8 }, () => aidbox.head('Patient')))).toEqual(Array(8).fill(0));
      expect(tokens(emulator)).toBe(2);
      emulator.counters.reset();
      emulator.faults.push({
        match: { pathRegex: 'changes' },
        times: 9,
        action: { kind: 'answer', status: 401, body: phi },
      });
      expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'status', status: 401 });
      expect([emulator.counters.of('GET /{Type}/$changes'), tokens(emulator)]).toEqual([2, 1]);
    });
  });

  it('keep a new token where a late 401 refuses the old one', async () => {
    await withAidbox({}, async (_aidbox, emulator) => {
      const authorizer = oauth(emulator.url);
      const first = await authorizer.header();
      expect(authorizer.renew(first)).toBe(true);
      const second = await authorizer.header();
      expect(authorizer.renew(first)).toBe(true);
      expect(await authorizer.header()).toBe(second);
      expect(second).not.toBe(first);
    });
  });

  it.each([
    [400, { status: 401 }],
    [401, { status: 401 }],
    [403, { status: 401 }],
    [429, { status: 429, retryAfterSeconds: 9 }],
    [503, { status: 503, retryAfterSeconds: 9 }],
    [500, { status: 500 }],
    [408, { status: 408 }],
    [302, { status: 302 }],
  ])('say of a token endpoint that answers %i what it is', async (status, expected) => {
    await withOauth({}, async (aidbox, emulator) => {
      const headers = { 'retry-after': '9', location: 'http://127.0.0.1:1/' };
      emulator.faults.push({
        match: { pathRegex: 'token' },
        action: { kind: 'answer', status, headers, body: { error: phi } },
      });
      expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'status', ...expected });
      // A failure is not remembered.
      expect(await aidbox.head('Patient')).toBe(0);
    });
  });

  it.each([['cut'], ['refuse'], ['drop']] as const)('survive a connection that fails: %s', async (kind) => {
    await withOauth({}, async (aidbox, emulator) => {
      emulator.faults.push({ match: { pathRegex: 'token' }, action: { kind } });
      expect((await problemOf(aidbox.head('Patient'))).failure).toBe('unreachable');
      expect(await aidbox.head('Patient')).toBe(0);
    });
  });

  it('do not keep a stopping worker, and give a silent endpoint up', async () => {
    await withAidbox(
      {},
      async (aidbox, emulator) => {
        emulator.faults.push({ match: { pathRegex: 'token' }, action: { kind: 'hang' } });
        const abort = new AbortController();
        const first = problemOf(aidbox.head('Patient', abort.signal));
        const second = problemOf(aidbox.head('Patient'));
        abort.abort();
        expect((await first).failure).toBe('given-back');
        expect((await second).failure).toBe('unreachable');
      },
      ({ url }) => ({ authorizer: oauth(url, 0.3) }),
    );
  });

  it.each([
    ['<html>'],
    ['null'],
    ['[]'],
    ['{}'],
    ['{"access_token":5}'],
    ['{"access_token":""}'],
    [`{"access_token":"a\\nX-Injected: ${phi}"}`],
    [`{"access_token":"${'x'.repeat(300_000)}"}`],
  ])('refuse a token answer such as %.40s', async (text) => {
    await withServer(
      (_request, response) => response.end(text),
      async (url) => {
        const aidbox = createAidbox(transportTo(url, { authorizer: oauth(url) }));
        expect((await problemOf(aidbox.head('Patient'))).failure).toMatch(/^answer-(malformed|too-large)$/);
      },
    );
  });

  it('send the secret in the body, never in the address', async () => {
    await withOauth({}, async (aidbox, emulator) => {
      await aidbox.head('Patient');
      const [first] = emulator.requests;
      expect([first?.path, JSON.parse(first?.body ?? '')]).toEqual([
        '/auth/token',
        { grant_type: 'client_credentials', client_id: 'c', client_secret: `secret-${phi}` },
      ]);
    });
  });
});

describe('Basic', () => {
  it('is refused with a wrong secret, and not tried again', async () => {
    await withAidbox({}, async (aidbox, emulator) => {
      emulator.addClient('c', 'another');
      expect(await problemOf(aidbox.head('Patient'))).toMatchObject({ failure: 'status', status: 401 });
      expect(emulator.counters.total).toBe(1);
    });
  });
});
