/**
 * Runs an extra step: a module's pure function over a batch's resources. It may change and leave out resources;
 * what it leaves out counts as withheld. It can neither add resources nor change their ids: that would be a
 * way around the pseudonyms.
 */
import type { Resource } from '../fhir/resource.ts';
import { deleteLine, lineRanges, parseLine, putLine } from './lines.ts';
import type { StepOutcome, StepTask } from './task.ts';

/** What a step is told beside the resources. Names and digests only. */
export interface StepContext {
  readonly direction: 'up' | 'down';
  /** The batch's resource type. */
  readonly type: string;
  /** Digest of the policy in force. */
  readonly policy: string;
}

/** What a step's module exports as its default. Pure: same resources, same result, no I/O. */
export type Step = (
  resources: readonly Resource[],
  context: StepContext,
) => readonly Resource[] | Promise<readonly Resource[]>;

/** A step threw, added a resource or changed an id. Constant, since what it threw may quote data. */
export class StepProblem extends Error {
  constructor() {
    super('extra-step-failed');
    this.name = 'StepProblem';
  }
}

export async function runStep(task: StepTask): Promise<StepOutcome> {
  const lines: string[] = [];
  const resources = new Map<string, Resource>();
  for (const { start, end } of lineRanges(task.lines)) {
    const line = parseLine(task.lines, start, end);
    if (line.kind === 'delete') lines.push(deleteLine(line.id));
    else resources.set(line.resource.id ?? '', line.resource);
  }
  const input = [...resources.values()];
  const expected = new Set(resources.keys());
  const output = await callStep(task, input);
  for (const resource of output) {
    const known = resource.resourceType === task.context.type && expected.delete(resource.id ?? '');
    if (!known) throw new StepProblem();
    lines.push(putLine(JSON.stringify(resource)));
  }
  for (const id of expected) lines.push(deleteLine(id));
  return { lines: Buffer.from(lines.join('')), resources: output.length, withheld: expected.size };
}

async function callStep(task: StepTask, input: readonly Resource[]): Promise<readonly Resource[]> {
  try {
    const module = (await import(task.moduleUrl)) as { default: Step };
    const output = await module.default(input, task.context);
    if (!Array.isArray(output)) throw new StepProblem();
    return output as readonly Resource[];
  } catch {
    throw new StepProblem();
  }
}
