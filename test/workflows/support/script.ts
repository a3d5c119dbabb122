/**
 * A site without servers: activities that play a stream as the real ones do (positions, epochs, staged batches), in
 * memory, and do what a test scripts for a call: fail with a trouble, hold until released, answer otherwise.
 */
import { ApplicationFailure } from '@temporalio/common';

import type {
  Activities,
  AnonymizeInput,
  AuthorizeInput,
  AuthorizeResult,
  Batch,
  BeginLeaveInput,
  BeginLeaveResult,
  CommitInput,
  CommitResult,
  Conflict,
  ConflictsInput,
  DenialReason,
  DescribedStream,
  FetchInput,
  FetchResult,
  FinishLeaveInput,
  LeaveRecord,
  LeavingInput,
  LeavingResult,
  NoteLeftInput,
  OwnWork,
  PollInput,
  PollResult,
  RejoinResult,
  ReconcileInput,
  ReconcileReport,
  RefusalCode,
  ResyncAnswer,
  ResyncInput,
  ResyncResult,
  StepInput,
  StopStreamInput,
  StreamKey,
  StreamTotals,
  TendInput,
  TendResult,
} from '../../../src/activities/contract.ts';
import { type TroubleCode, troubles } from '../../../src/sync/trouble.ts';

export type Step = keyof Activities | 'step';

/** A step that waits for the test. */
export interface Hold {
  /** Resolves when the step has been called. */
  readonly reached: Promise<void>;
  release(): void;
}

type Act = () => unknown;

export interface ScriptOptions {
  /** The source's newest version. */
  readonly head?: number;
  /** Versions in a batch. */
  readonly width?: number;
  readonly steps?: readonly string[];
  /** A batch id as the real ones are made, to measure with. */
  readonly batchId?: (n: number) => string;
}

/** What was called, in order: `fetchChanges`, `fetchChanges done`, … */
export class Script implements Activities {
  readonly log: string[] = [];
  readonly fetches: FetchInput[] = [];
  readonly discarded: string[] = [];
  readonly resyncs: ResyncInput[] = [];
  /** What the next orders to resync are refused for. */
  readonly refusals: RefusalCode[][] = [];
  answered: ResyncAnswer | undefined;
  readonly committed: Batch[] = [];
  readonly stepped: string[] = [];
  readonly tended: TendInput[] = [];
  /** Of a leaving: its streams, what the hub holds, and what was asked. */
  readonly leaving: StreamKey[] = [
    { direction: 'up', type: 'Encounter' },
    { direction: 'up', type: 'Patient' },
  ];
  readonly inHub = new Map<string, number>();
  deleted: Record<string, number> = {};
  hasLeft = false;
  readonly stopped: StopStreamInput[] = [];
  readonly noted: NoteLeftInput[] = [];
  readonly finished: FinishLeaveInput[] = [];
  readonly reconciled: ReconcileInput[] = [];
  head: number;
  denied: DenialReason | undefined;
  quarantined = 0;
  epoch = 1;
  delivered = 0;
  sequence = 0;
  polls = 0;
  readonly #options: ScriptOptions;
  readonly #acts = new Map<Step, Act[]>();
  #staged = 0;

  constructor(options: ScriptOptions = {}) {
    this.#options = options;
    this.head = options.head ?? 342;
  }

