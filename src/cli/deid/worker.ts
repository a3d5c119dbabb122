/** The entry of a worker thread: compiles its job once. */
import { workerData } from 'node:worker_threads';

import type { Job, WordsOutcome, WorkTask, WriteOutcome } from './job.ts';
import { transformOf } from './transform-of.ts';
import type { Transform } from './transform.ts';
import { workOn } from './work.ts';

let transform: Promise<Transform> | undefined;

export default async function run(task: WorkTask): Promise<WordsOutcome | WriteOutcome> {
  transform ??= transformOf(workerData as Job);
  return workOn(task, await transform);
}
