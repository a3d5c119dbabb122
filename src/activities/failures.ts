/**
 * Every error that leaves an activity is made here: a constant type from the table of troubles, a constant message,
 * no cause. An HTTP, JSON or SQL error quotes addresses and values; none of them may reach Temporal (I2).
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';

import { KeyProblem } from '../crypto/keyring.ts';
import { SealProblem } from '../crypto/derived-key.ts';
import { ServerProblem } from '../fhir/server-problem.ts';
import type { Log } from '../log.ts';
import { StagingProblem } from '../staging/staging.ts';
import { StateProblem } from '../state/database.ts';
import type { StreamKey } from '../state/streams.ts';
import { type Side, type TroubleCode, troubleOfStatus, troubles } from '../sync/trouble.ts';
import { ThreadProblem } from '../threads/pool.ts';

/** A trouble on its way out of a step. */
export class TroubleError extends Error {
  readonly code: TroubleCode;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: TroubleCode, retryAfterSeconds?: number) {
    super(code);
    this.name = 'TroubleError';
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Runs requests to one of a stream's two servers; failures come out with that side's code. */
export async function onSide<Result>(side: Side, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServerProblem) throw new TroubleError(codeOf(side, error), error.retryAfterSeconds);
    throw error;
  }
}

function codeOf(side: Side, problem: ServerProblem): TroubleCode {
  switch (problem.failure) {
    case 'given-back':
      return 'given-back';
    case 'no-turn':
      return `${side}-crowded`;
    case 'untrusted':
      return `${side}-untrusted`;
    case 'unreachable':
      return `${side}-unreachable`;
    case 'status':
      return troubleOfStatus(side, problem.status);
    case 'answer-malformed':
    case 'answer-too-large':
      return `${side}-answer-malformed`;
  }
}

/** Wraps an activity: whatever it throws leaves it as an `ApplicationFailure` of the table. */
export function guarded<
  Input extends { readonly stream: StreamKey } | { readonly batch: { readonly stream: StreamKey } },
  Output,
>(step: string, log: Log, run: (input: Input) => Promise<Output>): (input: Input) => Promise<Output> {
  return async (input) => {
    const { direction, type } = 'stream' in input ? input.stream : input.batch.stream;
    try {
      return await alive(() => run(input));
    } catch (error) {
      if (error instanceof CancelledFailure) throw error;
      const failure = failureOf(error, step);
      log.warn('step-failed', { direction, type, step, code: failure.type ?? '' });
      throw failure;
    }
  };
}

/** The same for an activity of no one stream. */
export const guardedSite =
  <Args extends unknown[], Output>(
    step: string,
    run: (...args: Args) => Promise<Output>,
  ): ((...args: Args) => Promise<Output>) =>
  async (...args) => {
    try {
      return await alive(() => run(...args));
    } catch (error) {
      throw failureOf(error, step);
    }
  };

/** The `ApplicationFailure` for an error, by the table. The message is constant for a code and a step. */
export function failureOf(error: unknown, step: string): ApplicationFailure {
  const code = troubleCodeOf(error);
  const { kind } = troubles[code];
  const seconds = error instanceof TroubleError ? error.retryAfterSeconds : undefined;
  const failure = ApplicationFailure.create({
    type: code,
    message: `${step}: ${troubles[code].means}`,
    nonRetryable: kind !== 'transient',
    ...(seconds === undefined ? {} : { nextRetryDelay: Math.min(seconds, 3_600) * 1_000 }),
    ...(code === 'unexpected' ? { details: [framesOf(error)] } : {}),
  });
  return failure;
}

/** The code of an error, by the table. */
export function troubleCodeOf(error: unknown): TroubleCode {
  if (error instanceof TroubleError) return error.code;
  if (error instanceof ThreadProblem) return error.code;
  if (error instanceof KeyProblem) return 'key-missing';
  if (error instanceof SealProblem) return 'staging-corrupt';
  if (error instanceof StateProblem) return 'state-unavailable';
  if (error instanceof StagingProblem) return stagingCode(error);
  // node:sqlite's errors carry this code; their message may quote a value.
  if ((error as { code?: unknown } | null)?.code === 'ERR_SQLITE_ERROR') return 'state-unavailable';
  return 'unexpected';
}

function stagingCode(problem: StagingProblem): TroubleCode {
  switch (problem.code) {
    case 'staging-full':
    case 'staging-missing':
    case 'staging-corrupt':
    case 'staging-forbidden':
    case 'staging-bucket-missing':
      return problem.code;
    default:
      return 'staging-unavailable';
  }
}

/** The stack's places in the code, without the message: that may quote anything. */
function framesOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const frames = error.stack.split('\n').filter((line) => /^ {4}at /.test(line));
  return [error.constructor.name, ...frames.slice(0, 12)];
}

const beatEveryMs = 10_000;

/** What is known of a running attempt's life signs. */
interface Life {
  readonly startedMs: number;
  lastBeatMs: number;
  progress: Readonly<Record<string, number>>;
}

const lives = new WeakMap<Context, Life>();

/** Keeps an attempt's heart beating while `run` waits for servers, disks and threads. */
export async function alive<Output>(run: () => Promise<Output>): Promise<Output> {
  const context = Context.current();
  const life: Life = { startedMs: Date.now(), lastBeatMs: Date.now(), progress: {} };
  lives.set(context, life);
  const timer = setInterval(() => {
    // A beat that comes too late is worth nothing: Temporal has given this attempt up by then.
    if (inTime(context, life)) beat(context, life);
  }, beatEveryMs);
  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}

function beat(context: Context, life: Life): void {
  life.lastBeatMs = Date.now();
  context.heartbeat(life.progress);
}

function inTime(context: Context, life: Life): boolean {
  const { startToCloseTimeoutMs, heartbeatTimeoutMs } = context.info;
  const now = Date.now();
  if (now > life.startedMs + startToCloseTimeoutMs) return false;
  return heartbeatTimeoutMs === undefined || now <= life.lastBeatMs + heartbeatTimeoutMs;
}

/**
 * Throws when this attempt's time is over: Temporal has given it up and may have begun another, and a process that
 * was paused (SIGSTOP, a sleeping machine) must not go on as if nothing had happened.
 */
export function assertInTime(): void {
  const context = Context.current();
  const life = lives.get(context);
  if (life !== undefined && !inTime(context, life)) throw new TroubleError('lost-race');
}

/** Numbers for Temporal's heartbeat, and the point where a stopping worker gives its batch back. */
export function heartbeat(progress: Readonly<Record<string, number>>): void {
  const context = Context.current();
  if (context.cancellationSignal.aborted) throw new TroubleError('given-back');
  assertInTime();
  const life = lives.get(context);
  if (life === undefined) return;
  life.progress = progress;
  beat(context, life);
}

/** Aborted when the activity is cancelled or the worker stops. */
export const cancelSignal = (): AbortSignal => Context.current().cancellationSignal;
