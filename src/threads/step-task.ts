/**
 * Runs an extra step: a module's pure function over a batch's resources. It may change and leave out resources;
 * what it leaves out counts as withheld. It can neither add resources nor change their ids: that would be a
 * way around the pseudonyms.
 */
import type { Resource } from '../fhir/resource.ts';
import { deleteLine, lineRanges, markIn, parseLine, putFrame, putLine, tooLargeLine } from './lines.ts';
import { decodeMark, encodeMark, unknownMark } from './marks.ts';
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
  const marks = new Map<string, Buffer>();
  for (const { start, end } of lineRanges(task.lines)) {
    const line = parseLine(task.lines, start, end);
    if (line.kind === 'delete') {
      lines.push(deleteLine(line.id));
      continue;
    }
    if (line.kind === 'too-large') {
      lines.push(tooLargeLine(line.id));
      continue;
    }
    const id = line.resource.id ?? '';
    resources.set(id, line.resource);
    const frame = putFrame(task.lines, start, end);
    const mark = frame === undefined ? undefined : markIn(task.lines, frame);
    // What the step makes of it is not looked at here: the leak guard does, before anything is committed.
    if (mark !== undefined) marks.set(id, encodeMark(unknownMark(decodeMark(mark))));
  }
  const input = [...resources.values()];
  const expected = new Set(resources.keys());
  const output = await callStep(task, input);
  for (const resource of output) {
    const json = checkedJson(resource, task.context.type, expected);
    lines.push(putLine(json, marks.get((resource as Resource).id ?? '')));
  }
  for (const id of expected) lines.push(deleteLine(id));
  return { lines: Buffer.from(lines.join('')), resources: output.length, withheld: expected.size };
}

/** The JSON of a resource that the step was given and that stands for the first time in what it returned. */
function checkedJson(resource: unknown, type: string, expected: Set<string>): string {
  try {
    const { resourceType, id } = resource as Resource;
    if (resourceType === type && expected.delete(id ?? '')) return JSON.stringify(resource);
  } catch {
    // Neither null nor a circle is a resource.
  }
  throw new StepProblem();
}

async function callStep(task: StepTask, input: readonly Resource[]): Promise<readonly unknown[]> {
  try {
    const module = (await import(task.moduleUrl)) as { default: Step };
    const output = await module.default(input, task.context);
    if (!Array.isArray(output)) throw new StepProblem();
    return output as readonly unknown[];
  } catch {
    throw new StepProblem();
  }
}
