/** The demo's world: Temporal with its UI, three Aidbox doubles with data, two sites with a worker each. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { scopeOf } from '../../src/assemble.ts';
import { SluiceClient } from '../../src/client.ts';
import { startCodecServer } from '../../src/codec-server/server.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';
import { parseKeyring } from '../../src/crypto/local-keyring.ts';
import { compilePolicy } from '../../src/deid/compile.ts';
import { bundleWorkflows } from '../../src/workflow-bundle.ts';
import { searchAttributes } from '../../src/workflows/messages.ts';
import { startDevServer } from '../temporal-servers.ts';
import { Children } from './children.ts';
import { writeSite } from './site.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const instances = ['north', 'south'] as const;
export const downTypes = ['Organization', 'Location'] as const;

export interface Site {
  readonly config: Config;
  readonly client: SluiceClient;
  readonly url: string;
}

export interface DemoWorld {
  readonly sites: readonly Site[];
  readonly hubUrl: string;
  readonly uiUrl: string | undefined;
  readonly temporalAddress: string;
  /** Credentials of an administrator of every double, for looking into them. */
  readonly admin: { readonly client: string; readonly secret: string };
  readonly folder: string;
  onUnexpectedEnd(handler: (name: string, logFile: string) => void): void;
  stop(): Promise<void>;
}

/** Starts everything; `say` is told what is being done. Where a part fails, all that was started is stopped. */
export async function startDemo(say: (line: string) => void): Promise<DemoWorld> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(say, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(say: (line: string) => void, stack: AsyncDisposableStack): Promise<DemoWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'fhir-sluice-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const payloadKeyLine = generateKeyLine(1);
  const allowedOrigins: string[] = [];
  const codec = await startCodecServer({ keyring: parseKeyring('payload', payloadKeyLine), port: 0, allowedOrigins });
  stack.defer(() => codec.close());
  const bundling = bundleOf(folder);
  const temporal = await startDevServer({
    say,
    dbFile: join(folder, 'temporal.sqlite'),
    logFile: join(folder, 'temporal.log'),
    uiCodecEndpoint: codec.url,
    searchAttributes: Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, 'Keyword'])),
  });
  stack.defer(() => temporal.stop());
  if (temporal.uiUrl !== undefined) allowedOrigins.push(new URL(temporal.uiUrl).origin);
  const children = new Children();
  stack.defer(() => children.stop());
  say('starting three Aidbox doubles: hub, north, south');
  const world = new Doubles(children, folder);
  const [hubUrl, ...urls] = await world.start();
  const sites: Site[] = [];
  for (const [index, instance] of instances.entries()) {
    const file = await writeSite({
      folder: join(folder, instance),
      instance,
      instanceUrl: urls[index] ?? '',
      hubUrl,
      temporalAddress: temporal.address,
      upTypes: await typesOf(instance),
      downTypes,
      policyFile: join(root, 'policies/demo.yaml'),
      payloadKeyLine,
      secrets: { instance: world.secret, hub: world.secret },
      // The doubles commit at once: nothing is in flight for long.
      limits: { longestTransactionSeconds: 3, clockDriftSeconds: 1 },
    });
    const config = await loadConfig(file);
    const client = await SluiceClient.connect(config);
    stack.defer(() => client.close());
    sites.push({ config, client, url: urls[index] ?? '' });
  }
  await world.register(
    hubUrl,
    sites.map((site) => site.config),
  );
  const bundle = await bundling;
  say('starting a worker for each instance and registering the Schedules');
  for (const { config, client } of sites) {
    await client.registerSchedules();
    const args = [
      join(root, 'bin/sluice.js'),
      'worker',
      '--config',
      join(folder, config.instance, 'sluice.yaml'),
      '--bundle',
      bundle,
    ];
    children.start(`the worker of ${config.instance}`, args, join(folder, `worker-${config.instance}.log`));
  }
  return {
    sites,
    hubUrl,
    uiUrl: temporal.uiUrl,
    temporalAddress: temporal.address,
    admin: { client: 'admin', secret: world.secret },
    folder,
    onUnexpectedEnd: (handler) => {
      children.onUnexpectedEnd = handler;
    },
    stop: () => stack.disposeAsync(),
  };
}

/** Bundles the workflows once for both workers; they would each take seconds for it. */
async function bundleOf(folder: string): Promise<string> {
  const file = join(folder, 'workflows.bundle.js');
  await writeFile(file, await bundleWorkflows());
  return file;
}

/** Resource types in an instance's part of the data. */
async function typesOf(instance: string): Promise<string[]> {
  const files = await readdir(join(root, 'data', instance));
  const simulated = files.flatMap((file) => (file.endsWith('.ndjson.gz') ? [file.slice(0, -'.ndjson.gz'.length)] : []));
  return [...new Set([...simulated, 'Communication', 'QuestionnaireResponse', 'RelatedPerson'])].sort();
}

class Doubles {
  /** One secret for all Clients of the demo: made up at every start. */
  readonly secret = randomBytes(24).toString('base64url');
  readonly #children: Children;
  readonly #folder: string;

  constructor(children: Children, folder: string) {
    this.#children = children;
    this.#folder = folder;
  }

  async start(): Promise<[string, ...string[]]> {
    await mkdir(join(this.#folder, 'doubles'));
    const start = async (name: string, clients: readonly string[], loads: readonly string[]): Promise<string> => {
      const args = [
        join(root, 'src/emulator/main.ts'),
        ...clients.flatMap((client) => ['--client', `${client}:${this.secret}`]),
        ...loads.flatMap((file) => ['--load', file]),
        '--bootstrap',
        join(this.#folder, 'doubles', 'types.json'),
      ];
      return this.#children.startServer(`the Aidbox double ${name}`, args, join(this.#folder, `double-${name}.log`));
    };
    const entities = ['ChangesInfo', 'AidboxInstance'].map((id) => ({
      resourceType: 'Entity',
      id,
      type: 'resource',
      isOpen: true,
    }));
    await writeFile(join(this.#folder, 'doubles', 'types.json'), JSON.stringify(entities));
    const hub = await start('hub', ['admin', 'sluice-north', 'sluice-south'], await filesOf('hub'));
    const others = await Promise.all(
      instances.map(async (name) => start(name, ['admin', 'sluice'], await filesOf(name))),
    );
    return [hub, ...others];
  }

  /** What the hub's admins do: register each instance and approve its policy. */
  async register(hubUrl: string, configs: readonly Config[]): Promise<void> {
    for (const config of configs) {
      const types = (direction: string): string[] =>
        config.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type);
      const registration = {
        resourceType: 'AidboxInstance',
        id: config.instance,
        enabled: true,
        up: types('up'),
        down: types('down'),
        policies: [compilePolicy(config.policy, scopeOf(config)).digest],
      };
      const response = await fetch(`${hubUrl}/fhir/AidboxInstance/${config.instance}`, {
        method: 'PUT',
        headers: { authorization: `Basic ${btoa(`admin:${this.secret}`)}`, 'content-type': 'application/json' },
        body: JSON.stringify(registration),
      });
      if (!response.ok)
        throw new Error(`the hub refused the registration of ${config.instance}: ${String(response.status)}`);
    }
  }
}

async function filesOf(name: string): Promise<string[]> {
  const folder = join(root, 'data', name);
  return (await readdir(folder)).filter((file) => /\.ndjson(\.gz)?$/.test(file)).map((file) => join(folder, file));
}
