/** The client against a real server, with a worker whose activities are scripted. */
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import proto from '@temporalio/proto';

import { SluiceClient, UnknownTypeProblem } from '../../src/client.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { searchAttributes, syncWorkflowId } from '../../src/workflows/messages.ts';
import { eventsOf } from '../workflows/support/history.ts';
import { Script } from '../workflows/support/script.ts';
import { eventually } from '../workflows/support/stage.ts';
import { World } from './site.ts';

jest.setTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** Runs a test with a client of an instance of its own. */
async function withClient(
  instance: string,
  act: (client: SluiceClient, config: Config) => Promise<void>,
): Promise<void> {
  const config = await loadConfig(await world.site(instance));
  const client = await SluiceClient.connect(config);
  try {
    await act(client, config);
  } finally {
    await client.close();
  }
}

const scheduleIds = async (instance: string): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { scheduleId } of world.stage.client.schedule.list()) {
    if (scheduleId.startsWith(`sluice/${instance}/`)) ids.push(scheduleId);
  }
  return ids.sort();
};

const types = (statuses: readonly { type: string }[]): string[] => statuses.map(({ type }) => type);

describe('Schedules', () => {
  it('are created, updated and removed as the cadences of the configuration change', async () => {
    const config = await loadConfig(await world.site('cadences', { every: '30s' }));
    const first = await SluiceClient.connect(config);
    expect(await first.registerSchedules()).toEqual({
      created: ['sluice/cadences/every-30s'],
      updated: [],
      removed: [],
    });
    await eventually('the Schedule in the list', async () => (await scheduleIds('cadences')).length === 1);
    expect(await first.registerSchedules()).toMatchObject({ created: [], updated: ['sluice/cadences/every-30s'] });
    await first.close();

    const changed = { ...config, streams: config.streams.map((stream) => ({ ...stream, everySeconds: 60 })) };
    const second = await SluiceClient.connect(changed);
    expect(await second.registerSchedules()).toEqual({
      created: ['sluice/cadences/every-60s'],
      updated: [],
      removed: ['sluice/cadences/every-30s'],
    });
    await eventually('one left', async () => (await scheduleIds('cadences')).join() === 'sluice/cadences/every-60s');
    expect(await second.removeSchedules()).toEqual(['sluice/cadences/every-60s']);
    await eventually('none left', async () => (await scheduleIds('cadences')).length === 0);
    expect(await second.removeSchedules()).toEqual([]);
    await second.close();
  });

  it('of another instance whose name begins alike are left alone', async () => {
    await withClient('alike', async (one) => {
      await withClient('alike-2', async (other) => {
        await one.registerSchedules();
        await other.registerSchedules();
        await eventually('the Schedule in the list', async () => (await scheduleIds('alike')).length === 1);
        expect(await one.removeSchedules()).toEqual(['sluice/alike/every-10s']);
        expect(await scheduleIds('alike-2')).toEqual(['sluice/alike-2/every-10s']);
        await other.removeSchedules();
      });
    });
  });

  it('skip a tick while the last runs, make up for minutes only, and do not all tick in one second', async () => {
    await withClient('policies', async (client) => {
      await client.registerSchedules();
      const { spec, policies, action } = await world.stage.client.schedule
        .getHandle('sluice/policies/every-10s')
        .describe();
      expect(policies).toMatchObject({ overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 5 * 60_000 });
      expect(spec.intervals).toMatchObject([{ every: 10_000 }]);
      expect(spec.jitter).toBe(1_000);
      expect(action).toMatchObject({
        workflowType: 'pollInstance',
        taskQueue: 'sluice/policies',
        workflowId: 'poll/policies/every-10s',
        args: [{ instance: 'policies', everySeconds: 10 }],
      });
      await client.removeSchedules();
    });
  });

  it('keep a pause that somebody set in the UI when they are registered again', async () => {
    await withClient('kept', async (client) => {
      await client.registerSchedules();
      await eventually('the Schedule in the list', async () => (await scheduleIds('kept')).length === 1);
      const handle = world.stage.client.schedule.getHandle('sluice/kept/every-10s');
      await handle.pause('maintenance');
      await client.registerSchedules();
      expect((await handle.describe()).state).toMatchObject({ paused: true });
      await client.removeSchedules();
    });
  });

  it('tick now when they are triggered: one workflow, one activity', async () => {
    const script = new Script();
    await withClient('ticks', async (client) => {
      await world.stage.site(
        script,
        async () => {
          await client.registerSchedules();
          await eventually('the Schedule in the list', async () => (await scheduleIds('ticks')).length === 1);
          await client.triggerSchedules();
          await eventually('a poll', () => script.polls > 0);
          await client.removeSchedules();
        },
        'ticks',
      );
      expect(script.log.every((line) => line.startsWith('pollStreams'))).toBe(true);
    });
  });
});

