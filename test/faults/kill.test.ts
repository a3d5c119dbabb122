/**
 * SIGKILL to what a site leans on, in the middle of one sync: to its source, and to the Temporal server. Both come back
 * with what they had, and the sync goes on. That of the worker, at each place: test/e2e/kill.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';

import { type DevServer, startDevServer } from '../../dev/temporal-servers.ts';
import { searchAttributes } from '../../src/workflows/messages.ts';
import type { Child } from '../support/e2e-children.ts';
import { differences } from '../support/e2e-check.ts';
import { note, range, testPolicy } from '../support/e2e-data.ts';
import { type E2eSite, E2eWorld, eventually, untilSettled } from '../support/e2e-world.ts';

jest.setTimeout(120_000);

const types = ['Observation', 'Procedure'];
const resources = types.flatMap((type) => range(150).map((n) => note(type, n)));
const program = fileURLToPath(new URL('../../src/emulator/main.ts', import.meta.url));

let world: E2eWorld;
let site: E2eSite;
let server: DevServer | undefined;

beforeAll(async () => {
  world = await E2eWorld.start();
  site = await world.addSite({
    instance: 'killed',
    upTypes: types,
    policy: testPolicy,
    limits: { batchRowsMax: 20, pageRowsMax: 20, requestTimeoutSeconds: 5 },
  });
  // Slow enough that there is a middle.
  world.hub.faults.push({ match: { method: 'POST' }, times: Infinity, action: { kind: 'delay', delayMs: 60 } });
  // The double of the world stays as the checker's copy of what the killed one holds.
  site.source.load(resources);
}, 60_000);

afterAll(async () => {
  await server?.stop();
  await world?.stop();
}, 30_000);

/** The source as a process of its own, that comes back with the same versions each time. */
async function startSource(port: number): Promise<{ child: Child; port: number }> {
  const file = join(world.folder, 'source.ndjson');
  const bootstrap = join(world.folder, 'bootstrap.json');
  await writeFile(file, resources.map((resource) => JSON.stringify(resource)).join('\n'));
  const types = ['ChangesInfo', 'AidboxInstance'].map((id) => ({
    resourceType: 'Entity',
    id,
    type: 'resource',
    isOpen: true,
  }));
  await writeFile(bootstrap, JSON.stringify(types));
  const args = [
    '--port',
    String(port),
    '--bootstrap',
    bootstrap,
    '--client',
    'sluice:a-secret-of-the-tests',
    '--load',
    file,
  ];
  const log = join(world.folder, `source-${String(Date.now())}.log`);
  const child = world.startProgram([program, ...args], log);
  const line = await eventually('the source', () =>
    child
      .log()
      .split('\n')
      .find((text) => text.startsWith('{"url"')),
  );
  return { child, port: Number(new URL((JSON.parse(line) as { url: string }).url).port) };
}

/** The server's own process: the one that has the world's database in its arguments, its guard aside. */
function temporalPid(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return args.includes(world.dbFile) && args.includes('start-dev') && !args.includes('temporal-guard');
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('no Temporal server of this test runs');
  return Number(found);
}

const arrived = (): number => types.reduce((sum, type) => sum + world.hub.store.count(type), 0);

it('goes on where it was when its source and Temporal were killed and came back', async () => {
  const first = await startSource(0);
  const config = await readFile(site.configFile, 'utf8');
  await writeFile(site.configFile, config.replace(site.source.url, `http://127.0.0.1:${String(first.port)}`));
  world.startWorker(site);
  await site.client.sync();

  await eventually('some of it', () => arrived() >= 40);
  first.child.kill('SIGKILL');
  expect(await first.child.ended).toEqual({ code: null, signal: 'SIGKILL' });
  await startSource(first.port);

  await eventually('more of it', () => arrived() >= 120);
  expect(arrived()).toBeLessThan(resources.length);
  process.kill(temporalPid(), 'SIGKILL');
  const { TEMPORAL_ADDRESS: _running, ...env } = process.env;
  server = await startDevServer({
    say: () => undefined,
    env,
    dbFile: world.dbFile,
    port: Number(world.address.split(':')[1]),
    logFile: join(world.folder, 'temporal-again.log'),
    searchAttributes: Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, 'Keyword'])),
  });

  const statuses = await untilSettled(site, [], 100);
  expect(statuses.map(({ state }) => state)).toEqual(['current', 'current']);
  expect(differences(world, site, { writtenOnce: true })).toEqual([]);
}, 110_000);
