/** What a run's site keeps its state and its staging in, who shares them, and what goes wrong there: from dice of their own. */
import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

import type { BucketConfig } from '../../src/config/config.ts';
import type { PostgresPlace } from '../../src/state/postgres.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type S3Server, startS3 } from '../support/s3.ts';
import { drawStrikes, type Strike } from './gate.ts';
import type { Dice } from './random.ts';
import type { Weather } from './schedule.ts';

/** Something that happens beside the workload, before one of its steps. */
export interface Mishap {
  /** Share of the run's steps that come before it. */
  readonly at: number;
  readonly what: 'disk full' | 'disk free' | 'clock jump';
  /** Of the workers' clocks, against those of the servers. */
  readonly hours: number;
  /** Whose clocks jump: machines do not do so together. */
  readonly seats: readonly number[];
}

export interface Stores {
  readonly state: 'sqlite' | 'postgres';
  readonly staging: 'folder' | 's3';
  /** Processes that work at the same time. */
  readonly workers: 1 | 2;
  /** On the connections to each. */
  readonly weather: { readonly state: Weather; readonly staging: Weather };
  /** Besides those of every run. */
  readonly strikes: readonly Strike[];
  readonly mishaps: readonly Mishap[];
}

/** `sqlite`: a file, a folder and one worker, as they were before there was a choice. `postgres`: both shared by two workers. */
export const storeKinds = ['sqlite', 'postgres', 'mixed'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** The waits of a PostgreSQL's clients, as a share of what they are: a half-open connection costs seconds, not a minute. */
export const patience = 1 / 30;

const calm: Weather = { share: 0, stormShare: 0, slowMax: 0, timeoutMs: 250 };

export const plainStores: Stores = {
  state: 'sqlite',
  staging: 'folder',
  workers: 1,
  weather: { state: calm, staging: calm },
  strikes: [],
  mishaps: [],
};

export function drawStores(dice: Dice, kind: StoreKind): Stores {
  if (kind === 'sqlite') return plainStores;
  const level = { calm: 0, breeze: 0.04, storm: 0.15 }[dice.weighted({ calm: 1, breeze: 3, storm: 4 })];
  const state = kind === 'postgres' ? 'postgres' : dice.weighted({ sqlite: 1, postgres: 2 });
  const drawnStaging = dice.pick(['folder', 's3'] as const);
  const staging = kind === 'postgres' ? 's3' : drawnStaging;
  const drawnWorkers = dice.pick([1, 2] as const);
  return {
    state,
    staging,
    // A file is for one worker.
    workers: state === 'sqlite' ? 1 : kind === 'postgres' ? 2 : drawnWorkers,
    weather: {
      // A batch asks the state a hundred times.
      state: { share: level / 25, stormShare: 0, slowMax: dice.between(0, 2), timeoutMs: 1_200 },
      staging: { share: level / 5, stormShare: level / 40, slowMax: dice.between(0, 3), timeoutMs: 1_000 },
    },
    strikes: state === 'postgres' ? drawStrikes(dice, dice.pick([0, 1, 2]), true) : [],
    mishaps: [...drawFullDisk(dice), ...drawJumps(dice)].sort((one, other) => one.at - other.at),
  };
}

function drawFullDisk(dice: Dice): Mishap[] {
  if (!dice.chance(0.3)) return [];
  const at = dice.next() * 0.8;
  const until = at + dice.next() * 0.2;
  return [
    { at, what: 'disk full', hours: 0, seats: [] },
    { at: until, what: 'disk free', hours: 0, seats: [] },
  ];
}

function drawJumps(dice: Dice): Mishap[] {
  if (!dice.chance(0.4)) return [];
  return Array.from({ length: dice.between(1, 3) }, () => ({
    at: dice.next(),
    what: 'clock jump' as const,
    hours: dice.pick([-7, -1, 0, 2, 9]),
    seats: dice.pick([[0], [1], [0, 1]]),
  }));
}

/** The servers that runs share; each run has a schema and a bucket of its own. */
export class StoreServers {
  readonly postgres: PostgresServer | undefined;
  readonly s3: S3Server | undefined;

  private constructor(postgres: PostgresServer | undefined, s3: S3Server | undefined) {
    this.postgres = postgres;
    this.s3 = s3;
  }

  /** What cannot be had here is left out, and said. */
  static async start(): Promise<StoreServers> {
    const [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
    return new StoreServers(postgres, s3);
  }

  get areComplete(): boolean {
    return this.postgres !== undefined && this.s3 !== undefined;
  }

  /** The same stores, or the nearest that there are servers for. */
  nearest(stores: Stores): Stores {
    const lacksState = stores.state === 'postgres' && this.postgres === undefined;
    const lacksStaging = stores.staging === 's3' && this.s3 === undefined;
    return {
      ...stores,
      ...(lacksState && { state: 'sqlite', workers: 1, strikes: [] }),
      ...(lacksStaging && { staging: 'folder' }),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.postgres?.stop(), this.s3?.stop()]);
  }
}

/** A run's own schema and bucket. */
export class Places {
  readonly database: PostgresPlace | undefined;
  readonly bucket: BucketConfig | undefined;
  readonly #servers: StoreServers | undefined;

  private constructor(servers: StoreServers | undefined, database: PostgresPlace | undefined, bucket?: BucketConfig) {
    this.#servers = servers;
    this.database = database;
    this.bucket = bucket;
  }

  static async make({ state, staging }: Stores, servers: StoreServers | undefined): Promise<Places> {
    const database = state === 'postgres' ? servers?.postgres?.place() : undefined;
    if (staging === 'folder' || servers?.s3 === undefined) return new Places(servers, database);
    const { bytesMax: _bytes, requestTimeoutSeconds: _seconds, ...bucket } = await servers.s3.bucket();
    return new Places(servers, database, bucket as BucketConfig);
  }

  /** Whether no server is asked. */
  get areFiles(): boolean {
    return this.database === undefined && this.bucket === undefined;
  }

  async remove(): Promise<void> {
    const { postgres, s3 } = this.#servers ?? {};
    if (this.database !== undefined) await postgres?.drop(this.database.schema);
    const Bucket = this.bucket?.bucket;
    if (Bucket === undefined || s3 === undefined) return;
    for (;;) {
      const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket }));
      if (Contents.length === 0) break;
      const Objects = Contents.map(({ Key }) => ({ Key }));
      await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    }
    await s3.removeBucket(Bucket);
  }
}
