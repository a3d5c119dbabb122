/** De-identifies the lines of one staged part. */
import { deidentify } from '../deid/deidentify.ts';
import type { Deidentified } from '../deid/engine.ts';
import { passDown } from '../deid/pass-through.ts';
import { pseudonymId } from '../deid/pseudonym.ts';
import type { Resource } from '../fhir/resource.ts';
import { compiledPolicy, deidKeys } from './compiled.ts';
import { deleteLine, lineRanges, parseLine, putLine } from './lines.ts';
import type { AnonymizeOutcome, AnonymizeTask, RefusedLine } from './task.ts';

export function anonymizeLines(task: AnonymizeTask): AnonymizeOutcome {
  const transform = transformOf(task);
  const newId = idsOf(task);
  const lines: string[] = [];
  const refused: RefusedLine[] = [];
  let resources = 0;
  let withheld = 0;
  for (const { start, end } of lineRanges(task.lines)) {
    const line = parseLine(task.lines, start, end);
    if (line.kind === 'delete') {
      lines.push(deleteLine(newId(line.id)));
      continue;
    }
    const result = transform(line.resource);
    if (result.kind === 'resource') {
      resources += 1;
      lines.push(putLine(JSON.stringify(result.resource)));
    } else if (result.reason === 'policy-drops-type') {
      // The policy says no: an earlier state that an earlier policy let through must not stay in the hub either.
      withheld += 1;
      lines.push(deleteLine(newId(line.resource.id ?? '')));
    } else {
      const key = `${task.type}/${newId(line.resource.id ?? '')}`;
      refused.push({ key, reason: result.reason, line: task.lines.slice(start, end) });
    }
  }
  return { lines: Buffer.from(lines.join('')), resources, withheld, refused };
}

type Transform = (resource: Resource) => Deidentified;

function transformOf(task: AnonymizeTask): Transform {
  if (task.ruleset.direction === 'down') return (resource) => passDown(resource, task.ruleset.scope);
  const policy = compiledPolicy(task.ruleset);
  const keys = deidKeys(task.ruleset);
  const asOf = new Date(task.asOf);
  return (resource) => deidentify(resource, policy, keys, asOf);
}

function idsOf(task: AnonymizeTask): (id: string) => string {
  if (task.ruleset.direction === 'down') return (id) => id;
  const keys = deidKeys(task.ruleset);
  return (id) => pseudonymId(keys, task.ruleset.scope.instance, task.type, id);
}
