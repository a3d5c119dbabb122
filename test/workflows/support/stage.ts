/** A Temporal server for a suite, the workflows' bundle, and a site on it for each test. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { type DevServer, findTestServer, startDevServer } from '../../../dev/temporal-servers.ts';
import { taskQueueOf } from '../../../src/config/config.ts';
import { sluiceDataConverter } from '../../../src/crypto/data-converter.ts';
import { parseKeyring } from '../../../src/crypto/local-keyring.ts';
import { syncStartOptions, syncWorkflowType } from '../../../src/temporal/start-sync.ts';
import { searchAttributes, statusQuery, type SyncInput, type SyncState } from '../../../src/workflows/messages.ts';
import type { syncResourceType } from '../../../src/workflows/sync-resource-type.ts';
import { workflowBundle } from '../../support/workflow-bundle.ts';
import type { Script } from './script.ts';

/** The payload key of all tests: recorded histories were written under it. No other key is for anything. */
export const testPayloadKey = `v1:${Buffer.alloc(32, 7).toString('base64')}`;

export const testConverter = (): DataConverter => sluiceDataConverter(parseKeyring('payload', testPayloadKey));

/** temporal.api.enums.v1.IndexedValueType */
const keyword = 2;

export type SyncHandle = WorkflowHandle<typeof syncResourceType>;

/** Must be called before the first connection of a suite: the SDK's own log would fill the terminal. */
export function quietRuntime(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), shutdownSignals: [] });
}

export class Stage {
  readonly client: Client;
  readonly address: string;
  readonly #native: NativeConnection;
  readonly #bundle: string;
  readonly #skip: ((ms: number) => Promise<void>) | undefined;
  readonly #close: () => Promise<void>;

  private constructor(parts: {
    client: Client;
    address: string;
    native: NativeConnection;
    bundle: string;
    skip?: (ms: number) => Promise<void>;
    close: () => Promise<void>;
  }) {
    this.client = parts.client;
    this.address = parts.address;
    this.#native = parts.native;
    this.#bundle = parts.bundle;
    this.#skip = parts.skip;
    this.#close = parts.close;
  }

  /** On the server that skips time. */
  static async skipping(): Promise<Stage> {
    quietRuntime();
    const [bundle, executable] = await Promise.all([workflowBundle(), findTestServer({ say: () => undefined })]);
    const environment = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
    const attributes = Object.values(searchAttributes).map(({ name }) => [name, keyword] as const);
    await environment.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(attributes),
    });
    return new Stage({
      client: new Client({ connection: environment.connection, dataConverter: testConverter() }),
      address: environment.address,
      native: environment.nativeConnection,
      bundle,
      skip: (ms) => environment.sleep(ms),
      close: () => environment.teardown(),
    });
  }

  /** On a dev server, as users have it. */
  static async dev(dynamicConfig: Readonly<Record<string, unknown>> = {}): Promise<Stage> {
    quietRuntime();
    const folder = await mkdtemp(join(tmpdir(), 'sluice-workflows-'));
    const { TEMPORAL_ADDRESS: _running, ...env } = process.env;
    const starting: Promise<DevServer> = startDevServer({
      say: () => undefined,
      env,
      logFile: join(folder, 'temporal.log'),
      searchAttributes: Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, 'Keyword'])),
      dynamicConfig,
    });
    const [bundle, server] = await Promise.all([workflowBundle(), starting]);
    const connection = await Connection.connect({ address: server.address });
    const native = await NativeConnection.connect({ address: server.address });
    return new Stage({
      client: new Client({ connection, dataConverter: testConverter(), identity: 'recorder' }),
      address: server.address,
      native,
      bundle,
      async close() {
        await connection.close();
        await native.close();
        await server.stop();
        await rm(folder, { recursive: true, force: true });
      },
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Lets time pass; on the skipping server at once. */
  async pass(seconds: number): Promise<void> {
    await (this.#skip ?? sleep)(seconds * 1_000);
  }

  /** Runs a site's worker with scripted activities for as long as `act` takes. */
  async site<Result>(
    script: Pick<Script, 'activities'>,
    act: (site: StageSite) => Promise<Result>,
    instance = `site-${randomBytes(4).toString('hex')}`,
    workflowBundle: { readonly code: string } = { code: this.#bundle },
  ): Promise<Result> {
    const worker = await Worker.create({
      connection: this.#native,
      taskQueue: taskQueueOf(instance),
      identity: 'recorder',
      dataConverter: testConverter(),
      workflowBundle,
      activities: script.activities,
      maxHeartbeatThrottleInterval: 100,
    });
    return worker.runUntil(() => act(new StageSite(this, instance)));
  }
}

/** A site's streams, from outside. */
export class StageSite {
  readonly instance: string;
  readonly #stage: Stage;

  constructor(stage: Stage, instance: string) {
    this.#stage = stage;
    this.instance = instance;
  }

  options(more: Partial<SyncInput> = {}): ReturnType<typeof syncStartOptions> {
    return syncStartOptions({ instance: this.instance, direction: 'up', type: 'Patient', ...more });
  }

  async start(more: Partial<SyncInput> = {}): Promise<SyncHandle & { readonly firstExecutionRunId: string }> {
    return this.#stage.client.workflow.start<typeof syncResourceType>(syncWorkflowType, this.options(more));
  }

  /** Waits, in real time, until the stream is in a state. */
  async until(handle: SyncHandle, state: SyncState): Promise<void> {
    const deadline = Date.now() + 8_000;
    let seen = '';
    while (Date.now() < deadline) {
      seen = (await handle.query(statusQuery)).state;
      if (seen === state) return;
      await sleep(20);
    }
    throw new Error(`the stream is ${seen}, not ${state}`);
  }
}

/** Lets time pass in small steps until something holds. */
export async function passUntil(stage: Stage, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let step = 0; !(await holds()); step++) {
    if (step > 100) throw new Error(`never happened: ${what}`);
    await stage.pass(5);
    await sleep(20);
  }
}

/** Waits until something holds; for what no event announces. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 8_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(20);
  }
}
