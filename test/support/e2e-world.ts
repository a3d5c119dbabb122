/**
 * A world for end-to-end tests: a real Temporal dev server, Aidbox doubles in this process, sites with their
 * configuration on disk, workers as child processes. All of it ends with `stop`, or with this process.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { writeSite } from '../../dev/demo/site.ts';
import { startDevServer } from '../../dev/temporal-servers.ts';
import { scopeOf } from '../../src/assemble.ts';
import { SluiceClient, type StreamStatus } from '../../src/client.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { generateKeyLine } from '../../src/crypto/key-text.ts';
import { compilePolicy } from '../../src/deid/compile.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.ts';
import type { JsonObject } from '../../src/fhir/resource.ts';
import { searchAttributes } from '../../src/workflows/messages.ts';
import { type Child, LeashedChildren } from './e2e-children.ts';
import type { Harm } from './e2e-harmed-worker.ts';
import { workflowBundle } from './workflow-bundle.ts';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const secret = 'a-secret-of-the-tests';

const quickLimits = { longestTransactionSeconds: 1, clockDriftSeconds: 0, workerThreadsMax: 1 };

export interface SiteOptions {
  readonly instance: string;
  readonly upTypes: readonly string[];
  readonly downTypes?: readonly string[];
  readonly policy: JsonObject;
  readonly limits?: Readonly<Record<string, number>>;
  readonly steps?: readonly { readonly name: string; readonly module: string }[];
  readonly source?: EmulatorOptions;
  /** Where staging and state lie; in the site's folder where it is left out. */
  readonly stores?: { readonly staging: object; readonly state: object };
}

export interface E2eSite {
  readonly instance: string;
  readonly folder: string;
  readonly configFile: string;
  readonly config: Config;
  readonly client: SluiceClient;
  readonly source: Emulator;
  /** Digest of the site's policy: what its hub has to approve. */
  readonly policyDigest: string;
}

export interface WorldOptions {
  readonly hub?: EmulatorOptions;
}

export class E2eWorld {
  readonly folder: string;
  readonly dbFile: string;
  readonly address: string;
  readonly hub: Emulator;
  readonly #bundle: string;
  readonly #children: LeashedChildren;
  readonly #stack: AsyncDisposableStack;
  readonly #payloadKeyLine = generateKeyLine(1);

  private constructor(
    parts: { folder: string; dbFile: string; address: string; hub: Emulator; bundle: string },
    children: LeashedChildren,
    stack: AsyncDisposableStack,
  ) {
    this.folder = parts.folder;
    this.dbFile = parts.dbFile;
    this.address = parts.address;
    this.hub = parts.hub;
    this.#bundle = parts.bundle;
    this.#children = children;
    this.#stack = stack;
  }

  static async start(options: WorldOptions = {}): Promise<E2eWorld> {
    const stack = new AsyncDisposableStack();
    try {
      const folder = await mkdtemp(join(tmpdir(), 'fhir-sluice-e2e-'));
      stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
      const children = new LeashedChildren();
      const dbFile = join(folder, 'temporal.sqlite');
      // A server that somebody runs has no database file that could be searched, and others' workflows in it.
      const { TEMPORAL_ADDRESS: _running, ...env } = process.env;
      const temporal = await startDevServer({
        say: () => undefined,
        env,
        dbFile,
        logFile: join(folder, 'temporal.log'),
        searchAttributes: Object.fromEntries(Object.values(searchAttributes).map(({ name }) => [name, 'Keyword'])),
      });
      stack.defer(() => temporal.stop());
      const hub = await startEmulator(options.hub);
      stack.defer(() => hub.close());
      defineTypes(hub);
      hub.addClient('admin', secret);
      stack.defer(() => children.stop());
      const bundle = join(folder, 'workflows.bundle.js');
      await writeFile(bundle, await workflowBundle());
      return new E2eWorld({ folder, dbFile, address: temporal.address, hub, bundle }, children, stack);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** A site with a double of its own, known to the hub and approved there. */
  async addSite(options: SiteOptions): Promise<E2eSite> {
    const { instance, upTypes, downTypes = [] } = options;
    const source = await startEmulator(options.source);
    this.#stack.defer(() => source.close());
    defineTypes(source);
    source.addClient('sluice', secret);
    this.hub.addClient(`sluice-${instance}`, secret);
    const folder = join(this.folder, instance);
    const configFile = await writeSite({
      folder,
      instance,
      instanceUrl: source.url,
      hubUrl: this.hub.url,
      temporalAddress: this.address,
      upTypes,
      downTypes,
      policyFile: './policy.yaml',
      payloadKeyLine: this.#payloadKeyLine,
      secrets: { instance: secret, hub: secret },
      limits: { ...quickLimits, ...options.limits },
      ...(options.steps && { steps: options.steps }),
      ...(options.stores && { stores: options.stores }),
      // Ticks come when a test triggers them.
      every: '1h',
    });
    await writeFile(join(folder, 'policy.yaml'), JSON.stringify(options.policy));
    return this.#siteOf(configFile, source, folder);
  }

  /** The same site after its policy file was replaced; a worker has to be started anew for it. */
  async withPolicy(site: E2eSite, policy: JsonObject): Promise<E2eSite> {
    await writeFile(join(site.folder, 'policy.yaml'), JSON.stringify(policy));
    return this.#siteOf(site.configFile, site.source, site.folder, false);
  }

  async #siteOf(configFile: string, source: Emulator, folder: string, approve = true): Promise<E2eSite> {
    const config = await loadConfig(configFile);
    const client = await SluiceClient.connect(config);
    this.#stack.defer(() => client.close());
    const policyDigest = compilePolicy(config.policy, scopeOf(config)).digest;
    const site = { instance: config.instance, folder, configFile, config, client, source, policyDigest };
    if (approve) this.register(site);
    return site;
  }

  /** What the hub's admins do: say what an instance may send. */
  register(site: E2eSite, change: JsonObject = {}): void {
    const types = (direction: string): string[] =>
      site.config.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type);
    this.hub.put({
      resourceType: 'AidboxInstance',
      id: site.instance,
      enabled: true,
      up: types('up'),
      down: types('down'),
      policies: [site.policyDigest],
      ...change,
    });
  }

