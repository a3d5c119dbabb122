/** A process of a site: the product's parts as `assemble` wires them, behind gates, and the activities over them. */
import { Writable } from 'node:stream';

import { createActivities } from '../../src/activities/index.ts';
import type { Parts } from '../../src/activities/parts.ts';
import { assemble, type Assembly, connectServer } from '../../src/assemble.ts';
import type { Config } from '../../src/config/config.ts';
import type { Clock } from '../../src/fhir/clock.ts';
import { createLimiter } from '../../src/fhir/limiter.ts';
import { createLog } from '../../src/log.ts';
import { KnownHeads } from '../../src/state/heads.ts';
import type { Staging } from '../../src/staging/staging.ts';
import type { ThreadPool } from '../../src/threads/pool.ts';
import type { DueStream } from '../../src/activities/contract.ts';
import { type Disk, fullState, noRoom } from './disk.ts';
import { Gate, type Strikes } from './gate.ts';
import { gatedState, type StateLock } from './gated-state.ts';
import { kindOfMessage, TcpProxy } from './tcp-proxy.ts';
import type { Schedule } from './schedule.ts';

export interface ProcessInput {
  readonly config: Config;
  readonly pool: ThreadPool;
  readonly strikes: Strikes;
  readonly lock: StateLock;
  readonly disk: Disk;
  /** What its connections to the state's database come to. */
  readonly toState: Schedule;
  /** The worker's clock, that jumps, and one that nobody sets. */
  readonly now: () => number;
  readonly steadyMs: () => number;
  readonly onLog: (text: string) => void;
  readonly onStart: (due: DueStream) => void;
}

/** A thousand times faster than ours: nobody waits a minute because of a `Retry-After`. */
const fastClock: Clock = {
  now: () => performance.now() * 1_000,
  later(ms, run, background = false) {
    const timer = setTimeout(run, Math.ceil(ms / 1_000));
    if (background) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

export class SiteProcess {
  readonly gate: Gate;
  readonly activities: ReturnType<typeof createActivities>;
  readonly parts: Parts;
  readonly close: () => Promise<void>;
  /** The way to the state's database, where there is one. */
  readonly proxy: TcpProxy | undefined;

  private constructor(gate: Gate, parts: Parts, input: ProcessInput, assembly: Assembly, proxy: TcpProxy | undefined) {
    this.gate = gate;
    this.parts = parts;
    this.proxy = proxy;
    this.close = async () => {
      await assembly.close();
      await proxy?.close();
    };
    void gate.ended.then((how) => {
      if (how === 'killed') proxy?.sever();
    });
    this.activities = createActivities(gatedParts(parts, gate, input), (due) => {
      input.onStart(due);
      return Promise.resolve();
    });
  }

  static async start(input: ProcessInput): Promise<SiteProcess> {
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        input.onLog(chunk.toString());
        done();
      },
    });
    const proxy = await proxyOf(input);
    const config = through(input.config, proxy);
    const { limits } = config;
    const assembly = await assemble(config, createLog(sink)).catch(async (error: unknown) => {
      await proxy?.close();
      throw error;
    });
    const connect = (server: 'instance' | 'hub'): Parts['servers']['hub'] =>
      connectServer(config.servers[server], limits, createLimiter({ server, limits, clock: fastClock }));
    const parts: Parts = {
      ...assembly.parts,
      servers: { instance: connect('instance'), hub: connect('hub') },
      pool: input.pool,
      heads: new KnownHeads(input.steadyMs),
      now: input.now,
    };
    return new SiteProcess(new Gate(input.strikes), parts, input, assembly, proxy);
  }
}

/** Each process has connections of its own, that end with it. */
async function proxyOf({ config, toState }: ProcessInput): Promise<TcpProxy | undefined> {
  if (config.stateDatabase === undefined) return undefined;
  const port = Number(new URL(config.stateDatabase.url).port);
  return TcpProxy.start({ port, schedule: toState, kindOf: kindOfMessage });
}

function through(config: Config, proxy: TcpProxy | undefined): Config {
  if (config.stateDatabase === undefined || proxy === undefined) return config;
  const url = new URL(config.stateDatabase.url);
  url.port = String(proxy.port);
  return { ...config, stateDatabase: { ...config.stateDatabase, url: url.href } };
}

function gatedParts(parts: Parts, gate: Gate, { config, lock, disk }: ProcessInput): Parts {
  const isFile = config.stateDatabase === undefined;
  return {
    ...parts,
    db: gatedState(parts.db, {
      gate,
      lock: isFile ? lock : undefined,
      failure: () => (disk.isFull ? fullState(isFile) : undefined),
    }),
    servers: {
      instance: gatedMethods('instance', parts.servers.instance, gate),
      hub: gatedMethods('hub', parts.servers.hub, gate),
    },
    staging: gatedStaging(parts.staging, gate, disk),
    pool: gatedMethods('pool', parts.pool, gate),
  };
}

/** Every method of an interface whose methods return promises. */
function gatedMethods<Api extends object>(name: string, api: Api, gate: Gate): Api {
  return new Proxy(api, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        await gate.pass(`${name}.${String(member)} before`);
        const result = await method(...args);
        await gate.pass(`${name}.${String(member)} after`);
        return result;
      };
    },
  });
}

function gatedStaging(staging: Staging, gate: Gate, disk: Disk): Staging {
  const gated = gatedMethods('staging', staging, gate);
  const read: Staging['read'] = async function* (batch, part) {
    await gate.pass('staging.read before');
    yield* staging.read(batch, part);
    await gate.pass('staging.read after');
  };
  const write: Staging['write'] = (batch, part, chunks) => gated.write(batch, part, dyingWithin(chunks, gate, disk));
  return new Proxy(gated, {
    get: (target, member) => (member === 'read' ? read : member === 'write' ? write : Reflect.get(target, member)),
  });
}

/** A writer that is killed, or runs out of room, in the middle of an object. */
async function* dyingWithin(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  gate: Gate,
  disk: Disk,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const half = Math.floor(chunk.length / 2);
    yield chunk.subarray(0, half);
    gate.passWithin('staging.write middle');
    if (disk.isFull) throw noRoom();
    yield chunk.subarray(half);
  }
}
