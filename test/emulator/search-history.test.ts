import { describe, expect, it } from '@jest/globals';
import type { Answer } from './calls.ts';
import { patient, withEmulator } from './calls.ts';

const ids = (answer: Answer): string[] =>
  (answer.json as { entry: { resource: { id: string } }[] }).entry.map(({ resource }) => resource.id);

describe('search', () => {
  it('finds by ids, tokens, references and dot paths, by GET and by POST', async () => {
    await withEmulator({}, async (emulator, call) => {
      emulator.load([
        patient('a', { identifier: [{ system: 'urn:mrn', value: '1' }], name: [{ family: 'Wood' }] }),
        patient('b', { identifier: [{ system: 'urn:other', value: '1' }] }),
        {
          resourceType: 'Observation',
          id: 'o',
          subject: { reference: 'Patient/a' },
          code: { coding: [{ system: 's', code: 'c' }] },
        },
      ]);
      expect(ids(await call('GET', '/fhir/Patient?_id=b,a,none'))).toEqual(['b', 'a']);
      expect(ids(await call('GET', '/fhir/Patient?identifier=urn:mrn|1'))).toEqual(['a']);
      expect(ids(await call('GET', '/fhir/Patient?identifier=1'))).toEqual(['a', 'b']);
      expect(ids(await call('GET', '/Patient?.name.0.family=Wood'))).toEqual(['a']);
      expect(ids(await call('GET', '/fhir/Observation?subject=Patient/a&code=s|c'))).toEqual(['o']);
      emulator.put(patient('tagged', { meta: { tag: [{ system: 'urn:origin', code: 'north' }] } }));
      emulator.put(patient('south', { meta: { tag: [{ system: 'urn:origin', code: 'south' }] } }));
      expect(ids(await call('GET', '/fhir/Patient?_tag=urn:origin|north'))).toEqual(['tagged']);
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expect(ids(await call('POST', '/fhir/Patient/_search', 'identifier=urn:mrn|1', form))).toEqual(['a']);
    });
  });

  it('pages, sorts by time, counts, and gives chosen elements', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    await withEmulator({ nowMs: () => nowMs }, async (emulator, call) => {
      for (const id of ['a', 'b', 'c']) {
        emulator.put(patient(id, { active: true }));
        nowMs += 1000;
      }
      const first = await call('GET', '/fhir/Patient?_sort=-_lastUpdated&_count=2&_total=accurate&_elements=id');
      expect([first.json.total, ids(first)]).toEqual([3, ['c', 'b']]);
      expect(first.json.entry[0].resource).toEqual({ resourceType: 'Patient', id: 'c' });
      const next = first.json.link.find((link: { relation: string }) => link.relation === 'next').url as string;
      expect(ids(await call('GET', next))).toEqual(['a']);
      const since = '2026-01-01T00:00:01.000Z';
      expect(ids(await call('GET', `/fhir/Patient?_lastUpdated=gt${since}`))).toEqual(['c']);
      expect(
        ids(await call('GET', `/fhir/Patient?_lastUpdated=ge${since}&_lastUpdated=lt2026-01-01T00:00:02Z`)),
      ).toEqual(['b']);
      expect((await call('GET', '/fhir/Patient?_summary=count')).json).toMatchObject({ total: 3, entry: [] });
    });
  });
});

describe('history', () => {
  it('lists versions newest first, of a type and of a resource, and reads one', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    await withEmulator({ nowMs: () => nowMs }, async (emulator, call) => {
      const later = (): void => void (nowMs += 1000);
      emulator.put(patient('a', { active: true }));
      later();
      emulator.put(patient('b'));
      later();
      emulator.delete('Patient', 'a');
      expect(ids(await call('GET', '/fhir/Patient/_history'))).toEqual(['a', 'b', 'a']);
      const ofOne = (await call('GET', '/fhir/Patient/a/_history')).json;
      expect(ofOne.total).toBe(2);
      expect(ofOne.entry.map((entry: { request: object }) => entry.request)).toEqual([
        { method: 'DELETE', url: 'Patient/a' },
        { method: 'POST', url: 'Patient' },
      ]);
      expect(ids(await call('GET', '/fhir/Patient/_history?_since=2026-01-01T00:00:01Z'))).toEqual(['a', 'b']);
      expect(ids(await call('GET', '/fhir/Patient/_history?_at=2026-01-01T00:00:01Z'))).toEqual(['b', 'a']);
      expect(ids(await call('GET', '/fhir/Patient/_history?_txid=2'))).toEqual(['b']);
      expect(ids(await call('GET', '/fhir/Patient/_history?_count=1&_page=2'))).toEqual(['b']);
      expect((await call('GET', '/fhir/Patient/a/_history/1')).json).toMatchObject({ active: true });
      expect((await call('GET', '/fhir/Patient/none/_history')).status).toBe(404);
    });
  });
});

describe('$dump', () => {
  it('streams the live resources as NDJSON, _since by their creation', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    await withEmulator({ nowMs: () => nowMs }, async (emulator, call) => {
      emulator.load([patient('a'), patient('gone'), patient('b')]);
      emulator.delete('Patient', 'gone');
      nowMs += 1000;
      emulator.load([patient('a', { active: true }), patient('c')]);
      const lines = (text: string): string[] =>
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => (JSON.parse(line) as { id: string }).id);
      const whole = await call('GET', '/Patient/$dump?fhir=true');
      expect(whole.headers.get('content-type')).toBe('application/ndjson');
      expect(lines(whole.text)).toEqual(['a', 'b', 'c']);
      expect(lines((await call('GET', '/Patient/$dump?_since=2026-01-01T00:00:00Z')).text)).toEqual(['c']);
      expect((await call('GET', '/fhir/Patient/$dump')).status).toBe(404);
    });
  });
});