  /** What a Worker takes. */
  get activities(): Record<string, (input: never) => Promise<unknown>> {
    const steps = (this.#options.steps ?? []).map((name) => [`step-${name}`, this.#step(name)] as const);
    return {
      pollStreams: (input: PollInput) => this.pollStreams(input),
      fetchChanges: (input: FetchInput) => this.fetchChanges(input),
      anonymize: (input: AnonymizeInput) => this.anonymize(input),
      authorize: (input: AuthorizeInput) => this.authorize(input),
      commit: (input: CommitInput) => this.commit(input),
      beginResync: (input: ResyncInput) => this.beginResync(input),
      describeStreams: () => this.describeStreams(),
      tendQuarantine: (input: TendInput) => this.tendQuarantine(input),
      beginLeave: (input: BeginLeaveInput) => this.beginLeave(input),
      stopStream: (input: StopStreamInput) => this.stopStream(input),
      leavingBatch: (input: LeavingInput) => this.leavingBatch(input),
      noteLeft: (input: NoteLeftInput) => this.noteLeft(input),
      forgetLive: () => this.forgetLive(),
      finishLeave: (input: FinishLeaveInput) => this.finishLeave(input),
      rejoin: () => this.rejoin(),
      reconcileStream: (input: ReconcileInput) => this.reconcileStream(input),
      listConflicts: (input: ConflictsInput) => this.listConflicts(input),
      ...Object.fromEntries(steps),
    };
  }

  /** The next calls of a step do this first; what it returns, where it is defined, is the answer. */
  script(step: Step, ...acts: Act[]): this {
    this.#acts.set(step, [...(this.#acts.get(step) ?? []), ...acts]);
    return this;
  }

  /** The next `times` calls of a step fail with a trouble. */
  fails(step: Step, code: TroubleCode, times = 1): this {
    const fail = (): never => {
      throw troubleFailure(code);
    };
    return this.script(step, ...Array.from({ length: times }, () => fail));
  }

  /** The next call of a step waits until it is released. */
  hold(step: Step): Hold {
    const reached = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    this.script(step, () => {
      reached.resolve(undefined);
      return released.promise;
    });
    return { reached: reached.promise, release: () => released.resolve(undefined) };
  }

  calls(step: Step): number {
    return this.log.filter((line) => line === step).length;
  }

  totals(): StreamTotals {
    const changes = this.committed.reduce((sum, batch) => sum + batch.changes, 0);
    return {
      counts: { changes, committed: changes, deleted: 0, unchanged: 0, withheld: 0 },
      epoch: this.epoch,
      sequence: this.sequence,
      settled: this.delivered,
      delivered: this.delivered,
      currentAtMs: this.delivered === this.head ? 1_750_000_000_000 : 0,
      parked: 0,
      quarantined: this.quarantined,
    };
  }

  fetchChanges(input: FetchInput): Promise<FetchResult> {
    this.fetches.push(input);
    this.discarded.push(...(input.discard ?? []));
    return this.#play('fetchChanges', () => {
      const { inFlight, stream } = input;
      const delivered = inFlight?.delivered ?? this.delivered;
      if (inFlight !== undefined && inFlight.epoch !== this.epoch) throw troubleFailure('lost-race');
      if (delivered >= this.head) return { kind: 'caught-up', head: this.head, totals: this.totals() };
      return { kind: 'batch', batch: this.#batch(stream, delivered), steps: this.#options.steps ?? [] };
    });
  }

  /** An answer of fetch-changes: what a stream does beside its feed, at the place where it stands. */
  ownWork(own: OwnWork, stream: StreamKey = { direction: 'up', type: 'Patient' }): FetchResult {
    const range = { lo: this.delivered, hi: this.delivered };
    const batch = { ...this.#batch(stream, this.delivered), own, range, changes: 2, deleted: 2, form: 'clean' };
    return { kind: 'batch', batch, steps: [], clean: true };
  }

  anonymize({ batch }: AnonymizeInput): Promise<Batch> {
    return this.#play('anonymize', () => ({ ...batch, form: 'clean' }));
  }

  authorize(_input: AuthorizeInput): Promise<AuthorizeResult> {
    return this.#play('authorize', () =>
      this.denied === undefined ? { allowed: true } : { allowed: false, reason: this.denied },
    );
  }

