/**
 * What admins and programs call: register Schedules, sync now, pause, resume, resync, retry, status.
 * Names, counts, versions and states go through here; never data.
 */
import { type Client, Connection } from '@temporalio/client';

import type {
  Conflict,
  DiscardReason,
  LeaveChoice,
  QuarantineChoice,
  QuarantineView,
  ReconcileReport,
} from './activities/contract.ts';
import { beginLeave, join, untilLeft } from './client/leave.ts';
import { UnknownTypeProblem, UsageProblem } from './client/problems.ts';
import { choicesOf, quarantined, type QuarantineSelection, tendAll } from './client/quarantine.ts';
import type { SiteCalled } from './client/site.ts';
import { signalOpen, signalOrStart } from './client/signals.ts';
import { statusesOf, untilSettled } from './client/statuses.ts';
import type { Config } from './config/config.ts';
import type { StreamKey } from './state/streams.ts';
import { tierOf } from './sync/tiers.ts';
import { connectionOptions, temporalClient } from './temporal/connect.ts';
import { leaveStatus } from './temporal/leave.ts';
import { answerOf } from './temporal/answer.ts';
import { conflictsAt, startReconcile } from './temporal/reconcile.ts';
import { registerSchedules, removeSchedules, type ScheduleChanges, triggerSchedules } from './temporal/schedules.ts';
import { ensureSearchAttributes } from './temporal/search-attributes.ts';
import { type ResyncAsked, waitForAnswers } from './temporal/resync.ts';
import { liveTotals, type StreamStatus } from './temporal/status.ts';
import {
  type LeaveStatus,
  pauseSignal,
  type ResyncOrder,
  resumeSignal,
  resyncSignal,
  retrySignal,
  searchAttributes,
  wakeSignal,
} from './workflows/messages.ts';

export { UnknownTypeProblem, UsageProblem } from './client/problems.ts';
export type { QuarantineSelection } from './client/quarantine.ts';
export type { ScheduleChanges } from './temporal/schedules.ts';
export type { LeaveChoice } from './activities/contract.ts';
export type { LeaveStatus } from './workflows/messages.ts';
export type { ResyncAsked } from './temporal/resync.ts';
export type { StreamStatus } from './temporal/status.ts';
export { NoWorkerProblem } from './temporal/answer.ts';
export type { Conflict, DiscardReason, QuarantineView, ReconcileReport, ResyncAnswer } from './activities/contract.ts';

export interface ClientOptions {
  readonly patienceMs?: number;
}

export class SluiceClient {
  readonly #config: Config;
  readonly #connection: Connection;
  readonly #client: Client;

  readonly #patienceMs: number;

  private constructor(config: Config, connection: Connection, patienceMs: number) {
    this.#config = config;
    this.#patienceMs = patienceMs;
    this.#connection = connection;
    this.#client = temporalClient(config, connection);
  }

