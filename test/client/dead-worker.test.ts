/** A worker that has gone: Temporal lists it for minutes still, and nobody who waits for an answer waits for so long. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';

import { NoWorkerProblem, SluiceClient } from '../../src/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { hasWorker } from '../../src/temporal/status.ts';
import { World } from './site.ts';

jest.setTimeout(90_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** Runs a test with an impatient client of a site whose worker was there just now. */
async function withGone(instance: string, act: (client: SluiceClient) => Promise<void>): Promise<void> {
  await world.withClient(instance, async ({ client }) => {
    expect((await client.quarantined().next()).done).toBe(true);
  });
  const config = await loadConfig(await world.site(instance));
  const client = await SluiceClient.connect(config, { patienceMs: 500 });
  try {
    expect(await hasWorker(world.stage.client, instance)).toBe(true);
    await act(client);
  } finally {
    await client.close();
  }
}

/** How the workflows of an instance ended, by what their ids begin with. */
async function endsOf(prefix: string): Promise<string[]> {
  const ends: string[] = [];
  for await (const { workflowId, status } of world.stage.client.workflow.list())
    if (workflowId.startsWith(prefix)) ends.push(status.name);
  return ends;
}

it('answers no question and carries out no order later, when somebody has long gone', async () => {
  await withGone('gone', async (client) => {
    const keys = ['Patient/a'];
    await expect(client.quarantined().next()).rejects.toThrow(NoWorkerProblem);
    await expect(client.discardQuarantined({ keys }, 'other')).rejects.toThrow(NoWorkerProblem);
    await expect(client.reconcile(['Patient'])).rejects.toThrow(NoWorkerProblem);
    await expect(client.conflicts(['Patient'])).rejects.toThrow(NoWorkerProblem);
    await expect(client.join()).rejects.toThrow(NoWorkerProblem);
    for (const prefix of ['quarantine/gone', 'reconcile/gone', 'conflicts/gone', 'join/gone'])
      expect(await endsOf(prefix)).not.toContain('RUNNING');
    const { client: temporal } = world.stage;
    expect((await temporal.workflow.getHandle('join/gone').describe()).status.name).toBe('TERMINATED');
  });
});

it('leaves when it comes back', async () => {
  await withGone('left-alone', async (client) => {
    await client.leave({ data: 'keep' });
    await expect(client.waitUntilLeft()).rejects.toThrow(NoWorkerProblem);
  });
  await world.withClient('left-alone', async ({ client }) => {
    expect(await client.waitUntilLeft()).toMatchObject({ phase: 'left' });
  });
});
