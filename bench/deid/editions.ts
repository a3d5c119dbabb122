/**
 * The same set again with other ids: a stream brings each resource once, so an engine that remembers ids must not meet
 * the same ones in every round. Patients, texts and codes stay as they are; references still fit.
 */
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { parseAll } from '../lib/resources.ts';
import { gather, newKeys } from './guarded.ts';
import type { PatientWords } from './guarded.ts';

const uuidBeginning = /\b[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-)/g;

/** The lines with every UUID another, the same one for the same. Ids that are no UUIDs stay. */
export function renumbered(lines: readonly string[], edition: number): string[] {
  const mask = Math.imul(edition, 0x9e3779b1);
  const other = (hex: string): string => ((parseInt(hex, 16) ^ mask) >>> 0).toString(16).padStart(8, '0');
  return lines.map((line) => line.replace(uuidBeginning, other));
}

export interface Edition {
  readonly lines: readonly string[];
  readonly resources: readonly Resource[];
  /** Removed words of each patient under a policy: those of a site that has read all of the set before. */
  readonly wordsUnder: (policy: CompiledPolicy) => PatientWords;
}

/** Makes an edition. Words are gathered with keys of their own, since memos hang on keys. */
export function makeEdition(lines: readonly string[], edition: number, policies: readonly CompiledPolicy[]): Edition {
  const own = renumbered(lines, edition);
  const resources = parseAll(own);
  const words = new Map(policies.map((policy) => [policy, gather(resources, policy, newKeys())]));
  return { lines: own, resources, wordsUnder: (policy) => words.get(policy)! };
}
