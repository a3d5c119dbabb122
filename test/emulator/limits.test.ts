import { describe, expect, it, jest } from '@jest/globals';
import { bundle, patient, withEmulator } from './calls.ts';

describe('limits', () => {
  it('refuses a body beyond 20 MiB with 413, and takes one just below', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const filled = (bytes: number): string => `{"resourceType":"Patient","language":"${'x'.repeat(bytes)}"}`;
      expect((await call('PUT', '/fhir/Patient/a', filled(20 * 1024 * 1024))).status).toBe(413);
      expect((await call('PUT', '/fhir/Patient/a', filled(20 * 1024 * 1024 - 100))).status).toBe(201);
    });
  });

  it('refuses a URL beyond 8,192 characters with 414', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const path = (length: number): string => '/fhir/Patient?_id='.padEnd(length, 'x');
      expect((await call('GET', path(8193))).status).toBe(414);
      expect((await call('GET', path(8192))).status).toBe(200);
    });
  });

  it('serves a resource of 50 MB that was loaded behind the API', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([{ resourceType: 'Binary', id: 'big', data: 'A'.repeat(50_000_000) }]);
      const answer = await call('GET', '/Binary/$changes?version=0&fhir=true');
      expect(answer.text.length).toBeGreaterThan(50_000_000);
    });
  });
});

describe('work per request, counted', () => {
  it('is one JSON.parse for a transaction of 200 entries, and none for a page of $changes in FHIR format', async () => {
    await withEmulator({}, async (emulator, call) => {
      const entries = Array.from({ length: 200 }, (_, index): [string, string, object] => [
        'PUT',
        `Patient/p${String(index)}`,
        patient('x'),
      ]);
      const sent = JSON.stringify(bundle('transaction', ...entries));
      const parse = jest.spyOn(JSON, 'parse');
      try {
        await fetch(`${emulator.url}/fhir`, { method: 'POST', body: sent });
        expect(parse).toHaveBeenCalledTimes(1);
        parse.mockClear();
        await (await fetch(`${emulator.url}/Patient/$changes?version=0&fhir=true`)).text();
        expect(parse).not.toHaveBeenCalled();
      } finally {
        parse.mockRestore();
      }
      expect((await call('GET', '/Patient/$changes')).json.version).toBe(200);
    });
  });
});
