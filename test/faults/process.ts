/** A process of a site: the product's parts as `assemble` wires them, behind gates, and the activities over them. */
import { Writable } from 'node:stream';

import { createActivities } from '../../src/activities/index.ts';
import type { Parts } from '../../src/activities/parts.ts';
import { assemble, connectServer } from '../../src/assemble.ts';
import type { Config } from '../../src/config/config.ts';
import type { Clock } from '../../src/fhir/clock.ts';
import { createLimiter } from '../../src/fhir/limiter.ts';
import { createLog } from '../../src/log.ts';
import type { Staging } from '../../src/staging/staging.ts';
import type { ThreadPool } from '../../src/threads/pool.ts';
import type { DueStream } from '../../src/activities/contract.ts';
import { Gate, type Strikes } from './gate.ts';
import { gatedState, type StateLock } from './gated-state.ts';

export interface ProcessInput {
  readonly config: Config;
  readonly pool: ThreadPool;
  readonly strikes: Strikes;
  readonly lock: StateLock;
  readonly now: () => number;
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

  private constructor(gate: Gate, parts: Parts, input: ProcessInput, close: () => Promise<void>) {
    this.gate = gate;
    this.parts = parts;
    this.close = close;
    this.activities = createActivities(gatedParts(parts, gate, input.lock), (due) => {
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
    const { config } = input;
    const { limits } = config;
    const assembly = await assemble(config, createLog(sink));
    const connect = (server: 'instance' | 'hub'): Parts['servers']['hub'] =>
      connectServer(config.servers[server], limits, createLimiter({ server, limits, clock: fastClock }));
    const parts: Parts = {
      ...assembly.parts,
      servers: { instance: connect('instance'), hub: connect('hub') },
      pool: input.pool,
      now: input.now,
    };
    return new SiteProcess(new Gate(input.strikes), parts, input, () => assembly.close());
  }
}

function gatedParts(parts: Parts, gate: Gate, lock: StateLock): Parts {
  return {
    ...parts,
    db: gatedState(parts.db, gate, lock),
    servers: {
      instance: gatedMethods('instance', parts.servers.instance, gate),
      hub: gatedMethods('hub', parts.servers.hub, gate),
    },
    staging: gatedStaging(parts.staging, gate),
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

function gatedStaging(staging: Staging, gate: Gate): Staging {
  const gated = gatedMethods('staging', staging, gate);
  const read: Staging['read'] = async function* (batch, part) {
    await gate.pass('staging.read before');
    yield* staging.read(batch, part);
    await gate.pass('staging.read after');
  };
  const write: Staging['write'] = (batch, part, chunks) => gated.write(batch, part, dyingWithin(chunks, gate));
  return new Proxy(gated, {
    get: (target, member) => (member === 'read' ? read : member === 'write' ? write : Reflect.get(target, member)),
  });
}

/** A writer that is killed in the middle of an object. */
async function* dyingWithin(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  gate: Gate,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const half = Math.floor(chunk.length / 2);
    yield chunk.subarray(0, half);
    gate.passWithin('staging.write middle');
    yield chunk.subarray(half);
  }
}
