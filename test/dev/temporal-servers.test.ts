import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findTestServer, startDevServer } from '../../dev/temporal-servers.ts';

jest.setTimeout(180_000); // the first run on a machine downloads the servers

const folder = mkdtempSync(join(tmpdir(), 'fhir-sluice-servers-'));
const said: string[] = [];
const common = {
  say: (line: string) => {
    said.push(line);
  },
  logFile: join(folder, 'temporal.log'),
  searchAttributes: { SluiceInstance: 'Keyword', SluiceCount: 'Int' },
} as const;

// The environment may name a running server; here the started one is what is under test.
const { TEMPORAL_ADDRESS: _running, ...env } = process.env;

const listens = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Waits until nothing listens there any more; false when something still does after the time is up. */
const falls = async (address: string, secondsMax: number): Promise<boolean> => {
  const deadline = Date.now() + secondsMax * 1_000;
  while (Date.now() < deadline) {
    if (!(await listens(address))) return true;
    await sleep(100);
  }
  return false;
};

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the dev server', () => {
  it('answers with its search attributes and its UI, keeps its data across a restart, and goes when stopped', async () => {
    const dbFile = join(folder, 'temporal.db');
    const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 50 };
    const first = await startDevServer({ ...common, env, dbFile, dynamicConfig });
    const connection = await Connection.connect({ address: first.address });
    const attributes = await connection.operatorService.listSearchAttributes({ namespace: first.namespace });
    expect(Object.keys(attributes.customAttributes)).toEqual(expect.arrayContaining(['SluiceInstance', 'SluiceCount']));
    expect((await fetch(first.uiUrl!)).status).toBe(200);
    const cluster = await connection.workflowService.getClusterInfo({});
    await connection.close();
    await first.stop();
    await first.stop(); // twice is fine
    expect(await listens(first.address)).toBe(false);

    const second = await startDevServer({ ...common, env, dbFile });
    try {
      const again = await Connection.connect({ address: second.address });
      expect((await again.workflowService.getClusterInfo({})).clusterId).toBe(cluster.clusterId);
      await again.close();
    } finally {
      await second.stop();
    }
  });

  it('that runs already is used as it is: it gets the missing search attributes and survives stop', async () => {
    const running = await startDevServer({ ...common, env });
    try {
      const used = await startDevServer({
        ...common,
        env: { ...env, TEMPORAL_ADDRESS: running.address },
        searchAttributes: { ...common.searchAttributes, SluiceState: 'Keyword' },
      });
      expect(used).toMatchObject({ address: running.address, namespace: 'default' });
      await used.stop();
      expect(await listens(running.address)).toBe(true);
      const conflict = startDevServer({
        ...common,
        env: { ...env, TEMPORAL_ADDRESS: running.address },
        searchAttributes: { SluiceInstance: 'Int' },
      });
      await expect(conflict).rejects.toThrow('SluiceInstance exists, but not as Int');
    } finally {
      await running.stop();
    }
  });

  it('ends when its parent is killed without a chance to clean up', async () => {
    const script = `
      import { startDevServer } from ${JSON.stringify(join(import.meta.dirname, '../../dev/temporal-servers.ts'))};
      const server = await startDevServer({ say: () => {}, logFile: process.argv[1], searchAttributes: {} });
      process.stdout.write(server.address);
      setInterval(() => {}, 1000);`;
    const args = ['--input-type=module', '--eval', script, common.logFile];
    const parent = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [address] = (await once(parent.stdout, 'data')) as [Buffer];
    expect(await listens(address.toString())).toBe(true);
    parent.kill('SIGKILL');
    expect(await falls(address.toString(), 10)).toBe(true);
  });

  it('that cannot start says so with the end of its log', async () => {
    const wrong = startDevServer({
      ...common,
      env,
      dynamicConfig: { 'not a key=': 1 },
      dbFile: join(folder, 'no/such/folder/db'),
    });
    await expect(wrong).rejects.toThrow('ended before it answered; its log:');
    expect(readFileSync(common.logFile, 'utf8')).not.toBe('');
  });
});

describe('the time-skipping test server', () => {
  it('starts from what the search returns', async () => {
    const executable = await findTestServer({ say: common.say, env });
    const environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
    try {
      const before = await environment.currentTimeMs();
      await environment.sleep('1 day');
      expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(86_400_000);
    } finally {
      await environment.teardown();
    }
  });
});
