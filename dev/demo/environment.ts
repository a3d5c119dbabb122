/** The demo's world: Temporal with its UI, three Aidbox doubles with data, two sites with a worker each. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
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
import { type DevServer, startDevServer } from '../temporal-servers.ts';
import { defineTypes, letIn, type NewSite, register, type TypesFile } from './aidbox-files.ts';
import { Children } from './children.ts';
import type { DemoProblem } from './problem.ts';
import { firstRoundAtHub, firstRoundAtInstance } from './rounds.ts';
import { writeSite } from './site.ts';
import type { Admin } from './snapshot.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const instances = ['north', 'south'] as const;
const downTypes = ['Organization', 'Location'] as const;

type Instance = (typeof instances)[number];

/** The two ways to make custom resources known, and the site that has an extra step: one of each is shown. */
const typesFiles: Readonly<Record<Instance | 'hub', TypesFile>> = {
  hub: 'types',
  north: 'types',
  south: 'types-entity',
};
const extraSteps: Readonly<Partial<Record<Instance, readonly string[]>>> = { north: ['drop-device-text'] };

export interface Site {
  readonly config: Config;
  readonly client: SluiceClient;
  /** An administrator of the site's Aidbox double. */
  readonly admin: Admin;
  readonly policyDigest: string;
}

export interface DemoWorld {
  readonly sites: readonly Site[];
  /** An administrator of the hub. */
  readonly hub: Admin;
  /** Absent where Temporal was there before. */
  readonly uiUrl: string | undefined;
  readonly temporalAddress: string;
  readonly temporalLog: string;
}

/** Starts everything, and stops it whatever has been started. */
export class Demo {
  /** Rejects when a child ends that should not have. */
  readonly failed: Promise<never>;
  readonly #say: (line: string) => void;
  readonly #stack = new AsyncDisposableStack();
  readonly #doubles: Children;
  readonly #workers: Children;
  #folder: string | undefined;

  /** @param say - is told what is being done */
  constructor(say: (line: string) => void) {
    this.#say = say;
    const { promise, reject } = Promise.withResolvers<never>();
    // Whoever races against it is told; nobody has to.
    promise.catch(() => undefined);
    this.failed = promise;
    const onUnexpectedEnd = (problem: DemoProblem): void => {
      reject(problem);
    };
    this.#doubles = new Children(onUnexpectedEnd);
    this.#workers = new Children(onUnexpectedEnd);
  }