  /**
   * Connects to the configuration's Temporal.
   * @param options - `patienceMs`: for how long no worker of the site may answer, since one that is being restarted soon will
   */
  static async connect(config: Config, { patienceMs = 20_000 }: ClientOptions = {}): Promise<SluiceClient> {
    return new SluiceClient(config, await Connection.connect(connectionOptions(config.temporal)), patienceMs);
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
    return signalOrStart(this.#client, this.#config.instance, this.streams(types), wakeSignal, []);
  }

  /** Lets streams finish the batch in hand and then do nothing, until resumed. An idle stream is opened, paused. */
  async pause(types: readonly string[] = []): Promise<StreamKey[]> {
    return signalOrStart(this.#client, this.#config.instance, this.streams(types), pauseSignal, []);
  }

  /**
   * Has streams read and write everything again, in a new epoch, where nothing stands in the way: each looks first, and goes on as
   * before where it refuses.
   * @param options - `acceptFewer`: also where the source has far less than the target holds of this site;
   * `patienceMs`: how long the answers are waited for; by default they are not
   * @returns the streams, each with its answer where it came in time. A stream answers when its batch in hand is done, a paused
   * one when it is resumed.
   */
  async resync(
    types: readonly string[] = [],
    { patienceMs = 0, ...order }: ResyncOrder & { readonly patienceMs?: number } = {},
  ): Promise<ResyncAsked[]> {
    const { instance } = this.#config;
    const look = (): ReturnType<typeof liveTotals> => liveTotals(this.#client, instance);
    const before = patienceMs > 0 ? await look() : undefined;
    const streams = await signalOrStart(this.#client, instance, this.streams(types), resyncSignal, [order]);
    if (before === undefined) return streams;
    return waitForAnswers(look, { streams, before, patienceMs });
  }

  /** Ends a pause. Streams that are not open are not paused: nothing happens to them. */
  async resume(types: readonly string[] = []): Promise<StreamKey[]> {
    return signalOpen(this.#client, this.#config.instance, this.streams(types), resumeSignal);
  }

  /** Has streams that are blocked or wait for a retry try at once. */
  async retry(types: readonly string[] = []): Promise<StreamKey[]> {
    return signalOpen(this.#client, this.#config.instance, this.streams(types), retrySignal);
  }

  /** The state of each stream, with its numbers as the site has them now where a worker of it answers. */
  async status(types: readonly string[] = []): Promise<StreamStatus[]> {
    return statusesOf(this.#client, this.#config, this.streams(types));
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
    return untilSettled(this.#client, this.#config, this.streams(types), { onChange, patienceMs });
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
    yield* quarantined(this.#site, this.#choices({ types }), discarded);
  }

  /**
   * Has quarantined resources tried again, at once: as they were refused where they had become output, in the source's state
   * of now where they had not. Returns how many of each type; those without a content that could be tried are not counted.
   */
  async retryQuarantined(selection: QuarantineSelection): Promise<Readonly<Record<string, number>>> {
    const counts = await tendAll(this.#site, this.#choices(selection), { action: 'retry' });
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
    const order = { action: 'discard', reason, ticket } as const;
    return tendAll(this.#site, this.#choices(selection), order);
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
    const reports = await answerOf(this.#config.instance, handle, this.#patienceMs);
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

  /** Copies that somebody had changed in a target, and that the owner's state has taken the place of; the newest first. Keys and times alone. */
  async conflicts(types: readonly string[] = []): Promise<Conflict[]> {
    const directions = new Set(this.streams(types).map(({ direction }) => direction));
    const conflicts: Conflict[] = [];
    for (const direction of directions) {
      conflicts.push(
        ...(await conflictsAt(this.#client, this.#config.instance, { direction, types }, this.#patienceMs)),
      );
    }
    return conflicts.sort((a, b) => b.foundMs - a.foundMs);
  }

  get #site(): SiteCalled {
    return { client: this.#client, instance: this.#config.instance, patienceMs: this.#patienceMs };
  }

  #choices(selection: QuarantineSelection): QuarantineChoice[] {
    return choicesOf(selection, (types) => this.streams(types));
  }

  /**
   * Has the instance leave the hub: its Schedules are removed, its streams end, its data in the hub is deleted or kept, and
   * nothing that was sealed for a sync stays at the site. Returns when that is begun; a leaving that goes on already is left
   * alone and asked to try again at once, or told to delete nothing more where `keep` is asked for now.
   * @throws NoWorkerProblem where no worker of the site answers
   */
  async leave({ data }: { readonly data: LeaveChoice }): Promise<void> {
    await beginLeave(this.#site, data);
  }

  /**
   * Where the instance's leaving stands, or how the last one ended; `undefined` where it never left.
   * @throws NoWorkerProblem where it goes on, and no worker of the site answers
   */
  leaveStatus(): Promise<LeaveStatus | undefined> {
    return leaveStatus(this.#client, this.#config.instance);
  }

  /**
   * Waits until the instance has left, or its leaving needs a person.
   * @throws NoWorkerProblem where no worker of the site answers any more; the leaving goes on when one does
   */
  waitUntilLeft(onChange?: (status: LeaveStatus) => void): Promise<LeaveStatus | undefined> {
    return untilLeft(this.#site, onChange);
  }

  /**
   * Has an instance that left come back: every stream begins anew with the next sync. Schedules are made by
   * `registerSchedules`. Returns how many streams there are; 0 where it had not left.
   * @throws NoWorkerProblem where no worker of the site answers
   */
  join(): Promise<number> {
    return join(this.#site);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
