/**
 * A site between two doubles, each behind a proxy that does harm, as are a database and a bucket where it has them; its
 * processes die, sleep and are started again.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { DueStream } from '../../src/activities/contract.ts';
import type { Config } from '../../src/config/config.ts';
import { LocalKeyring } from '../../src/crypto/local-keyring.ts';
import { readPolicy } from '../../src/deid/policy/read.ts';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import type { PostgresPlace } from '../../src/state/postgres.ts';
import { updateStream } from '../../src/state/streams.ts';
import type { ThreadPool } from '../../src/threads/pool.ts';
import { canary, poison, policy } from './data.ts';
import type { Disk } from './disk.ts';
import type { Exchange } from './frames.ts';
import { Strikes } from './gate.ts';
import { StateLock } from './gated-state.ts';
import { SiteProcess } from './process.ts';
import type { Profile } from './profile.ts';
import { FaultProxy } from './proxy.ts';
import type { Dice } from './random.ts';
import { kindOf, Schedule } from './schedule.ts';
import { patience, Places, type Stores, type StoreServers } from './stores.ts';

const secret = 'a secret for tests';

/** Where every write waits for a disk, a run takes three times as long; what a power cut does to a disk is not tried here. */
const inMemory = '/dev/shm';

export const instanceName = 'north';

export interface WorldInput {
  readonly profile: Profile;
  readonly stores: Stores;
  /** For stores that need them. */
  readonly servers: StoreServers | undefined;
  readonly dice: Dice;
  readonly pool: ThreadPool;
}

/** A server that a proxy stands in front of. */
type Server = 'instance' | 'hub' | 'staging';

export class World {
  readonly profile: Profile;
  readonly stores: Stores;
  readonly instance: Emulator;
  readonly hub: Emulator;
  readonly folder: string;
  readonly clock: { ms: number };
  readonly strikes: Strikes;
  readonly schedules: Readonly<Record<Server | 'state', Schedule>>;
  readonly places: Places;
  readonly disk: Disk = { isFull: false };
  /** How far the worker's clocks are from those of the servers, in milliseconds. */
  readonly skewMs: number[] = [0, 0];
  /** What was logged, and what must not have been sent. */
  readonly logged: string[] = [];
  readonly leaks: string[] = [];
  /** Requests that a double refused as such. */
  readonly refusals: string[] = [];
  processes = 0;
  readonly #dice: Dice;
  readonly #pool: ThreadPool;
  readonly #lock = new StateLock();
  readonly #proxies: FaultProxy[] = [];
  readonly #all: SiteProcess[] = [];
  #config!: Config;
  /** The processes that work, by their seat. */
  readonly #running: Promise<SiteProcess>[] = [];
  #calm = false;
  onStart: (due: DueStream) => void = () => undefined;

  private constructor(
    { profile, stores, dice, pool }: WorldInput,
    parts: Pick<World, 'instance' | 'hub' | 'folder' | 'clock' | 'places'>,
  ) {
    this.profile = profile;
    this.stores = stores;
    this.places = parts.places;
    this.instance = parts.instance;
    this.hub = parts.hub;
    this.folder = parts.folder;
    this.clock = parts.clock;
    this.#dice = dice;
    this.#pool = pool;
    this.strikes = new Strikes([...stores.strikes, ...profile.strikes]);
    const schedule = (name: string): Schedule => new Schedule(dice.of(name), profile.weather);
    this.schedules = {
      instance: schedule('to instance'),
      hub: schedule('to hub'),
      state: new Schedule(dice.of('to state'), stores.weather.state, 'tcp'),
      staging: new Schedule(dice.of('to staging'), stores.weather.staging),
    };
  }

  static async start(input: WorldInput): Promise<World> {
    const { profile } = input;
    const clock = { ms: Date.UTC(2026, 0, 5, 8) };
    const nowMs = (): number => clock.ms;
    const folder = await mkdtemp(join(existsSync(inMemory) ? inMemory : tmpdir(), 'sluice-faults-'));
    const instance = await startEmulator({ ...profile.instance, nowMs });
    const hub = await startEmulator({ ...profile.hub, nowMs });
    const places = await Places.make(input.stores, input.servers);
    const world = new World(input, { instance, hub, folder, clock, places });
    await world.#begin();
    return world;
  }

  /** The bucket as the site knows it, if any. */
  get bucket(): Config['stagingBucket'] {
    return this.#config.stagingBucket;
  }

  get stateFile(): string {
    return join(this.folder, 'state.db');
  }

  get stagingFolder(): string {
    return join(this.folder, 'staging');
  }

