/**
 * What admins and programs call: register Schedules, sync now, pause, resume, resync, retry, status.
 * Names, counts, versions and states go through here; never data.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { type Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';

import type { DescribedStream } from './activities/contract.ts';
import { targetName } from './activities/parts.ts';
import { connectServer } from './assemble.ts';
import type { Config } from './config/config.ts';
import type { StreamKey } from './state/streams.ts';
import { tierOf } from './sync/tiers.ts';
import { connectionOptions, temporalClient } from './temporal/connect.ts';
import { registerSchedules, removeSchedules, type ScheduleChanges, triggerSchedules } from './temporal/schedules.ts';
import { ensureSearchAttributes } from './temporal/search-attributes.ts';
import { syncStartOptions, syncWorkflowType } from './temporal/start-sync.ts';
import { liveTotals, type StreamStatus, streamStatus } from './temporal/status.ts';
import {
  pauseSignal,
  resumeSignal,
  resyncSignal,
  retrySignal,
  searchAttributes,
  wakeSignal,
  syncWorkflowId,
} from './workflows/messages.ts';
import type { syncResourceType } from './workflows/sync-resource-type.ts';

export type { ScheduleChanges } from './temporal/schedules.ts';
export type { StreamStatus } from './temporal/status.ts';

/** A type that is in none of the configuration's streams. */
export class UnknownTypeProblem extends Error {
  constructor(type: string, known: readonly string[]) {
    super(`${type} is in no stream of this sluice.yaml. Streams: ${known.join(', ')}`);
    this.name = 'UnknownTypeProblem';
  }
}

/** States that end a wait: the stream has nothing left to do, or cannot go on by itself. */
const settledStates: ReadonlySet<StreamStatus['state']> = new Set([
  'current',
  'denied',
  'blocked',
  'paused',
  'failed',
  'terminated',
  'idle',
]);

export class SluiceClient {
  readonly #config: Config;
  readonly #connection: Connection;
  readonly #client: Client;

  private constructor(config: Config, connection: Connection) {
    this.#config = config;
    this.#connection = connection;
    this.#client = temporalClient(config, connection);
  }

  /** Connects to the configuration's Temporal. */
  static async connect(config: Config): Promise<SluiceClient> {
    return new SluiceClient(config, await Connection.connect(connectionOptions(config.temporal)));
  }

  /** Streams of the configuration, lower tiers first; of those types alone where types are given. */
  streams(types: readonly string[] = []): StreamKey[] {
    const known = this.#config.streams.map((stream) => stream.type);
    for (const type of types) if (!known.includes(type)) throw new UnknownTypeProblem(type, known);
    return this.#config.streams
      .filter((stream) => types.length === 0 || types.includes(stream.type))
      .map(({ direction, type }) => ({ direction, type }))
      .sort((a, b) => a.direction.localeCompare(b.direction) || tierOf(a.type) - tierOf(b.type));
  }

  /** Makes search attributes and Schedules what the configuration says. */
  async registerSchedules(): Promise<ScheduleChanges> {
    const names = Object.values(searchAttributes).map((attribute) => [attribute.name, 'Keyword'] as const);
    await ensureSearchAttributes(this.#connection, this.#config.temporal.namespace, Object.fromEntries(names));
    return registerSchedules(this.#client, this.#config);
  }

  /** Removes the instance's Schedules. Returns their ids. */
  removeSchedules(): Promise<string[]> {
    return removeSchedules(this.#client, this.#config.instance);
  }

  /** Lets every Schedule tick now. */
  triggerSchedules(): Promise<void> {
    return triggerSchedules(this.#client, this.#config);
  }

  /** Has streams look for changes now, whatever their Schedule. Returns at once. */
  async sync(types: readonly string[] = []): Promise<StreamKey[]> {
    return this.#signalOrStart(types, wakeSignal);
  }

  /** Lets streams finish the batch in hand and then do nothing, until resumed. An idle stream is opened, paused. */
  pause(types: readonly string[] = []): Promise<StreamKey[]> {
    return this.#signalOrStart(types, pauseSignal);
  }

  /** Has streams read and write everything again, in a new epoch. */
  resync(types: readonly string[] = []): Promise<StreamKey[]> {
    return this.#signalOrStart(types, resyncSignal);
  }

  /** Ends a pause. Streams that are not open are not paused: nothing happens to them. */
  resume(types: readonly string[] = []): Promise<StreamKey[]> {
    return this.#signalOpen(types, resumeSignal);
  }

  /** Has streams that are blocked or wait for a retry try at once. */
  retry(types: readonly string[] = []): Promise<StreamKey[]> {
    return this.#signalOpen(types, retrySignal);
  }

  /** The state of each stream, with its numbers as the site has them now where a worker of it answers. */
  async status(types: readonly string[] = []): Promise<StreamStatus[]> {
    const [statuses, live] = await Promise.all([this.#seen(types), this.#liveTotals()]);
    return withTotals(statuses, live);
  }

  #liveTotals(): Promise<DescribedStream[] | undefined> {
    return liveTotals(this.#client, this.#config.instance);
  }

  /** What Temporal and the cursors say. */
  #seen(types: readonly string[]): Promise<StreamStatus[]> {
    const { instance, servers, limits } = this.#config;
    return Promise.all(
      this.streams(types).map((stream) =>
        streamStatus(this.#client, connectServer(servers[targetName(stream.direction)], limits), instance, stream),
      ),
    );
  }

  /**
   * Waits until each stream is caught up or cannot go on by itself (denied, blocked, paused, or no worker answers).
   * @param onChange - told the states after each look
   * @param patienceMs - for how long no worker may answer: one that is being restarted soon will
   */
  async waitUntilSettled(
    types: readonly string[] = [],
    onChange?: (statuses: StreamStatus[]) => void,
    patienceMs = 30_000,
  ): Promise<StreamStatus[]> {
    let answeredMs = Date.now();
    for (let waitMs = 300; ; waitMs = Math.min(2_000, waitMs * 1.3)) {
      const statuses = await this.#seen(types);
      onChange?.(statuses);
      if (!statuses.some((status) => status.state === 'unanswered')) answeredMs = Date.now();
      const patient = Date.now() - answeredMs < patienceMs;
      const settled = ({ state }: StreamStatus): boolean =>
        settledStates.has(state) || (state === 'unanswered' && !patient);
      // The states that ended the wait: a tick may have opened a stream again meanwhile.
      if (statuses.every(settled)) return withTotals(statuses, await this.#liveTotals());
      await sleep(waitMs);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #signalOrStart(types: readonly string[], signal: SignalDefinition): Promise<StreamKey[]> {
    const streams = this.streams(types);
    for (const stream of streams) {
      await this.#client.workflow.signalWithStart<typeof syncResourceType>(syncWorkflowType, {
        ...syncStartOptions({ instance: this.#config.instance, ...stream }),
        signal,
      });
    }
    return streams;
  }

  async #signalOpen(types: readonly string[], signal: SignalDefinition): Promise<StreamKey[]> {
    const told: StreamKey[] = [];
    for (const stream of this.streams(types)) {
      try {
        await this.#client.workflow
          .getHandle(syncWorkflowId(this.#config.instance, stream.direction, stream.type))
          .signal(signal);
        told.push(stream);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
    return told;
  }
}

/** The numbers as the site has them now, where it said. */
const withTotals = (statuses: readonly StreamStatus[], live: readonly DescribedStream[] | undefined): StreamStatus[] =>
  statuses.map((status) => {
    const now = live?.find(({ direction, type }) => direction === status.direction && type === status.type);
    return now === undefined ? status : { ...status, totals: now.totals };
  });