describe('streams', () => {
  it('are those of the configuration, lower tiers first; others are an error that names them', async () => {
    await withClient('names', async (client) => {
      expect(client.streams()).toEqual([
        { direction: 'down', type: 'Organization' },
        { direction: 'up', type: 'Patient' },
        { direction: 'up', type: 'Encounter' },
      ]);
      expect(types(client.streams(['Encounter']))).toEqual(['Encounter']);
      const unknown = client.sync(['Patient', 'Observation']);
      await expect(unknown).rejects.toThrow(UnknownTypeProblem);
      await expect(unknown).rejects.toThrow(/Observation is in no stream .* Patient, Encounter, Organization/);
      // Nothing was started for the type that is known.
      expect((await client.status(['Patient']))[0]?.state).toBe('idle');
    });
  });

  it('sync one, several or all, and wait until they are caught up', async () => {
    const script = new Script();
    await withClient('syncs', async (client) => {
      await world.stage.site(
        script,
        async () => {
          expect(types(await client.sync(['Patient']))).toEqual(['Patient']);
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([
            { instance: 'syncs', direction: 'up', type: 'Patient', state: 'current', paused: false, lagSeconds: 0 },
          ]);
          expect(script.committed.map(({ stream }) => stream.type)).toEqual(['Patient']);
          expect(types(await client.sync(['Encounter', 'Patient']))).toEqual(['Patient', 'Encounter']);
          expect(types(await client.sync())).toEqual(['Organization', 'Patient', 'Encounter']);
          const seen: string[][] = [];
          const all = await client.waitUntilSettled([], (statuses) => seen.push(statuses.map(({ state }) => state)));
          expect(all.map(({ state }) => state)).toEqual(['current', 'current', 'current']);
          expect(seen.length).toBeGreaterThan(0);
        },
        'syncs',
      );
    });
  });

  it('have ids and search attributes that tell them apart', async () => {
    const script = new Script();
    const hold = script.hold('commit');
    await withClient('attributes', async (client) => {
      await world.stage.site(
        script,
        async () => {
          await client.sync(['Patient']);
          await hold.reached;
          const handle = world.stage.client.workflow.getHandle(syncWorkflowId('attributes', 'up', 'Patient'));
          expect(handle.workflowId).toBe('sync/attributes/up/Patient');
          const { typedSearchAttributes, taskQueue, type } = await handle.describe();
          expect({ taskQueue, type }).toEqual({ taskQueue: 'sluice/attributes', type: 'syncResourceType' });
          const found = Object.entries(searchAttributes).map(([name, key]) => [name, typedSearchAttributes.get(key)]);
          expect(Object.fromEntries(found)).toEqual({
            instance: 'attributes',
            resourceType: 'Patient',
            direction: 'up',
            state: 'syncing',
          });
          hold.release();
          await client.waitUntilSettled(['Patient']);
        },
        'attributes',
      );
    });
  });

  it('that are open pause after the batch in hand and hold; those that are idle open, paused', async () => {
    const script = new Script({ head: 300, width: 100 });
    const hold = script.hold('commit');
    await withClient('pauses', async (client) => {
      await world.stage.site(
        script,
        async () => {
          expect((await client.status()).map(({ state }) => state)).toEqual(['idle', 'idle', 'idle']);
          // Nothing is open: nothing to resume, nothing to retry, and no error.
          expect(await client.resume()).toEqual([]);
          expect(await client.retry(['Patient'])).toEqual([]);
          await client.sync(['Patient']);
          await hold.reached;
          expect(types(await client.pause(['Patient', 'Encounter']))).toEqual(['Patient', 'Encounter']);
          hold.release();
          const held = await client.waitUntilSettled(['Patient', 'Encounter']);
          expect(held).toMatchObject([
            { type: 'Patient', state: 'paused', paused: true },
            { type: 'Encounter', state: 'paused', paused: true },
          ]);
          await client.sync(['Patient']);
          await sleep(200);
          expect(script.committed).toHaveLength(1);
          expect(types(await client.resume())).toEqual(['Patient', 'Encounter']);
          const after = await client.waitUntilSettled(['Patient', 'Encounter']);
          expect(after.map(({ state }) => state)).toEqual(['current', 'current']);
        },
        'pauses',
      );
    });
  });

  it('that are blocked say what they need, and go on by retry or by resync', async () => {
    const script = new Script().fails('fetchChanges', 'source-restored').fails('commit', 'target-forbidden');
    await withClient('blocks', async (client) => {
      await world.stage.site(
        script,
        async () => {
          await client.sync(['Patient']);
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([
            { state: 'blocked', need: { code: 'source-restored' } },
          ]);
          expect(types(await client.resync(['Patient']))).toEqual(['Patient']);
          await eventually('the commit', () => script.calls('commit') === 1);
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([
            { state: 'blocked', need: { code: 'target-forbidden' } },
          ]);
          expect(types(await client.retry())).toEqual(['Patient']);
          await eventually('the second commit', () => script.calls('commit') === 2);
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([
            { state: 'current', totals: { epoch: 2, delivered: 342 } },
          ]);
          await client.resync(['Patient']); // of an idle one
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([{ totals: { epoch: 3 } }]);
        },
        'blocks',
      );
    });
  });

  it('that no worker answers for are waited for only so long, and their status comes at once', async () => {
    await withClient('asleep', async (client) => {
      expect((await client.status()).map(({ state }) => state)).toEqual(['idle', 'idle', 'idle']);
      await client.sync(['Patient']);
      expect(await client.waitUntilSettled(['Patient'], undefined, 1_000)).toMatchObject([{ state: 'unanswered' }]);
    });
  });

  it('that the hub denies, or that somebody ended by hand, say so', async () => {
    const script = new Script();
    script.denied = 'not-registered';
    await withClient('ends', async (client) => {
      await world.stage.site(
        script,
        async () => {
          await client.sync(['Patient']);
          expect(await client.waitUntilSettled(['Patient'])).toMatchObject([
            { state: 'denied', reason: 'not-registered' },
          ]);
          await client.pause(['Encounter']);
          await world.stage.client.workflow.getHandle(syncWorkflowId('ends', 'up', 'Encounter')).terminate('by hand');
          expect(await client.waitUntilSettled(['Encounter'])).toMatchObject([{ state: 'terminated' }]);
        },
        'ends',
      );
    });
  });
});

