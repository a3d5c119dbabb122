/**
 * A whole site for tests: two doubles on real sockets, and everything of the product between them as `assemble` wires
 * it (clients, encrypted staging, SQLite, worker threads), with small limits and a clock that the test moves. Activities
 * run inside Temporal's own mock of an activity's context.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import { afterAll } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';

import type {
  Activities,
  Batch,
  CommitResult,
  DueStream,
  FetchResult,
  ResyncFound,
  StreamKey,
  StreamTotals,
} from '../../src/activities/contract.ts';
import { createActivities } from '../../src/activities/index.ts';
import type { Parts } from '../../src/activities/parts.ts';
import { assemble } from '../../src/assemble.ts';
import type { Config } from '../../src/config/config.ts';
import { LocalKeyring } from '../../src/crypto/local-keyring.ts';
import { compilePolicy } from '../../src/deid/compile.ts';
import { deidentify } from '../../src/deid/deidentify.ts';
import { keysFor } from '../../src/deid/keys.ts';
import { pseudonymId } from '../../src/deid/pseudonym.ts';
import { resolvePolicy } from '../../src/deid/policy/resolve.ts';
import { readPolicy } from '../../src/deid/policy/read.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/emulator.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { type LimitName, limitDefaults } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { KnownHeads } from '../../src/state/heads.ts';
import { readStream, updateStream } from '../../src/state/streams.ts';
import { cursorId } from '../../src/sync/cursor.ts';
import { stepActivityName } from '../../src/sync/step-name.ts';
import { deidKeys } from '../../src/threads/compiled.ts';
import { createThreadPool } from '../../src/threads/pool.ts';

type SiteActivities = ReturnType<typeof createActivities>;

export type Stored = Resource & { id: string };

export interface SiteOptions {
  readonly name?: string;
  /** `up Patient`, `down Organization`; without more, patients go up. */
  readonly streams?: readonly string[];
  readonly instance?: EmulatorOptions;
  readonly hub?: EmulatorOptions;
  readonly limits?: Partial<Record<LimitName, number>>;
  /** A policy document; the preset alone where none is given. */
  readonly policy?: object;
  /** Plug-ins of the policy. */
  readonly plugins?: Config['plugins'];
  /** Versions of the pseudonym key; the first alone where nothing is said. */
  readonly keyVersions?: readonly number[];
  /** Modules of extra steps, as URLs. */
  readonly steps?: readonly string[];
  /** A PostgreSQL for the state; a file of the site's own where nothing is said. */
  readonly stateDatabase?: Config['stateDatabase'];
  /** Whether the hub registers the instance, with every stream and the policy allowed. */
  readonly registered?: boolean;
}

/** Threads take a second to start: the sites of a file share them. */
const pool = createThreadPool(1);
afterAll(() => pool.close());

/** Transactions last no longer than this, by the tests' clock. */
export const settleSeconds = 10;

const limits = {
  ...limitDefaults,
  longestTransactionSeconds: settleSeconds,
  clockDriftSeconds: 0,
  workerThreadsMax: 1,
  requestTimeoutSeconds: 10,
};

const nothing = (): void => undefined;
/** Temporal's own words about failed activities; the tests look at the failures themselves. */
const noLogger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

const activityInfo = { startToCloseTimeoutMs: 30 * 60_000, heartbeatTimeoutMs: 60_000 };

export const up = (type: string): StreamKey => ({ direction: 'up', type });
export const down = (type: string): StreamKey => ({ direction: 'down', type });

/** How a stream was driven: what it fetched and committed until it was caught up. */
export interface Driven {
  readonly batches: readonly Batch[];
  readonly commits: readonly CommitResult[];
  readonly denied: string | undefined;
}

export interface DriveHooks {
  /** Called before each activity, with its name. */
  readonly before?: (activity: string) => void | Promise<void>;
}

export class Site {
  readonly name: string;
  readonly folder: string;
  readonly instance: Emulator;
  readonly hub: Emulator;
  readonly clock: { ms: number };
  /** Everything that was logged, as text. */
  readonly logged: string[] = [];
  readonly started: DueStream[] = [];
  parts!: Parts;
  activities!: SiteActivities;
  readonly #options: SiteOptions;
  #close: () => Promise<void> = () => Promise.resolve();

  private constructor(
    options: SiteOptions,
    world: { folder: string; instance: Emulator; hub: Emulator; clock: { ms: number } },
  ) {
    this.#options = options;
    this.name = options.name ?? 'north';
    this.folder = world.folder;
    this.instance = world.instance;
    this.hub = world.hub;
    this.clock = world.clock;
  }

  static async open(options: SiteOptions): Promise<Site> {
    const clock = { ms: Date.UTC(2026, 0, 5, 8) };
    const nowMs = (): number => clock.ms;
    const [instance, hub, folder] = await Promise.all([
      startEmulator({ createdAtUrl: '', nowMs, ...options.instance }),
      startEmulator({ createdAtUrl: '', nowMs, ...options.hub }),
      mkdtemp(join(tmpdir(), 'sluice-site-')),
    ]);
    const site = new Site(options, { folder, instance, hub, clock });
    try {
      await site.#begin();
    } catch (error) {
      // What stays open here would keep jest from ending.
      await site.close();
      throw error;
    }
    return site;
  }

