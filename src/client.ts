/**
 * What admins and programs call: register Schedules, sync now, pause, resume, resync, retry, status.
 * Names, counts, versions and states go through here; never data.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { type Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';

import type {
  Conflict,
  DescribedStream,
  DiscardReason,
  LeaveChoice,
  QuarantineChoice,
  QuarantineView,
  ReconcileReport,
  TendResult,
} from './activities/contract.ts';
import { targetName } from './activities/parts.ts';
import { connectServer } from './assemble.ts';
import type { Config } from './config/config.ts';
import { fixedLimits } from './limits.ts';
import { typeOfKey } from './state/ledger.ts';
import type { StreamKey } from './state/streams.ts';
import { tierOf } from './sync/tiers.ts';
import { connectionOptions, temporalClient } from './temporal/connect.ts';
import { conflictsAt, startReconcile } from './temporal/reconcile.ts';
import { registerSchedules, removeSchedules, type ScheduleChanges, triggerSchedules } from './temporal/schedules.ts';
import { ensureSearchAttributes } from './temporal/search-attributes.ts';
import { syncStartOptions, syncWorkflowType } from './temporal/start-sync.ts';
import { joinAt, leaveStatus, startLeave, tellLeave } from './temporal/leave.ts';
import { requireWorker, tendAt } from './temporal/tend-quarantine.ts';
import { liveTotals, type StreamStatus, streamStatus } from './temporal/status.ts';
import {
  keepSignal,
  type LeaveStatus,
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
export type { LeaveChoice } from './activities/contract.ts';
export type { LeaveStatus } from './workflows/messages.ts';
export type { StreamStatus } from './temporal/status.ts';
export { NoWorkerProblem } from './temporal/tend-quarantine.ts';
export type { Conflict, DiscardReason, QuarantineView, ReconcileReport } from './activities/contract.ts';

/** Which quarantined resources: by `Type/id` of the target (as `quarantined` gives them), else of these types, else all. */
export interface QuarantineSelection {
  readonly keys?: readonly string[];
  readonly types?: readonly string[];
}

/** A type that is in none of the configuration's streams. */
export class UnknownTypeProblem extends Error {
  constructor(type: string, known: readonly string[]) {
    super(`${type} is in no stream of this sluice.yaml. Streams: ${known.join(', ')}`);
    this.name = 'UnknownTypeProblem';
  }
}

/** A call that cannot be meant so; its message says why. */
export class UsageProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageProblem';
  }
}

