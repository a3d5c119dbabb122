/** Who does the work: worker threads, or this one where there is too little for them to be worth their start. */
import { fileURLToPath } from 'node:url';

import { Piscina } from 'piscina';

import type { Job, WordsOutcome, WorkTask, WriteOutcome } from './job.ts';
import { transformOf } from './transform-of.ts';
import { recordFailed, workOn } from './work.ts';

export interface Team {
  /** How many tasks may be under way or wait for their turn. */
  readonly inFlightMax: number;
  run(task: WorkTask & { kind: 'words' }): Promise<WordsOutcome>;
  run(task: WorkTask & { kind: 'write' }): Promise<WriteOutcome>;
  close(): Promise<void>;
}

/** The engine failed, which it never should. Says on which record and by what kind of error, since a message may quote. */
export class WorkFailed extends Error {
  constructor(where: string) {
    super(`de-identification failed${where}`);
    this.name = 'WorkFailed';
  }
}

type Run = Team['run'];

const guarded = (work: (task: WorkTask) => Promise<unknown>): Run =>
  (async (task: WorkTask) => {
    try {
      return await work(task);
    } catch (error) {
      // What a thread threw comes as a copy: its message alone is left of what it was.
      const { message } = error as Error;
      throw new WorkFailed(message.startsWith(recordFailed) ? `: ${message.slice(recordFailed.length)}` : '');
    }
  }) as Run;

export async function soloTeam(job: Job): Promise<Team> {
  const transform = await transformOf(job);
  return { inFlightMax: 1, run: guarded(async (task) => workOn(task, transform)), close: async () => undefined };
}

export function threadTeam(job: Job, threads: number): Team {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./worker.ts', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    workerData: job,
  });
  return {
    inFlightMax: threads * 2,
    run: guarded((task) => pool.run(task, { transferList: transferable(task) })),
    close: () => pool.close({ force: true }),
  };
}

/** Bytes that nobody else looks at go over without a copy. */
function transferable({ part: { bytes } }: WorkTask): ArrayBuffer[] {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
