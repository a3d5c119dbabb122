/** De-identifies the lines of one staged part, and gathers what the leak guard needs to know of them. */
import { listOfHashes } from '../crypto/hash-list.ts';
import { deidentify } from '../deid/deidentify.ts';
import type { Deidentified, GuardTrace } from '../deid/engine.ts';
import { keysFor } from '../deid/keys.ts';
import { passDown } from '../deid/pass-through.ts';
import { pseudonymId } from '../deid/pseudonym.ts';
import type { Resource } from '../fhir/resource.ts';
import { engineOf } from './compiled.ts';
import { deleteLine, lineRanges, parseLine, putLine, tooLargeLine } from './lines.ts';
import { encodeMark, markOf } from './marks.ts';
import type { AnonymizeOutcome, AnonymizeTask, RefusedLine, WordLists } from './task.ts';

export async function anonymizeLines(task: AnonymizeTask): Promise<AnonymizeOutcome> {
  const { transform, newId } = await rulesOf(task);
  const removed = new RemovedWords();
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
    if (line.kind === 'too-large') {
      lines.push(tooLargeLine(newId(line.id)));
      continue;
    }
    const result = transform(line.resource);
    if (task.ruleset.guards) removed.add(result.traces);
    if (result.kind === 'resource') {
      resources += 1;
      const mark = task.ruleset.guards ? encodeMark(markOf(result.traces)) : undefined;
      lines.push(putLine(JSON.stringify(result.resource), mark));
    } else if (result.reason === 'policy-drops-type') {
      // The policy says no: an earlier state that an earlier policy let through must not stay in the hub either.
      withheld += 1;
      lines.push(deleteLine(newId(line.resource.id ?? '')));
    } else {
      const key = `${task.type}/${newId(line.resource.id ?? '')}`;
      refused.push({ key, reason: result.reason, line: task.lines.slice(start, end) });
    }
  }
  return { lines: Buffer.from(lines.join('')), resources, withheld, refused, removed: removed.lists() };
}

/** What becomes of a resource, and of an id alone. */
interface Rules {
  readonly transform: (resource: Resource) => Deidentified;
  readonly newId: (id: string) => string;
}

async function rulesOf({ ruleset, type, asOf }: AnonymizeTask): Promise<Rules> {
  const { direction, scope } = ruleset;
  if (direction === 'down') return { transform: (resource) => passDown(resource, scope), newId: (id) => id };
  const { policy, keys } = await engineOf(ruleset);
  // A delete has to find the id that the resource had: the policy may hold pseudonyms at an older key.
  const idKeys = keysFor(keys, policy.document, 'pseudonym');
  const time = new Date(asOf);
  return {
    transform: (resource) => deidentify(resource, policy, keys, time),
    newId: (id) => pseudonymId(idKeys, scope.instance, type, id),
  };
}

/** Hashes of removed words by patient: one part has many resources of the same few. */
class RemovedWords {
  readonly #byPatient = new Map<string, number[]>();

  add(traces: readonly GuardTrace[]): void {
    for (const { patient, removed } of traces) {
      if (removed.length === 0) continue;
      const known = this.#byPatient.get(patient);
      if (known === undefined) this.#byPatient.set(patient, [...removed]);
      else for (const word of removed) known.push(word);
    }
  }

  lists(): WordLists {
    return new Map([...this.#byPatient].map(([patient, words]) => [patient, listOfHashes(words)]));
  }
}
