/** Leaving and coming back from the outside: by the client and by `sluice leave` and `sluice join`, with a scripted worker. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { type LeaveStatus, NoWorkerProblem, SluiceClient, UsageProblem } from '../../src/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { sluice } from './command.ts';
import { type ClientSite, World } from './site.ts';

jest.setTimeout(90_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

const withSite = (instance: string, act: (site: ClientSite) => Promise<void>): Promise<void> =>
  world.withClient(instance, act);

const schedulesOf = async (instance: string): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { scheduleId } of world.stage.client.schedule.list()) {
    if (scheduleId.startsWith(`sluice/${instance}/`)) ids.push(scheduleId);
  }
  return ids;
};

describe('the client', () => {
  it('removes the Schedules, has the site leave, and says how it ended; twice as well as once', async () => {
    await withSite('leaves', async ({ client, script }) => {
      await client.registerSchedules();
      script.inHub.set('Patient', 2);
      await client.leave({ data: 'delete' });
      const seen: LeaveStatus[] = [];
      const status = await client.waitUntilLeft((one) => seen.push(one));
      expect(status).toMatchObject({ phase: 'left', data: 'delete', deleted: { Patient: 2 } });
      expect(seen.length).toBeGreaterThan(0);
      expect(await schedulesOf('leaves')).toEqual([]);
      await client.leave({ data: 'delete' });
      expect(await client.waitUntilLeft()).toMatchObject({ phase: 'left' });
      expect(script.calls('beginLeave')).toBe(2);
    });
  });

  it('attaches to a leaving that goes on, and has it keep the rest where that is asked for', async () => {
    await withSite('stuck', async ({ client, script }) => {
      script.inHub.set('Patient', 2);
      script.script('authorize', () => ({ allowed: false, reason: 'disabled' }));
      await client.leave({ data: 'delete' });
      expect((await client.waitUntilLeft())?.need?.code).toBe('denied');
      await expect(client.join()).rejects.toThrow(UsageProblem);
      await client.leave({ data: 'keep' });
      await untilLeft(client);
      expect(script.finished).toEqual([{ data: 'keep', unnoted: [] }]);
      expect(script.calls('beginLeave')).toBe(1);
    });
  });

  it('does not turn a leaving that keeps into one that deletes', async () => {
    await withSite('keeps', async ({ client, script }) => {
      const hold = script.hold('finishLeave');
      await client.leave({ data: 'keep' });
      await hold.reached;
      await expect(client.leave({ data: 'delete' })).rejects.toThrow(UsageProblem);
      hold.release();
      expect(await client.waitUntilLeft()).toMatchObject({ phase: 'left', data: 'keep' });
    });
  });

  it('shows idle streams as left while the site says so, and no longer', async () => {
    await withSite('shown', async ({ client, script }) => {
      await client.sync(['Patient']);
      await client.waitUntilSettled(['Patient']);
      const state = async () => (await client.status(['Patient'])).map((status) => status.state);
      expect(await state()).toEqual(['current']);
      script.hasLeft = true;
      expect(await state()).toEqual(['left']);
      script.fails('fetchChanges', 'left');
      await client.sync(['Patient']);
      expect((await client.waitUntilSettled(['Patient'])).map((status) => status.state)).toEqual(['left']);
      script.hasLeft = false;
      expect(await state()).toEqual(['idle']);
    });
  });

  it('brings the site back', async () => {
    await withSite('returns', async ({ client, script }) => {
      expect(await client.join()).toBe(2);
      expect(script.calls('rejoin')).toBe(1);
    });
  });

  it('says at once where no worker is there, and has nothing removed', async () => {
    const client = await SluiceClient.connect(await loadConfig(await world.site('nobody')));
    await client.registerSchedules();
    await expect(client.leave({ data: 'keep' })).rejects.toThrow(NoWorkerProblem);
    expect(await schedulesOf('nobody')).not.toEqual([]);
    expect(await client.leaveStatus()).toBeUndefined();
    await client.close();
  });
});

/** A need of before may still stand when it is looked at first. */
async function untilLeft(client: SluiceClient): Promise<void> {
  while ((await client.waitUntilLeft())?.phase !== 'left') await new Promise((resolve) => setTimeout(resolve, 100));
}

describe('sluice leave', () => {
  it('begins nothing without the choice and the name', async () => {
    await withSite('named', async ({ file, script }) => {
      for (const args of [[], ['--data', 'delete'], ['--confirm', 'named'], ['--data', 'all', '--confirm', 'named']])
        expect((await sluice('leave', '-c', file, ...args)).code).toBe(2);
      expect(await sluice('leave', '-c', file, '--data', 'delete', '--confirm', 'another')).toMatchObject({
        code: 2,
        err: '--confirm has to be the name of the instance that leaves: named\n',
      });
      expect(script.log).toEqual([]);
    });
  });

  it('ends with what was deleted and what to do with each key', async () => {
    await withSite('prints', async ({ file, script }) => {
      script.inHub.set('Patient', 2);
      const { code, out } = await sluice('leave', '-c', file, '--data', 'delete', '--confirm', 'prints');
      expect(code).toBe(0);
      expect(out).toContain('deleted: 2 Patient\n');
      expect(out).toMatch(/^ {2}pseudonym \(v1, v2\): Destroy it, unless/m);
      expect(out).toMatch(/^ {2}staging \(v1\): destroy it/m);
      const kept = await sluice('leave', '-c', file, '--data', 'keep', '--confirm', 'prints', '--json');
      expect(JSON.parse(kept.out)).toMatchObject({ phase: 'left', data: 'keep' });
      expect(await sluice('join', '-c', file)).toMatchObject({
        code: 0,
        out: '2 streams begin anew. Now: sluice schedule, or sluice sync\n',
      });
    });
  });

  it('says what it needs, with 1, where the hub denies the deletes', async () => {
    await withSite('denies', async ({ client, file, script }) => {
      script.inHub.set('Patient', 2);
      script.script('authorize', () => ({ allowed: false, reason: 'disabled' }));
      const { code, out } = await sluice('leave', '-c', file, '--data', 'delete', '--confirm', 'denies');
      expect(code).toBe(1);
      expect(out).toContain('The hub does not allow the deletes (disabled)');
      script.hasLeft = true;
      // Nor does the status look as if all were over.
      const status = await sluice('status', '-c', file);
      expect(status.out).toMatch(/is leaving the hub, data delete: deleting.*does not allow the deletes.*\(denied\)$/m);
      expect(status.out).not.toContain('sluice join');
      await client.leave({ data: 'delete' });
      await untilLeft(client);
    });
  });

  it('returns at once where nobody waits', async () => {
    await withSite('quick', async ({ client, file }) => {
      const begun = await sluice('leave', '-c', file, '--data', 'keep', '--confirm', 'quick', '--no-wait');
      expect(begun).toMatchObject({ code: 0, out: expect.stringMatching(/^begun/) });
      await client.waitUntilLeft();
    });
  });
});
