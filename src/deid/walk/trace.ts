/** What a walk notes of each resource for the leak guard, and the traces that become of it. */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { maxDepthLevels } from '../engine.ts';
import type { GuardTrace } from '../engine.ts';
import { patientHash } from '../guard/hash.ts';
import type { KeptTokens } from '../guard/tokens.ts';
import { anyAmong } from '../guard/word-filter.ts';
import { canonicalJson } from '../policy/canonical-json.ts';
import type { TraceDraft, Walk } from './context.ts';
import { isCrowded, ownersOf, ownKey } from './patient.ts';

/**
 * What stands for a resource's id where it has none: two such resources are of no one patient. What is nested deeper than
 * the engine walks is withheld, whatever stands for it.
 */
export const contentId = (value: JsonObject): string =>
  isTooDeep(value) ? '?' : `?${createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32)}`;

function isTooDeep(value: Json, depth = 1): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth > maxDepthLevels || Object.values(value).some((member) => isTooDeep(member, depth + 1));
}

/** Begins the trace of a resource; `owners` are added to by whom else it names. */
export function newTrace(
  walk: Walk,
  value: JsonObject,
  type: string,
  id: string,
  newId: string,
  owners = ownersOf(value, type, id, walk.entries),
): TraceDraft {
  const trace = {
    own: ownKey(type, id),
    patients: owners,
    lastNamed: '',
    resource: `${type}/${newId}`,
    removed: [],
    kept: [],
  };
  walk.traces.push(trace);
  return trace;
}

/**
 * The traces in the engine's final form: one for each patient, so that each one's words are compared with, and each gets
 * the words that were removed. A resource that names nobody goes by its own name, and so does one that names too many.
 */
export function finished({ traces, keys, policy }: Walk): GuardTrace[] {
  const hashed = (key: string): string => patientHash(keys.pseudonym, policy.scope.instance, key);
  const out: GuardTrace[] = [];
  for (const draft of traces) {
    const { patients, own } = draft;
    const [first] = patients;
    const kept = new Kept(draft);
    if (first === undefined || isCrowded(patients)) out.push(new Trace(hashed(own), draft, kept));
    else if (patients.length === 1) out.push(new Trace(hashed(first), draft, kept));
    // Whatever order the source's keys are in.
    else for (const patient of patients.map(hashed).sort()) out.push(new Trace(patient, draft, kept));
  }
  return out;
}

/** Tokens that are joined when somebody asks: where no word is known of a patient nobody does. */
class Kept {
  readonly lists: readonly KeptTokens[];
  #joined: readonly number[] | undefined;

  constructor({ kept }: TraceDraft) {
    this.lists = kept;
  }

  get joined(): readonly number[] {
    return (this.#joined ??= this.lists.flatMap(({ hashes }) => hashes));
  }
}

class Trace implements GuardTrace {
  readonly patient: string;
  readonly resource: string;
  readonly removed: readonly number[];
  readonly #kept: Kept;

  constructor(patient: string, { resource, removed }: TraceDraft, kept: Kept) {
    this.patient = patient;
    this.resource = resource;
    this.removed = removed;
    this.#kept = kept;
  }

  get kept(): readonly number[] {
    return this.#kept.joined;
  }

  meets(words: ReadonlySet<number>): boolean {
    return anyAmong(this.#kept.lists, words);
  }
}
