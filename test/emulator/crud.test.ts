import { describe, expect, it } from '@jest/globals';
import { patient, withEmulator } from './calls.ts';

describe('single interactions', () => {
  it('POST answers 201 with ETag and Location, and 409 when the id is there', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const created = await call('POST', '/fhir/Patient', patient('a'));
      expect([created.status, created.headers.get('etag'), created.headers.get('location')]).toEqual([
        201,
        'W/"1"',
        '/fhir/Patient/a/_history/1',
      ]);
      expect((await call('POST', '/fhir/Patient', patient('a'))).status).toBe(409);
      const named = await call('POST', '/fhir/Patient', { resourceType: 'Patient' });
      expect(named.json.id).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  it('PUT creates with 201 and updates with 200, the id being that of the URL', async () => {
    await withEmulator({}, async (_emulator, call) => {
      expect((await call('PUT', '/fhir/Patient/a', { active: true })).status).toBe(201);
      const updated = await call('PUT', '/fhir/Patient/a', patient('other', { active: false }));
      expect([updated.status, updated.json.id, updated.json.meta.versionId]).toEqual([200, 'a', '2']);
    });
  });

  it('If-Match lets only the named version be written, in any of its forms', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const put = async (ifMatch: string): Promise<number> =>
        (await call('PUT', '/fhir/Patient/a', patient('a'), { 'if-match': ifMatch })).status;
      expect(await put('*')).toBe(412);
      await call('PUT', '/fhir/Patient/a', patient('a'));
      expect([await put('9'), await put('"1"'), await put('W/"2"'), await put('3'), await put('*')]).toEqual([
        412, 200, 200, 200, 200,
      ]);
      const refused = await call('PUT', '/fhir/Patient/a', patient('a'), { 'if-match': '1' });
      expect(refused.json.issue[0].diagnostics).toBe('Version Id mismatch');
    });
  });

  it('DELETE answers 200 with the body, 204 when told so or already gone, and does not look at references', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([
        patient('a'),
        patient('b'),
        { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/a' } },
      ]);
      const deleted = await call('DELETE', '/fhir/Patient/a');
      expect([deleted.status, deleted.json.id]).toEqual([200, 'a']);
      expect((await call('DELETE', '/fhir/Patient/a')).status).toBe(204);
      expect((await call('DELETE', '/fhir/Patient/b?_no-content=true')).status).toBe(204);
      expect((await call('GET', '/fhir/Patient/a')).status).toBe(410);
      expect((await call('PUT', '/fhir/Patient/a', patient('a'))).status).toBe(201);
    });
  });

  it('GET answers 304 to the ETag it gave', async () => {
    await withEmulator({}, async (_emulator, call) => {
      await call('PUT', '/fhir/Patient/a', patient('a'));
      const read = await call('GET', '/fhir/Patient/a');
      expect(read.headers.get('etag')).toBe('W/"1"');
      expect((await call('GET', '/fhir/Patient/a', undefined, { 'if-none-match': 'W/"1"' })).status).toBe(304);
      expect((await call('GET', '/fhir/Patient/a', undefined, { 'if-none-match': 'W/"0"' })).status).toBe(200);
    });
  });

  it('conditional writes take the one match, create when there is none, and refuse many with 412', async () => {
    await withEmulator({}, async (emulator, call) => {
      const named = (family: string): object => ({ resourceType: 'Patient', name: [{ family }] });
      const put = async (): Promise<number> =>
        (await call('PUT', '/fhir/Patient?name.family=Julie', named('Julie'))).status;
      expect([await put(), await put()]).toEqual([201, 200]);
      emulator.put({ ...patient('twin'), ...named('Julie') });
      expect(await put()).toBe(412);
      expect((await call('POST', '/fhir/Patient', named('Tom'), { 'if-none-exist': 'name.family=Tom' })).status).toBe(
        201,
      );
      expect((await call('POST', '/fhir/Patient', named('Tom'), { 'if-none-exist': 'name.family=Tom' })).status).toBe(
        200,
      );
    });
  });

  it('refuses what is no resource of the type', async () => {
    await withEmulator({}, async (_emulator, call) => {
      expect((await call('PUT', '/fhir/Patient/a', [])).status).toBe(422);
      expect((await call('PUT', '/fhir/Patient/a', { resourceType: 'Group' })).status).toBe(422);
      expect((await call('PUT', '/fhir/Patient/a_b', patient('a'))).status).toBe(422);
      expect((await call('PUT', '/fhir/Patient/a', '{"resourceType":')).status).toBe(400);
      expect((await call('PATCH', '/fhir/Patient/a', {})).status).toBe(404);
    });
  });

  it('keeps the version of unchanged content only when the option says so', async () => {
    for (const [unchangedPut, version] of [
      ['new-version', '2'],
      ['same-version', '1'],
    ] as const) {
      await withEmulator({ unchangedPut }, async (_emulator, call) => {
        await call('PUT', '/fhir/Patient/a', { active: true, gender: 'other', meta: { tag: [{ code: 't' }] } });
        const again = await call('PUT', '/fhir/Patient/a', {
          gender: 'other',
          active: true,
          meta: { tag: [{ code: 't' }] },
        });
        expect(again.json.meta).toMatchObject({ versionId: version, tag: [{ code: 't' }] });
      });
    }
  });

  it('notes the time of creation in meta as the vendor does', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    await withEmulator({ createdAtUrl: 'ex:createdAt', nowMs: () => nowMs }, async (_emulator, call) => {
      await call('PUT', '/fhir/Patient/a', patient('a'));
      nowMs += 1000;
      const { meta } = (await call('PUT', '/fhir/Patient/a', patient('a'))).json;
      expect(meta).toEqual({
        versionId: '2',
        lastUpdated: '2026-01-01T00:00:01.000Z',
        extension: [{ url: 'ex:createdAt', valueInstant: '2026-01-01T00:00:00.000Z' }],
      });
      expect((await call('GET', '/Patient/a')).json.meta).toEqual({
        versionId: '2',
        lastUpdated: '2026-01-01T00:00:01.000Z',
        createdAt: '2026-01-01T00:00:00.000Z',
      });
    });
  });
});

