import { describe, expect, it } from '@jest/globals';
import { bundle, patient, withEmulator } from './calls.ts';

describe('faults', () => {
  it('answer in place of the server, as often as they are told, on the requests that match', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.faults.push({
        match: { method: 'PUT', pathRegex: '^/fhir/Patient/', bodyIncludes: 'needle' },
        skip: 1,
        times: 2,
        action: {
          kind: 'answer',
          status: 429,
          headers: { 'retry-after': '7' },
          body: { resourceType: 'OperationOutcome' },
        },
      });
      const put = async (): Promise<number> =>
        (await call('PUT', '/fhir/Patient/a', patient('a', { language: 'needle' }))).status;
      expect((await call('PUT', '/fhir/Patient/b', patient('b'))).status).toBe(201);
      expect([await put(), await put()]).toEqual([201, 429]);
      const last = await call('PUT', '/fhir/Patient/a', patient('a', { language: 'needle' }));
      expect([last.status, last.headers.get('retry-after')]).toEqual([429, '7']);
      expect(await put()).toBe(200);
      expect([emulator.faults.pendingCount, emulator.faults.hitCount]).toEqual([0, 2]);
    });
  });

  it('cut the connection in the middle of a body', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a', { language: 'x'.repeat(1000) })]);
      emulator.faults.push({ action: { kind: 'cut' } });
      await expect(call('GET', '/fhir/Patient/a')).rejects.toThrow();
      expect((await call('GET', '/fhir/Patient/a')).status).toBe(200);
    });
  });

  it('drop the answer of a request that has taken effect, or refuse it before it has', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.faults.push({ action: { kind: 'drop' } }, { action: { kind: 'refuse' } });
      await expect(call('PUT', '/fhir/Patient/a', patient('a'))).rejects.toThrow();
      expect(emulator.read('Patient', 'a')).toBeDefined();
      await expect(call('PUT', '/fhir/Patient/b', patient('b'))).rejects.toThrow();
      expect(emulator.read('Patient', 'b')).toBeUndefined();
      emulator.faults.push({ action: { kind: 'answer', status: 502, applied: true } });
      expect((await call('PUT', '/fhir/Patient/b', patient('b'))).status).toBe(502);
      expect(emulator.read('Patient', 'b')).toBeDefined();
    });
  });

  it('send truncated or malformed JSON with 200', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a')]);
      emulator.faults.push({ action: { kind: 'truncate' } }, { action: { kind: 'malformed' } });
      for (const _ of [1, 2]) {
        const answer = await call('GET', '/fhir/Patient/a');
        expect([answer.status, answer.json]).toEqual([200, undefined]);
      }
    });
  });

  it('refuse a transaction as one that could not be serialized', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.faults.push({ match: { bodyIncludes: 'transaction' }, action: { kind: 'conflict' } });
      const send = bundle('transaction', ['PUT', 'Patient/a', patient('a')]);
      expect((await call('POST', '/fhir', send)).status).toBe(412);
      expect((await call('POST', '/fhir', send)).status).toBe(200);
    });
  });

  it('delay an answer, or never give one', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.faults.push({ action: { kind: 'delay', delayMs: 30 } });
      const before = performance.now();
      expect((await call('GET', '/fhir/Patient')).status).toBe(200);
      expect(performance.now() - before).toBeGreaterThan(25);
      emulator.faults.push({ action: { kind: 'hang' } });
      await expect(fetch(`${emulator.url}/fhir/Patient`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    });
  });
});

describe('what the emulator remembers', () => {
  it('counts requests by route, answers by status, resources in and out', async () => {
    await withEmulator({}, async (emulator, call) => {
      await call(
        'POST',
        '/fhir',
        bundle('transaction', ['PUT', 'Patient/a', patient('a')], ['PUT', 'Patient/b', patient('b')]),
      );
      await call('GET', '/Patient/$changes?version=0');
      await call('GET', '/Patient/$changes?version=2');
      const { counters } = emulator;
      expect(Object.fromEntries(counters.requests)).toEqual({ 'POST /fhir': 1, 'GET /{Type}/$changes': 2 });
      expect(Object.fromEntries(counters.answers)).toEqual({ 200: 2, 304: 1 });
      expect([counters.total, counters.resourcesIn, counters.resourcesOut]).toEqual([3, 2, 2]);
      counters.reset();
      expect(counters.total).toBe(0);
    });
  });

  it('keeps requests without their credentials, bodies only when told', async () => {
    for (const record of ['nothing', 'lines', 'bodies'] as const) {
      await withEmulator({ record }, async (emulator, call) => {
        await call('PUT', '/fhir/Patient/a?x=1', patient('a'), { authorization: 'Basic secret' });
        expect(emulator.requests).toHaveLength(record === 'nothing' ? 0 : 1);
        expect(JSON.stringify(emulator.requests)).not.toContain('secret');
        if (record !== 'nothing')
          expect(emulator.requests[0]).toMatchObject({ method: 'PUT', path: '/fhir/Patient/a?x=1' });
        expect(emulator.requests[0]?.body !== undefined).toBe(record === 'bodies');
      });
    }
  });
});
