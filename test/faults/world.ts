/** A site between two doubles, each behind a proxy that does harm; its processes die, sleep and are started again. */
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
import { updateStream } from '../../src/state/streams.ts';
import type { ThreadPool } from '../../src/threads/pool.ts';
import { canary, poison, policy } from './data.ts';
import { Strikes } from './gate.ts';
import { StateLock } from './gated-state.ts';
import { SiteProcess } from './process.ts';
import type { Profile } from './profile.ts';
import { FaultProxy } from './proxy.ts';
import type { Dice } from './random.ts';
import { Schedule } from './schedule.ts';

const secret = 'a secret for tests';

/** Where every write waits for a disk, a run takes three times as long; what a power cut does to a disk is not tried here. */
const inMemory = '/dev/shm';

export const instanceName = 'north';

export class World {
  readonly profile: Profile;
  readonly instance: Emulator;
  readonly hub: Emulator;
  readonly folder: string;
  readonly clock: { ms: number };
  readonly strikes: Strikes;
  readonly schedules: { readonly instance: Schedule; readonly hub: Schedule };
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
  #running!: Promise<SiteProcess>;
  #calm = false;
  onStart: (due: DueStream) => void = () => undefined;

  private constructor(
    parts: Pick<World, 'profile' | 'instance' | 'hub' | 'folder' | 'clock'>,
    dice: Dice,
    pool: ThreadPool,
  ) {
    this.profile = parts.profile;
    this.instance = parts.instance;
    this.hub = parts.hub;
    this.folder = parts.folder;
    this.clock = parts.clock;
    this.#dice = dice;
    this.#pool = pool;
    this.strikes = new Strikes(parts.profile.strikes);
    const schedule = (name: string): Schedule => new Schedule(dice.of(name), parts.profile.weather);
    this.schedules = { instance: schedule('to instance'), hub: schedule('to hub') };
  }

  static async start(profile: Profile, dice: Dice, pool: ThreadPool): Promise<World> {
    const clock = { ms: Date.UTC(2026, 0, 5, 8) };
    const nowMs = (): number => clock.ms;
    const folder = await mkdtemp(join(existsSync(inMemory) ? inMemory : tmpdir(), 'sluice-faults-'));
    const instance = await startEmulator({ ...profile.instance, nowMs });
    const hub = await startEmulator({ ...profile.hub, nowMs });
    const world = new World({ profile, instance, hub, folder, clock }, dice, pool);
    await world.#begin();
    return world;
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
    const servers = { instance: await this.#proxy('instance'), hub: await this.#proxy('hub') };
    this.#config = this.#configOf(servers);
    this.#run();
    const { parts } = await this.running();
    // First loads that wait for each other would cost seconds; that gate has tests of its own.
    for (const { direction, type } of parts.streams)
      await updateStream(parts.db, { direction, type }, (at) => ({ ...at, loaded: true }));
    this.allow(true);
  }

  async #proxy(name: 'instance' | 'hub'): Promise<string> {
    const proxy = await FaultProxy.start({
      port: this[name].port,
      schedule: this.schedules[name],
      onRequest: ({ method, path, body }) => {
        // To the instance PHI may go, but not in what access logs keep.
        const seen = name === 'hub' ? `${path} ${body.toString('utf8')}` : path;
        if (seen.toLowerCase().includes(canary)) this.leaks.push(`a ${method} to the ${name}`);
      },
      onAnswer: ({ method, path, body }, status) => {
        // What no client should be told: for those who look for a cause.
        if ([400, 401, 403, 404, 405, 413, 414, 415].includes(status))
          this.refusals.push(`${String(status)} ${name} ${method} ${path} ${body.toString('utf8').slice(0, 300)}`);
      },
    });
    this.#proxies.push(proxy);
    return proxy.url;
  }

  #configOf(urls: { instance: string; hub: string }): Config {
    const reading = readPolicy(policy);
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    const auth = { kind: 'basic', client: 'sluice', secret } as const;
    const ring = (purpose: 'staging' | 'pseudonym' | 'payload', fill: number): LocalKeyring =>
      new LocalKeyring(purpose, new Map([[1, new Uint8Array(32).fill(fill)]]));
    const { upTypes, down, limits } = this.profile;
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
      keys: { staging: ring('staging', 1), pseudonym: ring('pseudonym', 2), payload: ring('payload', 101) },
      limits,
    };
  }

  /** The process that works; where one has just ended, the next. */
  running(): Promise<SiteProcess> {
    return this.#running;
  }

  #run(): void {
    this.processes += 1;
    this.#running = SiteProcess.start({
      config: this.#config,
      pool: this.#pool,
      strikes: this.strikes,
      lock: this.#lock,
      now: () => this.clock.ms,
      onLog: (text) => this.logged.push(text),
      onStart: (due) => {
        this.onStart(due);
      },
    }).then((process) => {
      this.#all.push(process);
      void process.gate.ended.then((how) => {
        this.#succeed(process, how);
      });
      return process;
    });
  }

  #succeed(process: SiteProcess, how: 'killed' | 'paused'): void {
    const next = Promise.withResolvers<SiteProcess>();
    this.#running = next.promise;
    // A killed process's transaction of the state is rolled back before another opens the file.
    void this.#lock
      .idle()
      .then(() => {
        this.#run();
        return this.#running;
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
    this.schedules.instance.calm();
    this.schedules.hub.calm();
    for (const { gate } of this.#all) gate.wake();
  }

  /** Waits until nothing is on its way between the servers any more. */
  async quiet(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.idle();
  }

  async close(): Promise<void> {
    this.calm();
    const current = await this.running();
    for (const process of new Set([...this.#all, current])) await process.close();
    for (const proxy of this.#proxies) await proxy.close();
    await Promise.all([this.instance.close(), this.hub.close()]);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