describe('references', () => {
  const observation = {
    resourceType: 'Observation',
    id: 'o',
    subject: { reference: 'Patient/x' },
    performer: [{ reference: 'Practitioner/y' }],
    focus: [{ reference: 'Observation/o' }, { reference: 'https://elsewhere.example/Patient/1' }, { reference: '#c' }],
    contained: [{ resourceType: 'Specimen', id: 'c', subject: { reference: 'Patient/x' } }],
  };

  it('to what is not there are refused with one issue for each target; absolute and contained ones are not looked at', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const refused = await call('PUT', '/fhir/Observation/o', observation);
      expect(refused.status).toBe(422);
      expect(refused.json.issue.map((issue: { diagnostics: string }) => issue.diagnostics)).toEqual([
        'Referenced resource Patient/x does not exist',
        'Referenced resource Practitioner/y does not exist',
      ]);
    });
  });

  it('are not checked when the server allows the skip and the request asks for it', async () => {
    for (const [referenceSkipAllowed, status] of [
      [true, 201],
      [false, 422],
    ] as const) {
      await withEmulator({ referenceSkipAllowed }, async (_emulator, call) => {
        const answer = await call('PUT', '/fhir/Observation/o', observation, { 'aidbox-validation-skip': 'reference' });
        expect(answer.status).toBe(status);
      });
    }
  });

  it('that a bulk load leaves open are reported', async () => {
    await withEmulator({}, async (emulator) => {
      const report = emulator.load([observation, { resourceType: 'Practitioner', id: 'y' }]);
      expect(report).toEqual({ count: 2, missing: ['Patient/x'] });
      await Promise.resolve();
    });
  });
});

describe('custom resource types', () => {
  const definition = {
    resourceType: 'StructureDefinition',
    id: 'ChangesInfo',
    name: 'ChangesInfo',
    type: 'ChangesInfo',
    kind: 'logical',
    derivation: 'specialization',
  };

  it('are unknown until their StructureDefinition or Entity is there', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const unknown = await call('PUT', '/fhir/ChangesInfo/c', { version: 1 });
      expect([unknown.status, unknown.json.issue[0].diagnostics]).toEqual([
        404,
        'resource type not known: ChangesInfo',
      ]);
      await call('POST', '/fhir/StructureDefinition', {
        ...definition,
        kind: 'complex-type',
        id: 'Other',
        name: 'Other',
        type: 'Other',
      });
      expect((await call('GET', '/fhir/Other')).status).toBe(404);
      await call('POST', '/fhir/StructureDefinition', definition);
      expect((await call('PUT', '/fhir/ChangesInfo/c', { version: 1 })).status).toBe(201);
      expect((await call('GET', '/ChangesInfo/$changes')).json.version).toBeGreaterThan(0);
      await call('PUT', '/Entity/AidboxInstance', { type: 'resource', isOpen: true });
      expect((await call('PUT', '/AidboxInstance/i', { enabled: true })).status).toBe(201);
    });
  });
});
