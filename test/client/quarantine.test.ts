/** Quarantine from the outside: by the client and by `sluice quarantine`, with a worker that says what it was asked. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { NoWorkerProblem, SluiceClient, UnknownTypeProblem, UsageProblem } from '../../src/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { sealerOf } from '../../src/crypto/seal.ts';
import { quarantineEntry } from '../../src/activities/quarantined.ts';
import { openState } from '../../src/assemble.ts';
import { putInQuarantine } from '../../src/state/quarantine.ts';
import type { QuarantineView } from '../../src/state/retries.ts';
import { putLine } from '../../src/threads/lines.ts';
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

const sluice = (...args: string[]): Promise<Ended> => command('quarantine', ...args);

const entry = (key: string, more: Partial<QuarantineView> = {}): QuarantineView => ({
  key,
  type: key.slice(0, key.indexOf('/')),
  reason: 'target-refused',
  status: 422,
  attempts: 2,
  form: 'clean',
  firstMs: Date.UTC(2026, 0, 5, 8),
  lastMs: Date.UTC(2026, 0, 5, 9),
  ordered: false,
  ...more,
});

describe('the client', () => {
  it('lists page after page, in both directions', async () => {
    await withSite('lists', async ({ client, script }) => {
      const page =
        (...keys: string[]): (() => object) =>
        () => ({ entries: keys.map((key) => entry(key)), counts: {} });
      script.script('tendQuarantine', page('Organization/o'), page(), page('Patient/a', 'Patient/b'), page());
      const keys: string[] = [];
      for await (const { key } of client.quarantined()) keys.push(key);
      expect(keys).toEqual(['Organization/o', 'Patient/a', 'Patient/b']);
      expect(script.calls('tendQuarantine')).toBe(4);
    });
  });

  it('orders retries of keys or types, each in its own direction, and wakes their streams', async () => {
    await withSite('retries', async ({ client, script }) => {
      const keys = ['Patient/a', 'Organization/o'];
      expect(await client.retryQuarantined({ keys })).toEqual({ Patient: 1 });
      expect(script.tended).toEqual([
        { action: 'retry', direction: 'down', types: ['Organization'], keys: ['Organization/o'] },
        { action: 'retry', direction: 'up', types: ['Patient'], keys: ['Patient/a'] },
      ]);
      await client.waitUntilSettled(['Patient']);
      expect(script.calls('fetchChanges')).toBeGreaterThan(0);
      await client.retryQuarantined({ types: ['Encounter'] });
      expect(script.tended.at(-1)).toEqual({ action: 'retry', direction: 'up', types: ['Encounter'], keys: [] });
      await client.waitUntilSettled();
    });
  });

  it('discards with a reason of the list and a ticket, and refuses what might hold data', async () => {
    await withSite('discards', async ({ client, script }) => {
      await client.discardQuarantined({ keys: ['Patient/a'] }, 'test-data', 'OPS-7');
      expect(script.tended).toMatchObject([{ action: 'discard', reason: 'test-data', ticket: 'OPS-7' }]);
      const free = client.discardQuarantined({ keys: ['Patient/a'] }, 'other', 'as Ann Smith asked');
      await expect(free).rejects.toThrow(UsageProblem);
      await expect(client.retryQuarantined({ keys: ['Basic/a'] })).rejects.toThrow(UnknownTypeProblem);
      expect(script.tended).toHaveLength(1);
    });
  });

  it('says at once where no worker is there', async () => {
    const client = await SluiceClient.connect(await loadConfig(await world.site('nobody')));
    await expect(client.quarantined().next()).rejects.toThrow(NoWorkerProblem);
    await client.close();
  });
});

describe('sluice quarantine', () => {
  it('lists reasons, attempts and times', async () => {
    await withSite('table', async ({ file, script }) => {
      const found = [entry('Patient/a'), entry('Patient/b', { form: 'none', reason: 'resource-too-large', status: 0 })];
      script.script(
        'tendQuarantine',
        () => ({ entries: [], counts: {} }),
        () => ({ entries: found, counts: {} }),
      );
      const { code, out } = await sluice('list', '-c', file);
      expect(code).toBe(0);
      expect(out).toMatch(/^Patient\/a +target-refused +422 +2 +2026-01-05 08:00:00 +2026-01-05 09:00:00 +possible$/m);
      expect(out).toMatch(/^Patient\/b +resource-too-large +– .* not possible$/m);
      expect((await sluice('list', 'Patient', '-c', file)).out).toBe('nothing is in quarantine\n');
    });
  });

  it('lists what was given up, by whose ticket and when', async () => {
    await withSite('given-up', async ({ file, script }) => {
      const discarded = { reason: 'test-data', ticket: 'OPS-7', atMs: Date.UTC(2026, 0, 6, 8) };
      script.script('tendQuarantine', () => ({ entries: [entry('Patient/a', { discarded })], counts: {} }));
      const { out } = await sluice('list', 'Patient', '--discarded', '-c', file);
      expect(out).toMatch(/^Patient\/a +target-refused +422 +test-data +OPS-7 +2026-01-06 08:00:00$/m);
      expect(script.tended[0]).toMatchObject({ action: 'list', discarded: true });
      expect((await sluice('list', 'Patient', '--discarded', '-c', file)).out).toBe('nothing was given up\n');
    });
  });

  it('retries and discards what is named, never all without --all', async () => {
    await withSite('orders', async ({ client, file, script }) => {
      expect(await sluice('retry', '-c', file)).toMatchObject({
        code: 2,
        err: 'say which: keys, --type <types...> or --all\n',
      });
      expect(await sluice('discard', '--all', '-c', file)).toMatchObject({ code: 2 });
      expect(await sluice('discard', '--all', '--reason', 'because', '-c', file)).toMatchObject({ code: 2 });
      expect(await sluice('retry', 'Patient/a', '--all', '-c', file)).toMatchObject({ code: 2 });
      expect(script.tended).toEqual([]);
      expect((await sluice('retry', 'Patient/a', '-c', file)).out).toBe('to be tried again: 1 Patient\n');
      expect((await sluice('discard', '--type', 'Patient', '--reason', 'duplicate', '-c', file)).out).toBe(
        'discarded: 1 Patient\n',
      );
      await client.waitUntilSettled();
    });
  });

  it('says where a key that was named is none, be it misspelt or not in quarantine, with 1 or 2', async () => {
    await withSite('misspelt', async ({ client, file, script }) => {
      expect(await sluice('retry', 'Patient', '-c', file)).toMatchObject({
        code: 2,
        err: 'a key of quarantine is Type/id\n',
      });
      expect(script.tended).toEqual([]);
      // The scripted site knows one of each order.
      expect(await sluice('retry', 'Patient/a', 'Patient/b', 'Patient/a', '-c', file)).toMatchObject({
        code: 1,
        out: 'to be tried again: 1 Patient\n',
        err: '1 of the keys: not in quarantine, or cannot be tried again\n',
      });
      script.script('tendQuarantine', () => ({ entries: [], counts: {} }));
      expect(await sluice('discard', 'Patient/a', '--reason', 'other', '-c', file)).toMatchObject({
        code: 1,
        out: 'nothing discarded\n',
        err: '1 of the keys: not in quarantine\n',
      });
      await client.waitUntilSettled();
    });
  });

  it('shows the content at the site, and not into a pipe unless that is meant', async () => {
    await withSite('shows', async ({ file }) => {
      const config = await loadConfig(file);
      const sealer = sealerOf(config.keys.staging, config.keys.pseudonym);
      const content = Buffer.from(putLine('{"resourceType":"Patient","id":"a"}').trimEnd());
      const db = await openState(config);
      await putInQuarantine(
        db,
        'up',
        [
          quarantineEntry(sealer, 'up', { key: 'Patient/p1', reason: 'leak-guard', form: 'clean', content }),
          quarantineEntry(sealer, 'up', { key: 'Patient/p2', reason: 'set-too-large', form: 'none', content }),
        ],
        0,
      );
      await db.destroy();
      expect(await sluice('show', 'Patient/p1', '-c', file)).toMatchObject({ code: 2, out: '' });
      const shown = await sluice('show', 'Patient/p1', '--force', '-c', file);
      expect(JSON.parse(shown.out)).toEqual({ resourceType: 'Patient', id: 'a' });
      expect(await sluice('show', 'Patient/p2', '--force', '-c', file)).toMatchObject({
        code: 1,
        err: 'it was too large to be kept; look for it at the source\n',
      });
      expect(await sluice('show', 'Patient/p3', '--force', '-c', file)).toMatchObject({ code: 1, out: '' });
    });
  });
});
