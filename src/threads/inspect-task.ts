/**
 * Looks at every resource that is about to be committed: the output check against the policy, which no step comes
 * after; and what the plan needs to know (references, digest, place of the JSON).
 */
import { createHash } from 'node:crypto';

import { checkDown, checkOutput } from '../deid/check/output-check.ts';
import type { Json, Resource } from '../fhir/resource.ts';
import { engineOf } from './compiled.ts';
import { lineRanges, parseLine, putFrame } from './lines.ts';
import type { InspectedLine, InspectOutcome, InspectTask, RefusedLine } from './task.ts';

export async function inspectLines(task: InspectTask): Promise<InspectOutcome> {
  const check = await checkOf(task);
  const inScope = task.ruleset.direction === 'up' ? task.ruleset.scope.upTypes : task.ruleset.scope.downTypes;
  const items: InspectedLine[] = [];
  const refused: RefusedLine[] = [];
  for (const { start, end } of lineRanges(task.lines)) {
    const line = parseLine(task.lines, start, end);
    if (line.kind === 'delete') {
      items.push({ kind: 'delete', key: `${line.type ?? task.type}/${line.id}` });
      continue;
    }
    if (line.kind === 'too-large') {
      const reason = 'resource-too-large';
      refused.push({ key: `${task.type}/${line.id}`, reason, line: task.lines.slice(start, end) });
      continue;
    }
    const key = `${task.type}/${line.resource.id ?? ''}`;
    if (line.resource.resourceType !== task.type || !check(line.resource)) {
      refused.push({ key, reason: 'output-check', line: task.lines.slice(start, end) });
      continue;
    }
    const frame = putFrame(task.lines, start, end) ?? { start, end };
    const json = task.lines.subarray(frame.start, frame.end);
    const digest = createHash('sha256').update(json).digest('base64url').slice(0, 32);
    const needs = referencesOf(line.resource, key, inScope);
    items.push({ kind: 'put', key, digest, needs, line: { start, end }, start: frame.start, end: frame.end });
  }
  return { items, refused };
}

async function checkOf(task: InspectTask): Promise<(resource: Resource) => boolean> {
  if (task.ruleset.direction === 'down') return (resource) => checkDown(resource, task.ruleset.scope).ok;
  const { policy, keys } = await engineOf(task.ruleset);
  return (resource) => checkOutput(resource, policy, keys).ok;
}

/** `Type/id`s of this direction's streams that a resource refers to, without itself. */
function referencesOf(resource: Resource, self: string, inScope: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  const stack: Json[] = [resource];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (value === null || typeof value !== 'object') continue;
    if (Array.isArray(value)) {
      stack.push(...value);
      continue;
    }
    const reference = value.reference;
    if (typeof reference === 'string') {
      const slash = reference.indexOf('/');
      if (slash > 0 && inScope.has(reference.slice(0, slash)) && reference !== self) found.add(reference);
    }
    stack.push(...Object.values(value));
  }
  return [...found];
}
