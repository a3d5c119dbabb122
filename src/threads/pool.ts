/** The pool of worker threads: what burns CPU runs there, so that heartbeats and requests never starve. */
import { fileURLToPath } from 'node:url';

import { Piscina } from 'piscina';

import type {
  AnonymizeOutcome,
  AnonymizeTask,
  GuardOutcome,
  GuardTask,
  InspectOutcome,
  InspectTask,
  StepOutcome,
  StepTask,
} from './task.ts';

export interface ThreadPool {
  anonymize(task: Omit<AnonymizeTask, 'kind'>): Promise<AnonymizeOutcome>;
  guard(task: Omit<GuardTask, 'kind'>): Promise<GuardOutcome>;
  runStep(task: Omit<StepTask, 'kind'>): Promise<StepOutcome>;
  inspect(task: Omit<InspectTask, 'kind'>): Promise<InspectOutcome>;
  close(): Promise<void>;
}

/** A task failed in its thread. Constant, since the cause may quote data. */
export class ThreadProblem extends Error {
  readonly code: 'extra-step-failed' | 'worker-thread-failed';
  constructor(code: 'extra-step-failed' | 'worker-thread-failed') {
    super(code);
    this.name = 'ThreadProblem';
    this.code = code;
  }
}

/** Starts a pool; threads begin with the first task and end when idle. */
export function createThreadPool(threadsMax: number): ThreadPool {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./worker.ts', import.meta.url)),
    minThreads: 0,
    maxThreads: threadsMax,
    idleTimeout: 60_000,
  });
  const run = async <Outcome>(task: object): Promise<Outcome> => {
    try {
      return (await pool.run(task)) as Outcome;
    } catch (error) {
      // What a thread threw is a copy; only its message tells the kind.
      const failed = (error as { message?: unknown } | null)?.message === 'extra-step-failed';
      throw new ThreadProblem(failed ? 'extra-step-failed' : 'worker-thread-failed');
    }
  };
  return {
    anonymize: (task) => run({ kind: 'anonymize', ...task }),
    guard: (task) => run({ kind: 'guard', ...task }),
    runStep: (task) => run({ kind: 'step', ...task }),
    inspect: (task) => run({ kind: 'inspect', ...task }),
    close: () => pool.close({ force: true }),
  };
}