  async #begin(): Promise<void> {
    for (const server of [this.instance, this.hub]) {
      server.addClient('sluice', secret);
      for (const id of ['ChangesInfo', 'AidboxInstance'])
        server.put({ resourceType: 'Entity', id, type: 'resource', isOpen: true });
    }
    this.hub.faults.push({
      match: { method: 'POST', bodyIncludes: `"${poison}"` },
      times: Infinity,
      action: {
        kind: 'answer',
        status: 422,
        body: { resourceType: 'OperationOutcome', issue: [{ code: 'invariant' }] },
      },
    });
    const servers = {
      instance: await this.#proxy('instance', this.instance.port),
      hub: await this.#proxy('hub', this.hub.port),
    };
    this.#config = await this.#configOf(servers);
    for (let seat = 0; seat < this.stores.workers; seat += 1) this.#run(seat);
    const { parts } = await this.running();
    // First loads that wait for each other would cost seconds; that gate has tests of its own.
    for (const { direction, type } of parts.streams)
      await eventually(() => updateStream(parts.db, { direction, type }, (at) => ({ ...at, loaded: true })));
    this.allow(true);
  }

  async #proxy(name: Server, port: number): Promise<string> {
    const proxy = await FaultProxy.start({
      port,
      schedule: this.schedules[name],
      kindOf: name === 'staging' ? kindOfObject : kindOf,
      onRequest: ({ method, path, body }) => {
        // To the instance PHI may go, but not in what access logs keep.
        const seen = name === 'instance' ? path : `${path} ${body.toString('latin1')}`;
        if (seen.toLowerCase().includes(canary)) this.leaks.push(`a ${method} to the ${name}`);
      },
      onAnswer: ({ method, path, body }, status) => {
        // What no client should be told: for those who look for a cause.
        if (name !== 'staging' && [400, 401, 403, 404, 405, 413, 414, 415].includes(status))
          this.refusals.push(`${String(status)} ${name} ${method} ${path} ${body.toString('utf8').slice(0, 300)}`);
      },
    });
    this.#proxies.push(proxy);
    return proxy.url;
  }

  async #configOf(urls: { instance: string; hub: string }): Promise<Config> {
    const reading = readPolicy(policy);
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    const auth = { kind: 'basic', client: 'sluice', secret } as const;
    const ring = (purpose: 'staging' | 'pseudonym' | 'payload', fill: number): LocalKeyring =>
      new LocalKeyring(purpose, new Map([[1, new Uint8Array(32).fill(fill)]]));
    const { upTypes, down, limits } = this.profile;
    const { database, bucket } = this.places;
    const stateDatabase: PostgresPlace | undefined = database && { ...database, patience };
    const endpoint = bucket && (await this.#proxy('staging', Number(new URL(bucket.endpoint ?? '').port)));
    const stream = (direction: 'up' | 'down') => (type: string) => ({ direction, type, everySeconds: 10 });
    return {
      instance: instanceName,
      servers: { instance: { url: urls.instance, auth }, hub: { url: urls.hub, auth } },
      temporal: { address: '127.0.0.1:1', namespace: 'default' },
      streams: [...upTypes.map(stream('up')), ...(down ? [stream('down')('Organization')] : [])],
      policy: reading.policy,
      plugins: [],
      steps: [],
      stagingFolder: this.stagingFolder,
      stateFile: this.stateFile,
      ...(stateDatabase && { stateDatabase }),
      ...(bucket && endpoint !== undefined && { stagingBucket: { ...bucket, endpoint } }),
      keys: { staging: ring('staging', 1), pseudonym: ring('pseudonym', 2), payload: ring('payload', 101) },
      limits,
    };
  }

  /** The process that works in a seat; where one has just ended, the next. */
  running(seat = 0): Promise<SiteProcess> {
    return this.#running[seat % this.stores.workers]!;
  }

  #run(seat: number): void {
    this.processes += 1;
    // Whoever cannot reach its stores at its start ends, and is started again.
    this.#running[seat] = eventually(() => this.#start(seat)).then((process) => {
      this.#all.push(process);
      void process.gate.ended.then((how) => {
        this.#succeed(seat, process, how);
      });
      return process;
    });
  }

  #start(seat: number): Promise<SiteProcess> {
    return SiteProcess.start({
      config: this.#config,
      pool: this.#pool,
      strikes: this.strikes,
      lock: this.#lock,
      disk: this.disk,
      toState: this.schedules.state,
      steadyMs: () => this.clock.ms,
      now: () => this.clock.ms + (this.skewMs[seat] ?? 0),
      onLog: (text) => this.logged.push(text),
      onStart: (due) => {
        this.onStart(due);
      },
    });
  }

  #succeed(seat: number, process: SiteProcess, how: 'killed' | 'paused'): void {
    const next = Promise.withResolvers<SiteProcess>();
    this.#running[seat] = next.promise;
    // A killed process's transaction of the state is rolled back before another opens the file.
    void this.#lock
      .idle()
      .then(() => {
        this.#run(seat);
        return this.#running[seat]!;
      })
      .then(next.resolve, next.reject);
    if (how === 'paused') {
      const asleepMs = this.#calm ? 0 : this.#dice.of(`sleep ${String(this.processes)}`).between(10, 300);
      void sleep(asleepMs).then(() => {
        process.gate.wake();
      });
    }
  }

  allow(enabled: boolean): void {
    const { upTypes, down } = this.profile;
    void this.running().then(({ parts }) => {
      this.hub.put({
        resourceType: 'AidboxInstance',
        id: instanceName,
        enabled,
        up: [...upTypes],
        down: down ? ['Organization'] : [],
        policies: [parts.policyDigest],
      });
    });
  }

  /** No more harm, and whoever sleeps wakes up. */
  calm(): void {
    this.#calm = true;
    this.strikes.calm();
    this.disk.isFull = false;
    for (const schedule of Object.values(this.schedules)) schedule.calm();
    for (const { gate, proxy } of this.#all) {
      gate.wake();
      proxy?.heal();
    }
  }

  /** Waits until nothing is on its way between the servers any more. */
  async quiet(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.idle();
  }

  async close(): Promise<void> {
    this.calm();
    const current = await Promise.all(this.#running);
    for (const process of new Set([...this.#all, ...current])) await process.close();
    for (const proxy of this.#proxies) await proxy.close();
    await Promise.all([this.instance.close(), this.hub.close(), this.places.remove()]);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Tries until it works: what is harmed comes back. */
async function eventually<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let left = 100; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(5);
    }
  }
}

/** A request to the bucket without the batch's name, which is another in each run. */
function kindOfObject({ method, path }: Exchange): string {
  const { pathname, searchParams } = new URL(path, 'http://bucket');
  const part = pathname.split('/')[3] ?? '';
  return `${method} ${part.replaceAll(/[^a-z]/g, '')} ${[...searchParams.keys()].sort().join()}`;
}
