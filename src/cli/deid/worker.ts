/** The entry of a worker thread: compiles its job once. */
import { workerData } from 'node:worker_threads';

import type { Job, WordsOutcome, WorkTask, WriteOutcome } from './job.ts';
import { transformOf } from './transform.ts';
import type { Transform } from './transform.ts';
import { workOn } from './work.ts';

let transform: Transform | undefined;

export default function run(task: WorkTask): WordsOutcome | WriteOutcome {
  // Piscina hands what it was given on as the second of two.
  transform ??= transformOf((workerData as readonly [unknown, Job])[1]);
  return workOn(task, transform);
}
