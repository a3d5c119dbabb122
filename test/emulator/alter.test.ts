/** What raw SQL does to a server: another content under the same version, that no feed shows. */
import { expect, it } from '@jest/globals';

import { patient, withEmulator } from './calls.ts';

it('changes the content and nothing else: version, time and feed stay as they were', async () => {
  await withEmulator({}, async (emulator, call) => {
    emulator.put(patient('a', { gender: 'male', language: 'de' }));
    emulator.put(patient('b'));
    const before = emulator.read('Patient', 'a')!;
    const head = emulator.store.head('Patient');
    emulator.alter(patient('a', { gender: 'female' }));
    expect(emulator.read('Patient', 'a')).toEqual({ ...patient('a', { gender: 'female' }), meta: before.meta });
    expect((await call('GET', '/fhir/Patient/a')).json).toMatchObject({ gender: 'female', meta: before.meta });
    expect(emulator.store.head('Patient')).toBe(head);
    expect(emulator.store.versions('Patient', 'a')).toHaveLength(1);
    expect(emulator.store.rows('Patient').map(({ id }) => id)).toEqual(['a', 'b']);
    expect(emulator.store.rows('Patient')[0]?.json).toContain('female');
  });
});

it('leaves alone what was hidden from the feed, and what is not there', async () => {
  await withEmulator({}, (emulator) => {
    emulator.put(patient('a', { gender: 'male' }));
    emulator.hide('Patient', 'a');
    emulator.alter(patient('a', { gender: 'female' }));
    emulator.alter(patient('never'));
    expect(emulator.read('Patient', 'a')).toMatchObject({ gender: 'female' });
    expect(emulator.store.rows('Patient')).toEqual([]);
    expect(emulator.read('Patient', 'never')).toBeUndefined();
    return Promise.resolve();
  });
});