  /** Starts the world. What fails leaves the rest to `stop`. */
  async start(): Promise<DemoWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'fhir-sluice-demo-'));
    this.#folder = folder;
    this.#stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const payloadKeyLine = generateKeyLine(1);
    const bundling = bundleOf(folder);
    const [temporal, doubles] = await Promise.all([
      this.#startTemporal(folder, payloadKeyLine),
      this.#startDoubles(folder),
      // Awaited once more below; here so that no failure goes unheard.
      bundling,
    ]);
    const sites = await Promise.all(
      instances.map((instance) => this.#startSite({ folder, instance, temporal, doubles, payloadKeyLine, bundling })),
    );
    return {
      sites,
      hub: doubles.hub,
      uiUrl: temporal.uiUrl,
      temporalAddress: temporal.address,
      temporalLog: logOf(folder, 'temporal'),
    };
  }

  /** Workers first, so that what is in flight can still be given back; then the doubles, then Temporal. */
  async stop(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** At once. Temporal ends when this process does. */
  kill(): void {
    this.#workers.kill();
    this.#doubles.kill();
    if (this.#folder === undefined) return;
    try {
      rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
    } catch {
      // Whoever kills wants an end, and it is a temporary folder.
    }
  }

  async #startTemporal(folder: string, payloadKeyLine: string): Promise<DevServer> {
    const allowedOrigins: string[] = [];
    const keyring = parseKeyring('payload', payloadKeyLine);
    const codec = await startCodecServer({ keyring, port: 0, allowedOrigins });
    this.#stack.defer(() => codec.close());
    const temporal = await startDevServer({
      say: this.#say,
      dbFile: join(folder, 'temporal.sqlite'),
      logFile: logOf(folder, 'temporal'),
      uiCodecEndpoint: codec.url,
      searchAttributes: Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, 'Keyword'])),
    });
    this.#stack.defer(() => temporal.stop());
    if (temporal.uiUrl !== undefined) allowedOrigins.push(new URL(temporal.uiUrl).origin);
    return temporal;
  }

  async #startDoubles(folder: string): Promise<Record<Instance | 'hub', Admin>> {
    this.#say('starting three Aidbox doubles: hub, north, south');
    this.#stack.defer(() => this.#doubles.stop());
    const [hub, north, south] = await Promise.all([
      this.#startDouble('hub', folder),
      this.#startDouble('north', folder),
      this.#startDouble('south', folder),
    ]);
    await Promise.all([
      firstRoundAtHub(hub),
      firstRoundAtInstance(north, 'north'),
      firstRoundAtInstance(south, 'south'),
    ]);
    return { hub, north, south };
  }

  /** A double with its part of the data, known to an administrator alone, and the custom resources of docs/aidbox. */
  async #startDouble(name: Instance | 'hub', folder: string): Promise<Admin> {
    const admin = { client: 'admin', secret: newSecret() };
    const args = [
      join(root, 'src/emulator/main.ts'),
      ...['--client', `${admin.client}:${admin.secret}`],
      ...(await filesOf(name)).flatMap((file) => ['--load', file]),
    ];
    const url = await this.#doubles.startServer(`the Aidbox double ${name}`, args, logOf(folder, `double-${name}`));
    const server = { url, ...admin };
    await defineTypes(server, name === 'hub' ? 'hub' : 'instance', typesFiles[name]);
    return server;
  }

  async #startSite(start: {
    readonly folder: string;
    readonly instance: Instance;
    readonly temporal: DevServer;
    readonly doubles: Record<Instance | 'hub', Admin>;
    readonly payloadKeyLine: string;
    readonly bundling: Promise<string>;
  }): Promise<Site> {
    const { folder, instance, temporal, doubles } = start;
    const names = { instance, up: await typesOf(instance), down: downTypes };
    const atInstance: NewSite = { ...names, secret: newSecret() };
    const atHub: NewSite = { ...names, secret: newSecret() };
    const file = await writeSite({
      folder: join(folder, instance),
      instance,
      instanceUrl: doubles[instance].url,
      hubUrl: doubles.hub.url,
      temporalAddress: temporal.address,
      upTypes: names.up,
      downTypes,
      policyFile: join(root, 'policies/demo.yaml'),
      payloadKeyLine: start.payloadKeyLine,
      secrets: { instance: atInstance.secret, hub: atHub.secret },
      // The doubles commit at once: nothing is in flight for long.
      limits: { longestTransactionSeconds: 3, clockDriftSeconds: 1 },
      steps: (extraSteps[instance] ?? []).map((name) => ({ name, module: join(root, `examples/steps/${name}.ts`) })),
    });
    const config = await loadConfig(file);
    const policyDigest = compilePolicy(config.policy, scopeOf(config)).digest;
    await letIn(doubles[instance], 'instance', atInstance);
    await letIn(doubles.hub, 'hub', atHub);
    await register(doubles.hub, atHub, policyDigest);
    const client = await SluiceClient.connect(config);
    this.#stack.defer(() => client.close());
    this.#say(`${instance}: registering the Schedules and starting a worker`);
    await client.registerSchedules();
    // A Temporal that somebody else runs must not go on ticking for a worker that is gone.
    if (temporal.uiUrl === undefined) this.#stack.defer(() => client.removeSchedules().then(() => undefined));
    const args = [join(root, 'bin/sluice.js'), 'worker', '--config', file, '--bundle', await start.bundling];
    this.#workers.start(`the worker of ${instance}`, args, logOf(folder, `worker-${instance}`));
    this.#stack.defer(() => this.#workers.stop());
    return { config, client, admin: doubles[instance], policyDigest };
  }
}

const newSecret = (): string => randomBytes(24).toString('base64url');
const logOf = (folder: string, name: string): string => join(folder, `${name}.log`);

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

async function filesOf(name: string): Promise<string[]> {
  const folder = join(root, 'data', name);
  return (await readdir(folder)).filter((file) => /\.ndjson(\.gz)?$/.test(file)).map((file) => join(folder, file));
}
