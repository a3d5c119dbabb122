/** Reconciliation from the outside: by the client, by `sluice reconcile` and by its Schedule, with a scripted worker. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { NoWorkerProblem, SluiceClient, UnknownTypeProblem } from '../../src/client.ts';
import type { ReconcileReport } from '../../src/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { eventually } from '../workflows/support/stage.ts';
import { type Ended, sluice as command } from './command.ts';
import { type ClientSite, World } from './site.ts';

jest.setTimeout(90_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

const withSite = (instance: string, act: (site: ClientSite) => Promise<void>): Promise<void> =>
  world.withClient(instance, act);

const sluice = (...args: string[]): Promise<Ended> => command('reconcile', ...args);

const report = (type: string, more: Partial<ReconcileReport> = {}): ReconcileReport => ({
  direction: 'up',
  type,
  outcome: 'compared',
  repair: false,
  ...{ written: 4, target: 4, source: 5, undecided: 1 },
  drift: { missing: 2, 'edited-in-target': 1 },
  ranges: { a: { written: 4, target: 4, source: 3 }, x: { source: 2, missing: 2 }, z: { 'edited-in-target': 1 } },
  ...more,
});

describe('the client', () => {
  it('compares stream after stream, of all types or of some', async () => {
    await withSite('compares', async ({ client, script }) => {
      expect((await client.reconcile()).map(({ type }) => type)).toEqual(['Organization', 'Patient', 'Encounter']);
      expect(script.log.filter((line) => line.startsWith('reconcile'))).toEqual(
        [1, 2, 3].flatMap(() => ['reconcileStream', 'reconcileStream done']),
      );
      await client.reconcile(['Patient'], { repair: true });
      expect(script.reconciled.at(-1)).toEqual({ stream: { direction: 'up', type: 'Patient' }, repair: true });
      await expect(client.reconcile(['Basic'])).rejects.toThrow(UnknownTypeProblem);
      // Nothing differed: no stream was woken.
      expect(script.calls('fetchChanges')).toBe(0);
    });
  });

  it('wakes the streams that a repair has given work, and no other', async () => {
    await withSite('wakes', async ({ client, script }) => {
      const given = [report('Patient', { repair: true }), report('Encounter', { repair: true, drift: {} })];
      script.script('reconcileStream', ...given.map((one) => () => one));
      await client.reconcile(['Patient', 'Encounter'], { repair: true });
      await client.waitUntilSettled();
      expect(new Set(script.fetches.map(({ stream }) => stream.type))).toEqual(new Set(['Patient']));
    });
  });

  it('says which streams failed or are being compared already, and compares the others', async () => {
    await withSite('fails', async ({ client, script }) => {
      const held = script.fails('reconcileStream', 'source-forbidden').hold('reconcileStream');
      const first = client.reconcile(['Organization', 'Patient']);
      await held.reached;
      expect(await client.reconcile(['Patient', 'Encounter'])).toMatchObject([
        { type: 'Patient', outcome: 'skipped', reason: 'running' },
        { type: 'Encounter', outcome: 'compared' },
      ]);
      held.release();
      expect(await first).toMatchObject([
        { type: 'Organization', outcome: 'failed', reason: 'source-forbidden' },
        { type: 'Patient', outcome: 'compared' },
      ]);
    });
  });

  it('tries a transient trouble again', async () => {
    await withSite('transient', async ({ client, script }) => {
      script.fails('reconcileStream', 'source-unreachable');
      expect(await client.reconcile(['Patient'])).toMatchObject([{ outcome: 'compared' }]);
      expect(script.calls('reconcileStream')).toBe(2);
    });
  });

  it('says at once where no worker is there', async () => {
    const client = await SluiceClient.connect(await loadConfig(await world.site('nobody-compares')));
    await expect(client.reconcile()).rejects.toThrow(NoWorkerProblem);
    await expect(client.conflicts()).rejects.toThrow(NoWorkerProblem);
    await client.close();
  });

  it('tells with the status when a stream was compared last, and what differed', async () => {
    await withSite('status', async ({ client, script }) => {
      const reconciled = { atMs: Date.UTC(2026, 0, 5, 8), differing: 3, repair: false };
      script.script('describeStreams', () => [
        { direction: 'up', type: 'Patient', totals: script.totals(), reconciled },
      ]);
      // A worker that has just been started is not known yet.
      await eventually('the numbers of now', async () => {
        const [status] = await client.status(['Patient']);
        return JSON.stringify(status?.reconciled) === JSON.stringify(reconciled);
      });
    });
  });
});

describe('the Schedule', () => {
  it('is there where the configuration wants it, compares all streams, and goes with the setting', async () => {
    await withSite('scheduled', async ({ config, script }) => {
      const client = await SluiceClient.connect({ ...config, reconcile: { everySeconds: 86_400, repair: true } });
      expect((await client.registerSchedules()).created).toContain('sluice/scheduled/reconcile');
      const handle = world.stage.client.schedule.getHandle('sluice/scheduled/reconcile');
      await handle.trigger();
      await eventually('all compared', () => script.calls('reconcileStream') === 3);
      expect(script.reconciled.map(({ repair }) => repair)).toEqual([true, true, true]);
      await client.close();
      const without = await SluiceClient.connect(config);
      await eventually('the Schedule in the list', async () =>
        (await without.registerSchedules()).removed.includes('sluice/scheduled/reconcile'),
      );
      await without.removeSchedules();
      await without.close();
    });
  });
});

describe('sluice reconcile', () => {
  it('starts it and returns, or waits and says what differs, and where', async () => {
    await withSite('table', async ({ file, script }) => {
      expect(await sluice('Patient', '-c', file)).toMatchObject({ code: 0, out: 'asked to compare 1 streams\n' });
      await eventually('compared', () => script.calls('reconcileStream') === 1);
      script.script(
        'reconcileStream',
        () => report('Patient'),
        () => report('Encounter', { outcome: 'skipped', reason: 'not-loaded', drift: {} }),
      );
      const { code, out } = await sluice('Patient', 'Encounter', '--wait', '-c', file);
      expect(code).toBe(1);
      expect(out).toMatch(/^up +Patient +5 +4 +4 +1 +2 missing, 1 edited-in-target$/m);
      expect(out).toMatch(/^up +Encounter +– +– +– +– +skipped: not-loaded$/m);
      expect(out).toContain(
        'Patient, by the first character of the ids in the target:\n  x…  2 missing\n  z…  1 edited',
      );
      const again = await sluice('Patient', '--wait', '--json', '-c', file);
      expect(again.code).toBe(0);
      expect(JSON.parse(again.out)).toMatchObject([{ type: 'Patient', drift: {} }]);
    });
  });

  it('repairs, and returns when the streams have done it', async () => {
    await withSite('repairs', async ({ file, script }) => {
      script.script('reconcileStream', () => report('Patient', { repair: true }));
      expect(await sluice('Patient', '--repair', '--wait', '-c', file)).toMatchObject({ code: 0 });
      expect(script.reconciled).toMatchObject([{ repair: true }]);
      expect(script.committed.length).toBeGreaterThan(0);
    });
  });

  it('lists the conflicts', async () => {
    await withSite('conflicts', async ({ file, script }) => {
      const { code, out } = await sluice('--conflicts', '-c', file);
      expect([code, out.split('\n')[2]]).toEqual([
        0,
        expect.stringMatching(/^up +Patient\/a +edited there +2026-01-05 08/),
      ]);
      expect((await sluice('Organization', '--conflicts', '-c', file)).out).toBe('no conflicts\n');
      expect(await sluice('--conflicts', '--repair', '-c', file)).toMatchObject({ code: 2 });
      expect(script.reconciled).toEqual([]);
    });
  });
});
