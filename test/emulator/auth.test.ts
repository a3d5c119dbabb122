import { describe, expect, it } from '@jest/globals';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Call } from './calls.ts';
import { basic, bundle, caller, patient, withEmulator } from './calls.ts';

const policy = (emulator: Emulator, matcho: object, clientId = 'c'): void => {
  emulator.addClient(clientId, 'secret', { engine: 'matcho', matcho } as never);
};
const as = (emulator: Emulator): Call => caller(emulator, basic('c', 'secret'));

describe('authentication', () => {
  it('refuses with 401 who sends nothing, a wrong secret or an unknown token', async () => {
    await withEmulator({ insecure: false }, async (emulator, call) => {
      emulator.addClient('c', 'secret');
      expect((await call('GET', '/fhir/Patient')).status).toBe(401);
      expect((await caller(emulator, basic('c', 'wrong'))('GET', '/fhir/Patient')).status).toBe(401);
      expect((await caller(emulator, basic('nobody', ''))('GET', '/fhir/Patient')).status).toBe(401);
      expect((await caller(emulator, 'Bearer x')('GET', '/fhir/Patient')).status).toBe(401);
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(200);
      expect((await call('GET', '/health')).status).toBe(200);
      expect((await call('GET', '/fhir/metadata')).json.fhirVersion).toBe('4.0.1');
    });
  });

  it('gives tokens for client credentials, by JSON or form, with or without expires_in', async () => {
    for (const tokenSaysExpiry of [true, false]) {
      await withEmulator({ insecure: false, tokenSaysExpiry }, async (emulator, call) => {
        emulator.addClient('c', 'secret');
        const fields = { grant_type: 'client_credentials', client_id: 'c', client_secret: 'secret' };
        const byJson = await call('POST', '/auth/token', fields);
        const form = { 'content-type': 'application/x-www-form-urlencoded' };
        const byForm = await call('POST', '/auth/token', new URLSearchParams(fields).toString(), form);
        expect('expires_in' in (byForm.json as object)).toBe(tokenSaysExpiry);
        for (const { json } of [byJson, byForm]) {
          const bearer = caller(emulator, `Bearer ${(json as { access_token: string }).access_token}`);
          expect((await bearer('GET', '/fhir/Patient')).status).toBe(200);
        }
        expect((await call('POST', '/auth/token', { ...fields, client_secret: 'x' })).status).toBe(401);
        expect((await call('POST', '/auth/token', { ...fields, grant_type: 'password' })).status).toBe(400);
      });
    }
  });

  it('ends tokens after their life and when they are revoked', async () => {
    let nowMs = 0;
    await withEmulator({ insecure: false, tokenLifeSeconds: 60, nowMs: () => nowMs }, async (emulator, call) => {
      emulator.addClient('c', 'secret');
      const login = async (): Promise<Call> => {
        const answer = await call('POST', '/auth/token', {
          grant_type: 'client_credentials',
          client_id: 'c',
          client_secret: 'secret',
        });
        return caller(emulator, `Bearer ${(answer.json as { access_token: string }).access_token}`);
      };
      const first = await login();
      nowMs = 59_999;
      expect((await first('GET', '/fhir/Patient')).status).toBe(200);
      nowMs = 60_000;
      expect((await first('GET', '/fhir/Patient')).status).toBe(401);
      const second = await login();
      emulator.revokeTokens();
      expect((await second('GET', '/fhir/Patient')).status).toBe(401);
    });
  });
});

describe('access policies', () => {
  it('deny by default: a new client may do nothing', async () => {
    await withEmulator({ insecure: false }, async (emulator) => {
      emulator.addClient('c', 'secret', 'none');
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(403);
      emulator.addClient('other', 'secret');
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(403);
    });
  });

  it('match method and uri, and only for the linked client', async () => {
    await withEmulator({ insecure: false }, async (emulator) => {
      policy(emulator, { uri: '#^/Patient(/.*)?$', 'request-method': { $enum: ['get'] }, client: { id: 'c' } });
      emulator.addClient('other', 'secret', 'none');
      expect((await as(emulator)('GET', '/Patient/$changes')).status).toBe(200);
      expect((await as(emulator)('GET', '/Encounter/$changes')).status).toBe(403);
      expect((await as(emulator)('PUT', '/Patient/a', patient('a'))).status).toBe(403);
      expect((await caller(emulator, basic('other', 'secret'))('GET', '/Patient/$changes')).status).toBe(403);
    });
  });

  it('are asked for a bundle and for each of its entries', async () => {
    await withEmulator({ insecure: false }, async (emulator) => {
      policy(emulator, { uri: { '$one-of': ['/fhir', '#^/fhir/Patient/'] } });
      const call = as(emulator);
      expect((await call('POST', '/fhir', bundle('transaction', ['PUT', 'Patient/a', patient('a')]))).status).toBe(200);
      const group = { resourceType: 'Group', id: 'g' };
      const both: [string, string, object][] = [
        ['PUT', 'Patient/b', patient('b')],
        ['PUT', 'Group/g', group],
      ];
      expect((await call('POST', '/fhir', bundle('transaction', ...both))).status).toBe(403);
      expect(emulator.read('Patient', 'b')).toBeUndefined();
      const batch = await call('POST', '/fhir', bundle('batch', ...both));
      expect(batch.json.entry.map((entry: { response: { status: string } }) => entry.response.status)).toEqual([
        '201',
        '403',
      ]);
    });
  });

  it('of engines or operators that are not known let nobody in', async () => {
    await withEmulator({ insecure: false }, async (emulator) => {
      emulator.addClient('c', 'secret', { engine: 'sql', sql: { query: 'SELECT true' } });
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(403);
      policy(emulator, { uri: { $magic: true } });
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(403);
      policy(emulator, { params: { 'resource/type': 'present?', missing: 'nil?' } });
      expect((await as(emulator)('GET', '/fhir/Patient')).status).toBe(200);
    });
  });
});
