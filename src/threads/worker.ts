/** The entry of a worker thread. */
import { anonymizeLines } from './anonymize-task.ts';
import { guardLines } from './guard-task.ts';
import { inspectLines } from './inspect-task.ts';
import { runStep } from './step-task.ts';
import type { AnonymizeOutcome, GuardOutcome, InspectOutcome, StepOutcome, Task } from './task.ts';

export default async function run(task: Task): Promise<AnonymizeOutcome | GuardOutcome | StepOutcome | InspectOutcome> {
  switch (task.kind) {
    case 'anonymize':
      return anonymizeLines(task);
    case 'guard':
      return guardLines(task);
    case 'step':
      return runStep(task);
    case 'inspect':
      return inspectLines(task);
  }
}