describe('what the server holds', () => {
  it('is ciphertext in every payload: inputs, results, summaries, details, memo', async () => {
    const script = new Script({ steps: ['zip-codes'] }).fails('commit', 'target-forbidden');
    await withClient('sealed', async (client) => {
      await world.stage.site(
        script,
        async () => {
          await client.registerSchedules();
          await client.sync(['Patient']);
          await client.waitUntilSettled(['Patient']);
          await client.pause(['Patient']);
          await client.resume(['Patient']);
          await client.waitUntilSettled(['Patient']);
        },
        'sealed',
      );
      const { workflow, schedule, connection } = world.stage.client;
      const handle = workflow.getHandle(syncWorkflowId('sealed', 'up', 'Patient'));
      const described = await connection.workflowService.describeWorkflowExecution({
        namespace: 'default',
        execution: { workflowId: handle.workflowId },
      });
      const raw = await connection.workflowService.describeSchedule({
        namespace: 'default',
        scheduleId: 'sluice/sealed/every-10s',
      });
      await schedule.getHandle('sluice/sealed/every-10s').delete();
      const encodings = [...(await eventsOf(handle)), described, raw].flatMap((part) => encodingsIn(part));
      expect(encodings.length).toBeGreaterThan(15);
      expect([...new Set(encodings)]).toEqual(['binary/encrypted']);
      // The search sees what is in clear: that of a payload made without a codec.
      expect(encodingsIn({ summary: proto.temporal.api.common.v1.Payload.create(clear) })).toEqual(['json/plain']);
    });
  });
});

const clear = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"x"') };

/** The encodings of all payloads in a message, but those of search attributes, which no codec covers. */
function encodingsIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null || part instanceof Uint8Array) return [];
  const metadata = (part as { metadata?: Record<string, Uint8Array> }).metadata;
  if (metadata?.encoding instanceof Uint8Array) return [Buffer.from(metadata.encoding).toString()];
  return Object.entries(part).flatMap(([name, value]) =>
    name === 'searchAttributes' || name === 'indexedFields' ? [] : encodingsIn(value),
  );
}
