/** What a policy brings along into the worker threads: plug-ins of the site's own, and older versions of the key. */
import { describe, expect, it } from '@jest/globals';

import { patient, up, withSite } from '../support/site.ts';
import { noteInHub, observation } from './leak-guard.support.ts';

const patients = up('Patient');
const initials = { name: 'initials', moduleUrl: new URL('./plugins/initials.ts', import.meta.url).href };

describe('a plug-in', () => {
  it('changes values in the worker threads, and passes the output check', async () => {
    const rules = [{ path: 'Patient.name.family', method: 'plugin', params: { name: 'initials' } }];
    const policy = { apiVersion: 'fhir-sluice/v1', default: 'keep', rules };
    await withSite({ policy, plugins: [initials] }, async (site) => {
      site.instance.put(patient('p', { name: [{ family: 'Zephyrine' }] }));
      const { commits } = await site.drive(patients);
      expect(commits.at(-1)).toMatchObject({ quarantined: 0, counts: { committed: 1 } });
      expect(site.inHub('Patient', 'p')).toMatchObject({ name: [{ family: 'Z' }] });
    });
  });
});

describe('a policy that holds the pseudonyms at an older key', () => {
  const policy = { apiVersion: 'fhir-sluice/v1', default: 'keep', rules: [{ path: 'Patient.name', method: 'redact' }] };

  it('finds what it wrote under that key, deletes and the words of the leak guard too', async () => {
    const streams = ['up Patient', 'up Observation'];
    await withSite({ streams, policy }, async (site) => {
      site.instance.put(patient('p', { name: [{ family: 'Zephyrine' }] }));
      site.instance.put(patient('gone'));
      await site.drive(patients);
      const before = site.pseudonym('Patient', 'gone');
      expect(before).toMatch(/^p1-/);
      // The key is rotated, and the policy says to stay: no new ids, so no other resources beside the old ones.
      await site.restart({ policy: { ...policy, keys: { pseudonym: 1 } }, keyVersions: [1, 2] });
      site.register();
      for (const stream of [patients, up('Observation')]) await site.resync(stream);
      expect(site.pseudonym('Patient', 'gone')).toBe(before);
      site.instance.put(observation('o', 'p', 'Zephyrine is well.'));
      await site.drive(patients);
      await site.drive(up('Observation'));
      expect(noteInHub(site, 'o')).toMatch(/^\S+ is well\.$/);
      site.instance.delete('Patient', 'gone');
      await site.drive(patients);
      expect(site.hub.list('Patient')).toHaveLength(1);
      const versions = await site.parts.db.selectFrom('guard_patients').select('key_version').distinct().execute();
      expect(versions).toEqual([{ key_version: 1 }]);
    });
  });

  it('forgets, with a resync under a new key, the hashes of before', async () => {
    await withSite({ policy }, async (site) => {
      site.instance.put(patient('p', { name: [{ family: 'Zephyrine' }] }));
      await site.drive(patients);
      await site.restart({ keyVersions: [1, 2] });
      await site.resync(patients);
      expect(await site.parts.db.selectFrom('guard_words').selectAll().execute()).toEqual([]);
      await site.drive(patients);
      const versions = await site.parts.db.selectFrom('guard_patients').select('key_version').distinct().execute();
      expect(versions).toEqual([{ key_version: 2 }]);
    });
  });
});
