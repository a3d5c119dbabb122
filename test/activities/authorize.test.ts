import { describe, expect, it } from '@jest/globals';

import type { StreamKey } from '../../src/activities/contract.ts';
import { down, patient, type Site, type SiteOptions, up, withSite } from '../support/site.ts';
import { filesBelow } from '../staging/folder.ts';

const streams: SiteOptions['streams'] = ['up Patient', 'down Organization'];
const unregister = (site: Site): void => void site.hub.delete('AidboxInstance', site.name);

const denials: readonly (readonly [string, StreamKey, (site: Site) => void])[] = [
  ['not-registered', up('Patient'), unregister],
  [
    'disabled',
    up('Patient'),
    (site) => {
      site.register({ enabled: false });
    },
  ],
  [
    'disabled',
    up('Patient'),
    (site) => {
      site.register({ enabled: 'true' });
    },
  ],
  [
    'stream-not-allowed',
    up('Patient'),
    (site) => {
      site.register({ up: ['Observation'] });
    },
  ],
  [
    'stream-not-allowed',
    up('Patient'),
    (site) => {
      site.register({ up: 'Patient' });
    },
  ],
  [
    'policy-not-approved',
    up('Patient'),
    (site) => {
      site.register({ policies: ['0'.repeat(64)] });
    },
  ],
  [
    'policy-not-approved',
    up('Patient'),
    (site) => {
      site.register({ policies: [] });
    },
  ],
  ['not-registered', down('Organization'), unregister],
  [
    'disabled',
    down('Organization'),
    (site) => {
      site.register({ enabled: false });
    },
  ],
  [
    'stream-not-allowed',
    down('Organization'),
    (site) => {
      site.register({ down: ['Patient'] });
    },
  ],
];

describe('authorize', () => {
  it.each(denials)(
    'says %s of %j, gives the staged batch back and lets nothing be written',
    async (reason, stream, deny) => {
      await withSite({ streams }, async (site) => {
        site.instance.put(patient('a'));
        site.hub.put({ resourceType: 'Organization', id: 'o' });
        deny(site);
        const target = stream.direction === 'up' ? site.hub : site.instance;
        const versions = target.store.versionCount;
        const { denied, batches } = await site.drive(stream);
        expect(denied).toBe(reason);
        expect(target.store.versionCount).toBe(versions);
        const files = await filesBelow(site.stagingFolder);
        expect(files.filter((file) => file.startsWith(batches[0]?.id ?? '?'))).toEqual([]);
        expect(await site.position(stream)).toMatchObject({ denied: reason, delivered: 0 });

        site.register();
        expect(await site.authorize(stream)).toEqual({ allowed: true });
        expect((await site.position(stream)).denied).toBe('');
        await site.drive(stream);
        expect(target.list(stream.type)).toHaveLength(1);
      });
    },
  );

  it('needs no approved policy on the way down, where nothing is de-identified', async () => {
    await withSite({ streams }, async (site) => {
      site.register({ policies: [] });
      expect(await site.authorize(down('Organization'))).toEqual({ allowed: true });
    });
  });

  it.each([
    ['target', up('Patient')],
    ['source', down('Organization')],
  ])('asks the hub each time, and names it as the %s where it does not answer', async (side, stream) => {
    await withSite({ streams }, async (site) => {
      site.hub.faults.push({ action: { kind: 'refuse' } });
      await expect(site.authorize(stream)).rejects.toMatchObject({ type: `${side}-unreachable` });
      expect(await site.authorize(stream)).toEqual({ allowed: true });
      site.register({ enabled: false });
      expect(await site.authorize(stream)).toEqual({ allowed: false, reason: 'disabled' });
    });
  });
});
