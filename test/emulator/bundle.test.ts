import { describe, expect, it } from '@jest/globals';
import { bundle, patient, rowsOf, withEmulator } from './calls.ts';

const observation = (id: string, subject: string): object => ({
  resourceType: 'Observation',
  id,
  subject: { reference: subject },
});

describe('a transaction', () => {
  it('runs its entries in the given order, and the same id twice makes two versions', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const answer = await call(
        'POST',
        '/fhir',
        bundle(
          'transaction',
          ['POST', '/Patient', patient('a', { active: true })],
          ['PUT', 'Patient/a', { active: false }],
          ['DELETE', 'Patient/a'],
          ['GET', 'Patient/a'],
        ),
      );
      // The read of what the transaction itself deleted fails, and takes the rest with it.
      expect(answer.status).toBe(410);
      const good = await call(
        'POST',
        '/fhir',
        bundle(
          'transaction',
          ['POST', '/Patient', patient('a')],
          ['PUT', 'Patient/a', { active: true }],
          ['GET', 'Patient/a'],
        ),
      );
      expect(good.json.type).toBe('transaction-response');
      expect(good.json.entry.map((entry: { response: { status: string } }) => entry.response.status)).toEqual([
        '201',
        '200',
        '200',
      ]);
      expect(good.json.entry[2].resource).toMatchObject({ active: true });
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0'))).toEqual(['created a@4', 'updated a@5']);
    });
  });

  it('deletes what others refer to as Aidbox does, or refuses it as HAPI FHIR does, once its referrers are not deleted with it', async () => {
    for (const deleteIntegrity of [false, true]) {
      await withEmulator({ deleteIntegrity }, async (emulator, call) => {
        emulator.load([patient('a'), patient('b')]);
        await call('PUT', '/fhir/Observation/o', observation('o', 'Patient/a'));
        const alone = await call('DELETE', '/fhir/Patient/a');
        expect([alone.status, emulator.read('Patient', 'a') === undefined]).toEqual(
          deleteIntegrity ? [409, false] : [200, true],
        );
        if (!deleteIntegrity) return;
        const both = bundle('transaction', ['DELETE', 'Patient/a'], ['DELETE', 'Observation/o']);
        expect((await call('POST', '/fhir', both)).status).toBe(200);
        expect((await call('DELETE', '/fhir/Patient/b')).status).toBe(200);
      });
    }
  });

  it('answers each entry with status, etag, location, time and resource; return=minimal leaves the resource out', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const send = bundle('transaction', ['PUT', 'Patient/a', patient('a')]);
      const full = (await call('POST', '/fhir', send)).json.entry[0];
      expect(full.response).toMatchObject({ status: '201', etag: '1', location: '/Patient/a/_history/1' });
      expect(full.resource).toMatchObject({ id: 'a', meta: { versionId: '1' } });
      const minimal = (await call('POST', '/fhir', send, { prefer: 'return=minimal' })).json.entry[0];
      expect(Object.keys(minimal)).toEqual(['response']);
      expect((await call('POST', '/fhir', send, { prefer: 'return=hs-headers-only' })).text).toBe('');
    });
  });

  it('rolls everything back when one entry fails, and answers with an OperationOutcome', async () => {
    await withEmulator({ culpritInOutcome: true }, async (emulator, call) => {
      const answer = await call(
        'POST',
        '/fhir',
        bundle(
          'transaction',
          ['PUT', 'Patient/a', patient('a')],
          ['PUT', 'Observation/o', observation('o', 'Patient/none')],
        ),
      );
      expect(answer.status).toBe(422);
      expect(answer.json).toMatchObject({
        resourceType: 'OperationOutcome',
        issue: [{ diagnostics: 'Referenced resource Patient/none does not exist', expression: ['Bundle.entry[1]'] }],
      });
      expect(emulator.store.versionCount).toBe(0);
      expect((await call('GET', '/fhir/Patient/a')).status).toBe(404);
    });
  });

  it('resolves urn:uuid references forward and backward, and conditional ones', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.put({ resourceType: 'Practitioner', id: 'dr', identifier: [{ system: 'urn:npi', value: '7' }] });
      const sent = {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          {
            fullUrl: 'urn:uuid:enc',
            request: { method: 'POST', url: 'Encounter' },
            resource: {
              diagnosis: [{ condition: { reference: 'urn:uuid:cond' } }],
              participant: [{ individual: { reference: 'Practitioner?identifier=urn:npi|7' } }],
            },
          },
          {
            fullUrl: 'urn:uuid:cond',
            request: { method: 'POST', url: 'Condition' },
            resource: { encounter: { reference: 'urn:uuid:enc' } },
          },
        ],
      };
      const [encounter, condition] = (await call('POST', '/fhir', sent)).json.entry.map(
        (e: { resource: object }) => e.resource,
      );
      expect(encounter.diagnosis[0].condition.reference).toBe(`Condition/${condition.id as string}`);
      expect(condition.encounter.reference).toBe(`Encounter/${encounter.id as string}`);
      expect(encounter.participant[0].individual.reference).toBe('Practitioner/dr');
    });
  });

  it('refuses a conditional reference that matches none or many with 412', async () => {
    await withEmulator({}, async (emulator, call) => {
      const sent = bundle('transaction', ['PUT', 'Observation/o', observation('o', 'Patient?identifier=urn:s|1')]);
      expect((await call('POST', '/fhir', sent)).status).toBe(412);
      emulator.load(['a', 'b'].map((id) => patient(id, { identifier: [{ system: 'urn:s', value: '1' }] })));
      expect((await call('POST', '/fhir', sent)).status).toBe(412);
      emulator.delete('Patient', 'b');
      expect((await call('POST', '/fhir', sent)).json.entry[0].resource.subject.reference).toBe('Patient/a');
    });
  });

  it('searches what it has written itself in its newest state', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.put(patient('a', { language: 'old' }));
      const sent = bundle(
        'transaction',
        ['PUT', 'Patient/a', patient('a', { language: 'new' })],
        ['GET', 'Patient'],
        ['GET', 'Patient?language=old'],
      );
      const { entry } = (await call('POST', '/fhir', sent)).json;
      expect([entry[1].resource.total, entry[2].resource.total]).toEqual([1, 0]);
    });
  });

  it('resolves relative references to later entries only when the option says so', async () => {
    const forward = bundle(
      'transaction',
      ['PUT', 'Observation/o', observation('o', 'Patient/a')],
      ['PUT', 'Patient/a', patient('a')],
    );
    await withEmulator({ forwardReferences: true }, async (_emulator, call) => {
      expect((await call('POST', '/fhir', forward)).status).toBe(200);
      const dangling = bundle('transaction', ['PUT', 'Observation/o', observation('o', 'Patient/none')]);
      expect((await call('POST', '/fhir', dangling)).status).toBe(422);
    });
    await withEmulator({ forwardReferences: false }, async (_emulator, call) => {
      expect((await call('POST', '/fhir', forward)).status).toBe(422);
    });
  });

  it('obeys or ignores ifMatch of an entry as the option says', async () => {
    for (const [entryIfMatch, status] of [
      ['obeyed', 412],
      ['ignored', 200],
    ] as const) {
      await withEmulator({ entryIfMatch }, async (emulator, call) => {
        emulator.put(patient('a'));
        const guarded = bundle('transaction', ['PUT', 'Patient/a', patient('a'), { ifMatch: 'W/"99"' }]);
        expect((await call('POST', '/fhir', guarded)).status).toBe(status);
        const right = bundle('transaction', [
          'PUT',
          'Patient/a',
          patient('a'),
          { ifMatch: `W/"${String(emulator.store.head('Patient'))}"` },
        ]);
        expect((await call('POST', '/fhir', right)).status).toBe(200);
      });
    }
  });

  it('is fenced by a POST of an id of its own: the second one gets 409 and changes nothing', async () => {
    await withEmulator({ entryIfMatch: 'ignored' }, async (emulator, call) => {
      const fenced = bundle(
        'transaction',
        ['POST', 'Basic', { resourceType: 'Basic', id: 'marker-1' }],
        ['PUT', 'Patient/a', patient('a')],
      );
      expect((await call('POST', '/fhir', fenced)).status).toBe(200);
      expect((await call('POST', '/fhir', fenced)).status).toBe(409);
      expect(emulator.store.versions('Patient', 'a')).toHaveLength(1);
    });
  });

  it('takes a txid for each entry, or one for all', async () => {
    for (const [txidPer, versions] of [
      ['entry', ['1', '2', '3']],
      ['transaction', ['1', '1', '2']],
    ] as const) {
      await withEmulator({ txidPer }, async (_emulator, call) => {
        const sent = bundle(
          'transaction',
          ['PUT', 'Patient/a', patient('a')],
          ['PUT', 'Patient/b', patient('b')],
          ['PUT', 'Patient/a', patient('a')],
        );
        const answer = await call('POST', '/fhir', sent);
        expect(answer.json.entry.map((entry: { response: { etag: string } }) => entry.response.etag)).toEqual(versions);
      });
    }
  });

  it('finds what ifNoneExist names instead of creating it again', async () => {
    await withEmulator({}, async (_emulator, call) => {
      const identifier = [{ system: 'urn:s', value: '1' }];
      const sent = bundle('transaction', [
        'POST',
        'Patient',
        { resourceType: 'Patient', identifier },
        { ifNoneExist: 'identifier=urn:s|1' },
      ]);
      const statuses = [];
      for (const _ of [1, 2]) statuses.push((await call('POST', '/fhir', sent)).json.entry[0].response.status);
      expect(statuses).toEqual(['201', '200']);
    });
  });
});

describe('a batch', () => {
  it('answers each entry for itself', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a'), patient('gone')]);
      emulator.delete('Patient', 'gone');
      const answer = await call(
        'POST',
        '/fhir',
        bundle(
          'batch',
          ['GET', 'Patient/a'],
          ['GET', 'Patient/none'],
          ['GET', 'Patient/gone'],
          ['PUT', 'Observation/o', observation('o', 'Patient/none')],
          ['PUT', 'Patient/b', patient('b')],
        ),
      );
      expect(answer.json.type).toBe('batch-response');
      expect(answer.json.entry.map((entry: { response: { status: string } }) => entry.response.status)).toEqual([
        '200',
        '404',
        '410',
        '422',
        '201',
      ]);
      expect(answer.json.entry[0].resource).toMatchObject({ resourceType: 'Patient', id: 'a' });
      expect(answer.json.entry[1].resource.resourceType).toBe('OperationOutcome');
    });
  });
});
