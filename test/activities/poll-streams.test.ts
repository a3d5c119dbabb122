import { describe, expect, it } from '@jest/globals';

import { patient, settleSeconds, type Site, type Stored, up, withSite } from '../support/site.ts';

const streams = ['up Observation', 'up Patient', 'up Encounter', 'down Organization'];
const of = (type: string, id = 'a'): Stored => ({ resourceType: type, id });
const started = (site: Site): string[] => site.started.map(({ stream }) => `${stream.direction} ${stream.type}`);

describe('poll-streams', () => {
  it('starts what has something new, lower tiers first, and nothing else', async () => {
    await withSite({ streams }, async (site) => {
      for (const type of ['Observation', 'Encounter', 'Patient']) site.instance.put(of(type));
      expect(await site.poll()).toEqual({ asked: 4, due: 3, started: 3, troubles: {} });
      expect(started(site)).toEqual(['up Patient', 'up Encounter', 'up Observation']);
      expect(site.started[0]).toEqual({ stream: up('Patient'), askFirst: false });
    });
  });

  it('costs an idle instance one question a stream', async () => {
    await withSite({ streams, instance: { record: 'lines' } }, async (site) => {
      site.instance.put(patient('a'));
      await site.drive(up('Patient'));
      site.settle();
      await site.drive(up('Patient'));
      site.instance.requests.length = 0;
      expect(await site.poll()).toEqual({ asked: 4, due: 0, started: 0, troubles: {} });
      expect(site.instance.requests).toHaveLength(3);
      expect((await site.position(up('Patient'))).currentAtMs).toBe(site.clock.ms);
    });
  });

  it('asks the streams of its own cadence alone', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(patient('a'));
      expect(await site.poll(3_600)).toEqual({ asked: 0, due: 0, started: 0, troubles: {} });
    });
  });

  it('starts a stream once more when its window has matured, for late commits', async () => {
    await withSite({}, async (site) => {
      site.instance.put(patient('a'));
      await site.drive(up('Patient'));
      expect((await site.poll()).due).toBe(0);
      site.wait(settleSeconds + 1);
      expect((await site.poll()).due).toBe(1);
      await site.drive(up('Patient'));
      expect((await site.poll()).due).toBe(0);
    });
  });

  it('starts a stream that is in trouble, so that its own workflow says so, and all the others', async () => {
    await withSite({ streams }, async (site) => {
      // Nothing was ever noted of it: its very first question fails.
      await site.parts.db.deleteFrom('streams').execute();
      site.instance.put(of('Encounter'));
      site.instance.faults.push({
        match: { pathRegex: /^\/Patient/ },
        action: { kind: 'answer', status: 403, body: '{}' },
      });
      site.instance.faults.push({ match: { pathRegex: /^\/Observation/ }, action: { kind: 'refuse' } });
      const troubles = { 'source-forbidden': 1, 'source-unreachable': 1 };
      expect(await site.poll()).toEqual({ asked: 4, due: 3, started: 3, troubles });
      expect(started(site)).toEqual(['up Patient', 'up Encounter', 'up Observation']);
      expect(site.started[0]).toEqual({ stream: up('Patient'), askFirst: false });
    });
  });

  it('asks a server that does not answer about no more streams than are asked at once, and the other server all the same', async () => {
    const types = [
      'Patient',
      'Encounter',
      'Observation',
      'Condition',
      'Procedure',
      'Media',
      'Device',
      'Group',
      'Basic',
    ];
    const dead = types.map((type) => `up ${type}`);
    await withSite({ streams: [...dead, 'down Organization'], instance: { record: 'lines' } }, async (site) => {
      site.instance.faults.push({ times: 1_000, action: { kind: 'refuse' } });
      site.hub.put(of('Organization'));
      const polled = await site.poll();
      expect(polled).toMatchObject({ asked: 10, due: 10, started: 10, troubles: { 'source-unreachable': 9 } });
      expect(site.instance.faults.hitCount).toBeLessThanOrEqual(4);
      expect(started(site)).toContain('down Organization');
    });
  });

  it('has a stream ask the hub first that was denied the last time', async () => {
    await withSite({ streams }, async (site) => {
      site.instance.put(patient('a'));
      site.register({ enabled: false });
      await site.drive(up('Patient'));
      await site.poll();
      expect(site.started).toEqual([{ stream: up('Patient'), askFirst: true }]);
      site.register();
      await site.authorize(up('Patient'));
      await site.poll();
      expect(site.started.at(-1)).toEqual({ stream: up('Patient'), askFirst: false });
    });
  });

  it('starts a stream whose source was restored from a backup', async () => {
    await withSite({}, async (site) => {
      site.instance.put(patient('a'));
      await site.drive(up('Patient'));
      site.instance.faults.push({ action: { kind: 'answer', status: 200, body: { version: 1 } } });
      expect((await site.poll()).due).toBe(1);
    });
  });
});