  /** The command `sluice worker`, as a site runs it. */
  startWorker(site: E2eSite): Child {
    const args = [fromRoot('bin/sluice.js'), 'worker', '--config', site.configFile, '--bundle', this.#bundle];
    return this.#children.start(args, join(site.folder, 'worker.log'));
  }

  /** The workers of several sites in one process; see `e2e-harmed-worker.ts`. */
  startHarmedWorker(sites: readonly E2eSite[], harms: readonly Harm[] = []): Child {
    const files = sites.map((site) => site.configFile);
    const args = [fromRoot('test/support/e2e-harmed-worker.ts'), this.#bundle, ...files];
    const logFile = join(sites[0]?.folder ?? this.folder, 'worker.log');
    return this.#children.start(args, logFile, { E2E_HARM: JSON.stringify(harms) });
  }

  /** Any other program, its output in the folder of the world. */
  startProgram(args: readonly string[], logFile: string): Child {
    return this.#children.start(args, logFile);
  }

  stop(): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function defineTypes(server: Emulator): void {
  for (const id of ['ChangesInfo', 'AidboxInstance'])
    server.put({ resourceType: 'Entity', id, type: 'resource', isOpen: true });
}

/** Polls until `look` gives something other than `undefined` or `false`; else fails with what it was waiting for. */
export async function eventually<Found>(
  what: string,
  look: () => Promise<Found> | Found,
  secondsMax = 60,
): Promise<Exclude<Found, undefined | false>> {
  const untilMs = Date.now() + secondsMax * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<Found, undefined | false>;
    if (Date.now() > untilMs) throw new Error(`${what}: not within ${String(secondsMax)} s`);
    await sleep(100);
  }
}

/** Has streams look for changes and waits until each has none left, or cannot go on. */
export async function syncUntilSettled(
  site: E2eSite,
  types: readonly string[] = [],
  secondsMax = 60,
): Promise<StreamStatus[]> {
  await site.client.sync(types);
  return untilSettled(site, types, secondsMax);
}

export async function untilSettled(
  site: E2eSite,
  types: readonly string[] = [],
  secondsMax = 60,
): Promise<StreamStatus[]> {
  let last: StreamStatus[] = [];
  const late = sleep(secondsMax * 1_000, undefined, { ref: false }).then(() => {
    const said = last.map(({ type, state, need }) => `${type} ${state} ${need?.code ?? ''}`).join(', ');
    throw new Error(`${site.instance} did not settle within ${String(secondsMax)} s: ${said}\n${tailOf(site)}`);
  });
  return Promise.race([
    late,
    site.client.waitUntilSettled(types, (statuses) => {
      last = statuses;
    }),
  ]);
}

const tailOf = (site: E2eSite): string => {
  try {
    return readFileSync(join(site.folder, 'worker.log'), 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
};
