import { describe, expect, it } from '@jest/globals';
import { patient, rowsOf, withEmulator } from './calls.ts';

describe('$changes', () => {
  it('names the newest version of a type, from a sequence that all types share', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a'), { resourceType: 'Organization', id: 'o' }, patient('b')]);
      expect((await call('GET', '/Patient/$changes')).json).toEqual({ version: 3 });
      expect((await call('GET', '/Organization/$changes')).json).toEqual({ version: 2 });
      expect((await call('GET', '/Patient/a/$changes')).json).toEqual({ version: 1 });
      expect((await call('GET', '/Encounter/$changes')).json).toEqual({ version: 0 });
    });
  });

  it('answers 304 when nothing is newer than the version', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a')]);
      const answer = await call('GET', '/Patient/$changes?version=1');
      expect([answer.status, answer.text]).toEqual([304, '']);
      expect((await call('GET', '/Patient/$changes?version=99')).status).toBe(304);
    });
  });

  it('leaves the lower end of a range out and takes the upper end in, and answers with the upper end', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load(['a', 'b', 'c', 'd'].map((id) => patient(id)));
      const answer = await call('GET', '/Patient/$changes?version=1,3&fhir=true');
      expect(rowsOf(answer)).toEqual(['created b@2', 'created c@3']);
      expect((answer.json as { version: number }).version).toBe(3);
    });
  });

  it('has one row for each version, deletes with the last resource', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.put(patient('a', { active: true }));
      emulator.put(patient('a', { active: false }));
      emulator.delete('Patient', 'a');
      emulator.put(patient('a'));
      const answer = await call('GET', '/Patient/a/$changes?version=0&fhir=true');
      expect(rowsOf(answer)).toEqual(['created a@1', 'updated a@2', 'deleted a@3', 'created a@4']);
      expect(answer.json.changes[2].resource).toMatchObject({ resourceType: 'Patient', id: 'a', active: false });
    });
  });

  it('pages stably over a pinned range, in any order, with a total when asked', async () => {
    for (const changesOrder of ['ascending', 'descending', 'shuffled'] as const) {
      await withEmulator({ changesOrder, seed: 5 }, async (emulator, call) => {
        emulator.load(Array.from({ length: 10 }, (_, index) => patient(`p${String(index)}`)));
        const pages = [];
        for (const page of [1, 2, 3, 4, 5]) {
          const answer = await call(
            'GET',
            `/Patient/$changes?version=0,10&_count=3&_page=${String(page)}&_total=accurate`,
          );
          expect(answer.json.total).toBe(10);
          pages.push(rowsOf(answer));
          emulator.put(patient(`late${String(page)}`));
        }
        expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 1, 0]);
        const whole = rowsOf(await call('GET', '/Patient/$changes?version=0,10'));
        expect(pages.flat()).toEqual(whole);
        expect(new Set(whole).size).toBe(10);
        const ascending = [...whole].sort((a, b) => Number(a.split('@')[1]) - Number(b.split('@')[1]));
        if (changesOrder === 'ascending') expect(whole).toEqual(ascending);
        if (changesOrder === 'descending') expect(whole).toEqual(ascending.reverse());
        if (changesOrder === 'shuffled') expect(whole).not.toEqual(ascending);
      });
    }
  });

  it('turns only the resource into FHIR format, or leaves id and type alone', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.put({ resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/a' }, valueString: 'x' });
      const aidbox = (await call('GET', '/Observation/$changes?version=0')).json.changes[0];
      expect(aidbox.resource).toMatchObject({ subject: { resourceType: 'Patient', id: 'a' }, value: { string: 'x' } });
      const fhir = (await call('GET', '/Observation/$changes?version=0&fhir=true')).json.changes[0];
      expect(fhir.resource).toMatchObject({ subject: { reference: 'Patient/a' }, valueString: 'x' });
      const bare = (await call('GET', '/Observation/$changes?version=0&omit-resources=true')).json.changes;
      expect(bare).toEqual([{ event: 'created', resource: { id: 'o', resourceType: 'Observation' } }]);
    });
  });

  it('filters by dot paths', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([patient('a', { name: [{ family: 'Wood' }] }), patient('b', { name: [{ family: 'Smith' }] })]);
      expect(rowsOf(await call('GET', '/Patient/$changes?version=0&.name.0.family=Wood'))).toEqual(['created a@1']);
    });
  });

  it('refuses a malformed version, an unknown type, and its own place under /fhir', async () => {
    await withEmulator({}, async (_emulator, call) => {
      expect((await call('GET', '/Patient/$changes?version=x')).status).toBe(400);
      expect((await call('GET', '/Nothing/$changes')).status).toBe(404);
      expect((await call('GET', '/fhir/Patient/$changes')).status).toBe(404);
    });
  });
});

describe('what the documentation of $changes leaves open', () => {
  it('answers a range beyond the newest version as the option says', async () => {
    for (const [hiBeyondNewest, expected] of [
      ['as-asked', 9],
      ['newest', 1],
      ['refused', undefined],
    ] as const) {
      await withEmulator({ hiBeyondNewest }, async (emulator, call) => {
        emulator.put(patient('a'));
        const answer = await call('GET', '/Patient/$changes?version=0,9');
        expect(answer.status).toBe(expected === undefined ? 400 : 200);
        expect(answer.json.version).toBe(expected);
      });
    }
  });

  it('leaves meta out, hides the deleted resource, renames the event and pages by default as the options say', async () => {
    const options = {
      metaInChanges: false,
      deletedRow: 'id-only',
      recreatedEvent: 'updated',
      changesPageSize: 2,
    } as const;
    await withEmulator({ ...options, emptyRange: 'not-modified' }, async (emulator, call) => {
      emulator.put(patient('a', { active: true }));
      emulator.delete('Patient', 'a');
      emulator.put(patient('a'));
      const first = (await call('GET', '/Patient/$changes?version=0&fhir=true')).json.changes;
      expect(first).toEqual([
        { event: 'created', resource: { resourceType: 'Patient', id: 'a', active: true } },
        { event: 'deleted', resource: { resourceType: 'Patient', id: 'a' } },
      ]);
      const second = (await call('GET', '/Patient/$changes?version=0&fhir=true&_page=2')).json.changes;
      expect(second).toEqual([{ event: 'updated', resource: { resourceType: 'Patient', id: 'a' } }]);
      expect((await call('GET', '/Patient/$changes?version=3,9')).status).toBe(304);
    });
  });
});