  async #begin(): Promise<void> {
    for (const emulator of [this.instance, this.hub]) {
      emulator.addClient('sluice', 'a secret for tests');
      for (const id of ['ChangesInfo', 'AidboxInstance']) {
        emulator.put({ resourceType: 'Entity', id, type: 'resource', isOpen: true });
      }
    }
    await this.restart();
    if (this.#options.registered !== false) this.register();
  }

  /** Puts the site's process together again, over the same folder: what a restart of the worker does. */
  async restart(
    changes: Pick<SiteOptions, 'streams' | 'policy' | 'plugins' | 'keyVersions' | 'limits' | 'steps'> = {},
  ): Promise<void> {
    await this.#close();
    const options = { ...this.#options, ...changes };
    const assembly = await assemble(configOf(this, options), createLog(this.#logSink()));
    this.#close = () => assembly.close();
    const nowMs = (): number => this.clock.ms;
    this.parts = { ...assembly.parts, pool, heads: new KnownHeads(nowMs), now: nowMs };
    this.activities = this.process();
    // Nobody is on the way from before: a first load need not wait for others to announce themselves.
    for (const { direction, type } of this.parts.streams) {
      await updateStream(this.parts.db, { direction, type }, (at) => ({
        ...at,
        progressAtMs: Math.max(at.progressAtMs, 1),
      }));
    }
  }

  /** Activities with a memory of their own, over other parts if need be: another process of the same site. */
  process(changes: Partial<Parts> = {}): SiteActivities {
    return createActivities({ ...this.parts, ...changes }, (due) => {
      this.started.push(due);
      return Promise.resolve();
    });
  }

  /** The hub's registration of this instance, with everything allowed but for what `changes` says. */
  register(changes: object = {}): void {
    const typesOf = (direction: string): string[] =>
      this.parts.streams.filter((stream) => stream.direction === direction).map((stream) => stream.type);
    const registration = {
      enabled: true,
      up: typesOf('up'),
      down: typesOf('down'),
      policies: [this.parts.policyDigest],
    };
    this.hub.put({ resourceType: 'AidboxInstance', id: this.name, ...registration, ...changes });
  }

  async close(): Promise<void> {
    await this.#close();
    await Promise.all([this.instance.close(), this.hub.close()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  wait(seconds: number): void {
    this.clock.ms += seconds * 1_000;
  }

  /** Lets everything that may be in flight settle. */
  settle(): void {
    this.wait(settleSeconds + 1);
  }

  fetch(stream: StreamKey, more: object = {}, activities = this.activities): Promise<FetchResult> {
    return inActivity(() => activities.fetchChanges({ stream, ...more }));
  }

  async fetchBatch(stream: StreamKey, activities = this.activities): Promise<Batch> {
    const fetched = await this.fetch(stream, {}, activities);
    if (fetched.kind !== 'batch') throw new Error(`fetched: ${fetched.kind}`);
    return fetched.batch;
  }

  anonymize(batch: Batch, activities = this.activities): Promise<Batch> {
    return inActivity(() => activities.anonymize({ batch, asOf: '2026-01-05T08:00:00.000Z' }));
  }

  runStep(batch: Batch, name: string): Promise<Batch> {
    const step = this.activities[stepActivityName(name)];
    if (step === undefined) throw new Error(`no such step: ${name}`);
    return inActivity(() => step({ batch }));
  }

  authorize(stream: StreamKey, batch?: Batch): ReturnType<Activities['authorize']> {
    return inActivity(() => this.activities.authorize({ stream, ...(batch && { batch: batch.id }) }));
  }

  commit(batch: Batch, activities = this.activities): Promise<CommitResult> {
    return inActivity(() => activities.commit({ batch }));
  }

  /** Begins a resync. Throws where it is refused. */
  async resync(stream: StreamKey, more: object = {}): Promise<StreamTotals & { readonly found?: ResyncFound }> {
    const result = await inActivity(() => this.activities.beginResync({ stream, ...more }));
    if ('refused' in result) throw new Error(`refused: ${result.refused.join(', ')}`);
    return result;
  }

  poll(everySeconds = 10): ReturnType<Activities['pollStreams']> {
    return inActivity(() => this.activities.pollStreams({ instance: this.name, everySeconds }));
  }

  /** A batch that is ready to be committed. */
  async cleanBatch(stream: StreamKey): Promise<Batch> {
    return this.anonymize(await this.fetchBatch(stream));
  }

  /** Drives a stream as its workflow does, until it is caught up or denied. */
  async drive(stream: StreamKey, hooks: DriveHooks = {}): Promise<Driven> {
    const batches: Batch[] = [];
    const commits: CommitResult[] = [];
    const before = async (activity: string): Promise<void> => hooks.before?.(activity);
    for (let round = 0; round < 200; round += 1) {
      await before('fetch');
      const fetched = await this.fetch(stream);
      if (fetched.kind === 'caught-up') return { batches, commits, denied: undefined };
      if (fetched.kind !== 'batch') throw new Error(`fetched: ${fetched.kind}`);
      batches.push(fetched.batch);
      await before('anonymize');
      let batch = fetched.clean === true ? fetched.batch : await this.anonymize(fetched.batch);
      for (const step of fetched.steps) {
        await before('step');
        batch = await this.runStep(batch, step);
      }
      await before('authorize');
      const asked = await this.authorize(stream, batch);
      if (!asked.allowed) return { batches, commits, denied: asked.reason };
      await before('commit');
      commits.push(await this.commit(batch));
    }
    throw new Error('the stream does not come to an end');
  }

  /** Id in the hub of a resource of the instance. */
  pseudonym(type: string, id: string): string {
    const { scope, policy } = this.parts.rulesets.up;
    const keys = keysFor(deidKeys(this.parts.rulesets.up), resolvePolicy(policy), 'pseudonym');
    return pseudonymId(keys, scope.instance, type, id);
  }

  /** What should stand in the hub for a resource of the instance: its de-identified current state, or nothing. */
  expected(type: string, id: string): Resource | undefined {
    const current = this.instance.read(type, id);
    if (current === undefined) return undefined;
    const { policy, scope } = this.parts.rulesets.up;
    const keys = deidKeys(this.parts.rulesets.up);
    const result = deidentify(current, compilePolicy(policy, scope), keys, new Date('2026-01-05T08:00:00Z'));
    return result.kind === 'resource' ? result.resource : undefined;
  }

  /** What stands there, without what the hub's server added. */
  inHub(type: string, id: string): Resource | undefined {
    const found = this.hub.read(type, this.pseudonym(type, id));
    return found === undefined ? undefined : withoutServerMeta(found);
  }

  /** How often the hub has seen a resource of the instance written or deleted. */
  versionsInHub(type: string, id: string): number {
    return this.hub.store.versions(type, this.pseudonym(type, id)).length;
  }

  /** The stream's cursor in its target. */
  cursor(stream: StreamKey): Resource | undefined {
    const target = stream.direction === 'up' ? this.hub : this.instance;
    return target.read('ChangesInfo', cursorId(this.name, stream.direction, stream.type));
  }

  position(stream: StreamKey): ReturnType<typeof readStream> {
    return readStream(this.parts.db, stream);
  }

  get stateFile(): string {
    return join(this.folder, 'state.db');
  }

  get stagingFolder(): string {
    return join(this.folder, 'staging');
  }

  #logSink(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.logged.push(chunk.toString());
        done();
      },
    });
  }
}

function configOf(site: Site, options: SiteOptions): Config {
  const reading = readPolicy(options.policy ?? { apiVersion: 'fhir-sluice/v1', extends: 'aidbox-default' });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const auth = { kind: 'basic', client: 'sluice', secret: 'a secret for tests' } as const;
  const ring = (purpose: 'staging' | 'pseudonym' | 'payload', fill: number, versions: readonly number[] = [1]) =>
    new LocalKeyring(purpose, new Map(versions.map((version) => [version, new Uint8Array(32).fill(fill * version)])));
  return {
    instance: site.name,
    servers: { instance: { url: site.instance.url, auth }, hub: { url: site.hub.url, auth } },
    temporal: { address: '127.0.0.1:1', namespace: 'default' },
    streams: (options.streams ?? ['up Patient']).map((text) => {
      const [direction, type = ''] = text.split(' ');
      return { direction: direction === 'down' ? 'down' : 'up', type, everySeconds: 10 };
    }),
    policy: reading.policy,
    plugins: options.plugins ?? [],
    steps: (options.steps ?? []).map((moduleUrl, index) => ({ name: `extra${String(index)}`, moduleUrl })),
    stagingFolder: site.stagingFolder,
    stateFile: site.stateFile,
    ...(options.stateDatabase && { stateDatabase: options.stateDatabase }),
    keys: {
      staging: ring('staging', 1),
      pseudonym: ring('pseudonym', 2, options.keyVersions),
      // Not the pseudonym key of another version.
      payload: ring('payload', 101),
    },
    limits: { ...limits, ...options.limits },
  };
}

/** Runs work in the context of an activity of its own. */
export async function inActivity<Result>(work: () => Promise<Result>): Promise<Result> {
  return new MockActivityEnvironment(activityInfo, { logger: noLogger }).run(work);
}

/** Runs a test with a site of its own. */
export async function withSite(options: SiteOptions, work: (site: Site) => Promise<void>): Promise<void> {
  const site = await Site.open(options);
  try {
    await work(site);
  } finally {
    await site.close();
  }
}

/** Drops what a server puts into `meta`. */
export function withoutServerMeta({ meta, ...rest }: Resource): Resource {
  const { versionId: _version, lastUpdated: _time, ...kept } = (meta ?? {}) as Record<string, never>;
  return { ...rest, meta: kept };
}

export const patient = (id: string, more: object = {}): Stored => ({ resourceType: 'Patient', id, ...more });