/** States that end a wait: the stream has nothing left to do, or cannot go on by itself. */
const settledStates: ReadonlySet<StreamStatus['state']> = new Set([
  'current',
  'left',
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

  /**
   * The quarantined resources of these types, or of all: names, reasons, counts and times; their content stays at the site.
   * @param options - `discarded`: those that were given up instead, until something newer of them comes
   * @throws NoWorkerProblem where no worker of the site answers; so do the two below
   */
  async *quarantined(
    types: readonly string[] = [],
    { discarded = false }: { readonly discarded?: boolean } = {},
  ): AsyncGenerator<QuarantineView, void, undefined> {
    for (const choice of this.#choices({ types })) {
      for (let after: string | undefined = ''; after !== undefined;) {
        const order = { ...choice, action: 'list', after, ...(discarded && { discarded }) } as const;
        const { entries }: TendResult = await this.#tend(order);
        yield* entries;
        after = entries.at(-1)?.key;
      }
    }
  }

  /**
   * Has quarantined resources tried again, at once: as they were refused where they had become output, in the source's state
   * of now where they had not. Returns how many of each type; those without a content that could be tried are not counted.
   */
  async retryQuarantined(selection: QuarantineSelection): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const choice of this.#choices(selection)) {
      Object.assign(counts, (await this.#tend({ ...choice, action: 'retry' })).counts);
    }
    const types = Object.keys(counts);
    if (types.length > 0) await this.sync(types);
    return counts;
  }

  /**
   * Gives quarantined resources up: their content is deleted, and they come again only when they change at the source or
   * by a resync. Recorded with the reason in Temporal's history and the worker's log, and in the site's state until something
   * newer of them comes. Returns how many of each type.
   * @param ticket - letters, digits and dashes: where more is written about it
   */
  async discardQuarantined(
    selection: QuarantineSelection,
    reason: DiscardReason,
    ticket = '',
  ): Promise<Readonly<Record<string, number>>> {
    if (!/^[A-Za-z0-9-]{0,32}$/.test(ticket)) throw new UsageProblem('a ticket is up to 32 letters, digits and dashes');
    const counts: Record<string, number> = {};
    for (const choice of this.#choices(selection)) {
      Object.assign(counts, (await this.#tend({ ...choice, action: 'discard', reason, ticket })).counts);
    }
    return counts;
  }

  /**
   * Compares what sources have with what stands in their targets, one stream after the other, and waits for it: counts by kind
   * and by range of ids. Finds what no feed shows.
   * @param options - `repair`: mends what differs, by the streams' own batches; edited copies become the owner's state again
   * @throws NoWorkerProblem where no worker of the site answers
   */
  async reconcile(
    types: readonly string[] = [],
    options: { readonly repair?: boolean } = {},
  ): Promise<readonly ReconcileReport[]> {
    const handle = await this.#startReconcile(types, options.repair ?? false);
    const reports = await handle.result();
    // Their own streams are open, perhaps, and about to complete.
    const mended = reports.filter(({ repair, drift }) => repair && Object.keys(drift).length > 0);
    if (mended.length > 0) await this.sync(mended.map(({ type }) => type));
    return reports;
  }

  /** Starts what `reconcile` waits for. Returns the streams. */
  async startReconcile(
    types: readonly string[] = [],
    options: { readonly repair?: boolean } = {},
  ): Promise<StreamKey[]> {
    await this.#startReconcile(types, options.repair ?? false);
    return this.streams(types);
  }

  #startReconcile(types: readonly string[], repair: boolean): ReturnType<typeof startReconcile> {
    const streams = this.streams(types);
    return startReconcile(this.#client, { instance: this.#config.instance, streams, repair });
  }

  /** Copies that somebody had changed in a target, and that a repair wrote anew; the newest first. Keys and times alone. */
  async conflicts(types: readonly string[] = []): Promise<Conflict[]> {
    const directions = new Set(this.streams(types).map(({ direction }) => direction));
    const conflicts: Conflict[] = [];
    for (const direction of directions) {
      conflicts.push(...(await conflictsAt(this.#client, this.#config.instance, { direction, types })));
    }
    return conflicts.sort((a, b) => b.foundMs - a.foundMs);
  }

  #tend(input: Parameters<typeof tendAt>[2]): Promise<TendResult> {
    return tendAt(this.#client, this.#config.instance, input);
  }

  /** A choice for each direction that has any of it. */
  #choices({ keys = [], types = [] }: QuarantineSelection): QuarantineChoice[] {
    if (keys.length > fixedLimits.quarantineKeysMax) {
      throw new UsageProblem(`at most ${String(fixedLimits.quarantineKeysMax)} keys at once`);
    }
    if (!keys.every((key) => key.includes('/'))) throw new UsageProblem('a key of quarantine is Type/id');
    const named = this.streams([...new Set([...types, ...keys.map(typeOfKey)])]);
    const byDirection = Map.groupBy(named, ({ direction }) => direction);
    return [...byDirection].map(([direction, streams]) => {
      const own = new Set(streams.map(({ type }) => type));
      return {
        direction,
        types: types.length === 0 && keys.length === 0 ? [] : [...own],
        keys: keys.filter((key) => own.has(typeOfKey(key))),
      };
    });
  }

  /**
   * Has the instance leave the hub: its Schedules are removed, its streams end, its data in the hub is deleted or kept, and
   * nothing that was sealed for a sync stays at the site. Returns when that is begun; a leaving that goes on already is left
   * alone and asked to try again at once, or told to delete nothing more where `keep` is asked for now.
   * @throws NoWorkerProblem where no worker of the site answers
   */
  async leave({ data }: { readonly data: LeaveChoice }): Promise<void> {
    const { instance } = this.#config;
    await requireWorker(this.#client, instance);
    // First of all: no tick begins anything meanwhile.
    await this.removeSchedules();
    const under = await leaveStatus(this.#client, instance);
    if (under !== undefined && under.phase !== 'left') {
      if (under.data === 'keep' && data === 'delete')
        throw new UsageProblem(`${instance} is leaving with its data kept; wait for the end, then say delete`);
      await tellLeave(this.#client, instance, under.data === data ? retrySignal : keepSignal);
    }
    await startLeave(this.#client, instance, data);
  }

  /** Where the instance's leaving stands, or how the last one ended; `undefined` where it never left. */
  leaveStatus(): Promise<LeaveStatus | undefined> {
    return leaveStatus(this.#client, this.#config.instance);
  }

  /** Waits until the instance has left, or its leaving needs a person. */
  async waitUntilLeft(onChange?: (status: LeaveStatus) => void): Promise<LeaveStatus | undefined> {
    for (;;) {
      const status = await this.leaveStatus();
      if (status !== undefined) onChange?.(status);
      if (status === undefined || status.phase === 'left' || status.need !== undefined) return status;
      await sleep(500);
    }
  }

  /**
   * Has an instance that left come back: every stream begins anew with the next sync. Schedules are made by
   * `registerSchedules`. Returns how many streams there are; 0 where it had not left.
   * @throws NoWorkerProblem where no worker of the site answers
   */
  async join(): Promise<number> {
    const { instance } = this.#config;
    await requireWorker(this.#client, instance);
    const under = await leaveStatus(this.#client, instance);
    if (under !== undefined && under.phase !== 'left')
      throw new UsageProblem(`${instance} is leaving: wait for the end`);
    return (await joinAt(this.#client, instance)).streams;
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
    if (now === undefined) return status;
    const state = stateNow(status.state, now.left === true);
    return { ...status, state, totals: now.totals, ...(now.reconciled && { reconciled: now.reconciled }) };
  });

/** An idle stream shows how its last run ended; whether the instance has left, the site knows better. */
function stateNow(seen: StreamStatus['state'], left: boolean): StreamStatus['state'] {
  if (seen === 'left') return left ? seen : 'idle';
  return left && ['current', 'denied', 'idle', 'failed', 'terminated'].includes(seen) ? 'left' : seen;
}
