/** The entry of a worker thread. */
import { anonymizeLines } from './anonymize-task.ts';
import { inspectLines } from './inspect-task.ts';
import { runStep } from './step-task.ts';
import type { AnonymizeOutcome, InspectOutcome, StepOutcome, Task } from './task.ts';

export default async function run(task: Task): Promise<AnonymizeOutcome | StepOutcome | InspectOutcome> {
  switch (task.kind) {
    case 'anonymize':
      return anonymizeLines(task);
    case 'step':
      return runStep(task);
    case 'inspect':
      return inspectLines(task);
  }
}