  commit({ batch }: CommitInput): Promise<CommitResult> {
    return this.#play('commit', () => {
      if (batch.epoch !== this.epoch) throw troubleFailure('lost-race');
      this.delivered = Math.max(this.delivered, batch.range.hi);
      this.sequence += 1;
      this.committed.push(batch);
      const counts = { changes: batch.changes, committed: batch.changes, deleted: 0, unchanged: 0, withheld: 0 };
      return { counts, parked: 0, released: 0, quarantined: 0, bundles: 1, totals: this.totals() };
    });
  }

  beginResync(input: ResyncInput): Promise<ResyncResult> {
    this.resyncs.push(input);
    return this.#play('beginResync', () => {
      const refused = this.refusals.shift() ?? [];
      const found = { policy: 'sha256:0', source: 3, target: 4 };
      this.answered = { atMs: Date.now(), refused, epoch: this.epoch, found };
      if (refused.length > 0) return { refused, found };
      this.epoch += 1;
      this.delivered = 0;
      this.sequence = 0;
      return { ...this.totals(), found };
    });
  }

  pollStreams(_input: PollInput): Promise<PollResult> {
    return this.#play('pollStreams', () => {
      this.polls += 1;
      return { asked: 30, due: 0, started: 0, troubles: {} };
    });
  }

  tendQuarantine(input: TendInput): Promise<TendResult> {
    return this.#play('tendQuarantine', () => {
      this.tended.push(input);
      return { entries: [], counts: input.action === 'list' ? {} : { Patient: 1 } };
    });
  }

  reconcileStream(input: ReconcileInput): Promise<ReconcileReport> {
    this.reconciled.push(input);
    return this.#play('reconcileStream', () => ({
      ...input.stream,
      outcome: 'compared',
      repair: input.repair,
      ...{ written: 3, target: 3, source: 3, undecided: 0 },
      drift: {},
      ranges: { a: { written: 3, target: 3, source: 3 } },
    }));
  }

  listConflicts({ direction }: ConflictsInput): Promise<Conflict[]> {
    return this.#play('listConflicts', () =>
      direction === 'down' ? [] : [{ direction, key: 'Patient/a', kind: 'edited', foundMs: Date.UTC(2026, 0, 5, 8) }],
    );
  }

  beginLeave({ data }: BeginLeaveInput): Promise<BeginLeaveResult> {
    return this.#play('beginLeave', () => ({ data, streams: this.leaving }));
  }

  stopStream(input: StopStreamInput): Promise<void> {
    this.stopped.push(input);
    return this.#play('stopStream', () => undefined);
  }

  leavingBatch({ stream }: LeavingInput): Promise<LeavingResult> {
    return this.#play('leavingBatch', () => {
      const left = this.inHub.get(stream.type) ?? 0;
      if (left === 0) return { kind: 'done', held: 0, deleted: this.deleted };
      this.inHub.set(stream.type, 0);
      this.deleted = { ...this.deleted, [stream.type]: left };
      const batch = { ...this.#batch(stream, this.delivered), own: 'leftovers' as const, changes: left, deleted: left };
      return { kind: 'batch', batch, deleted: this.deleted };
    });
  }

  noteLeft(input: NoteLeftInput): Promise<void> {
    this.noted.push(input);
    return this.#play('noteLeft', () => undefined);
  }

  forgetLive(): Promise<Record<string, number>> {
    return this.#play('forgetLive', () => ({}));
  }

  finishLeave(input: FinishLeaveInput): Promise<LeaveRecord> {
    this.finished.push(input);
    const { data, unnoted } = input;
    return this.#play('finishLeave', () => ({
      ...{ instance: 'north', data, unnoted, begunMs: 0, leftMs: Date.UTC(2026, 0, 5), cleared: {} },
      ...{ deleted: this.deleted, keys: { staging: [1], pseudonym: [1, 2], payload: [1] } },
    }));
  }

  rejoin(): Promise<RejoinResult> {
    return this.#play('rejoin', () => ({ streams: this.leaving.length }));
  }

  describeStreams(): Promise<DescribedStream[]> {
    return this.#play('describeStreams', () => [
      {
        direction: 'up',
        type: 'Patient',
        totals: this.totals(),
        ...(this.answered && { resync: this.answered }),
        ...(this.hasLeft && { left: true as const }),
      },
    ]);
  }

  #step(name: string): (input: StepInput) => Promise<Batch> {
    return ({ batch }) => {
      this.stepped.push(name);
      return this.#play('step', () => ({ ...batch, form: name }));
    };
  }

  #batch(stream: StreamKey, lo: number): Batch {
    const hi = Math.min(this.head, lo + (this.#options.width ?? this.head));
    this.#staged += 1;
    return {
      stream,
      id: this.#options.batchId?.(this.#staged) ?? `batch-${this.#staged}`,
      epoch: this.epoch,
      range: { lo, hi },
      from: { settled: lo, delivered: lo },
      matured: hi,
      head: this.head,
      form: 'raw',
      parts: 1,
      changes: hi - lo,
      deleted: 3,
      withheld: 0,
      quarantined: 0,
    };
  }

  async #play<Answer>(step: Step, answer: () => Answer): Promise<Answer> {
    this.log.push(step);
    const scripted = await this.#acts.get(step)?.shift()?.();
    const given = (scripted ?? answer()) as Answer;
    this.log.push(`${step} done`);
    return given;
  }
}

/** The failure that a real activity ends with. */
export const troubleFailure = (code: TroubleCode): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: `step: ${troubles[code].means}`,
    nonRetryable: troubles[code].kind !== 'transient',
  });
