/**
 * The engine with its leak guard, as whoever runs it uses both: each patient's removed words are gathered, what is left of
 * a resource is compared with them, and where they meet the output goes through the guard.
 */
import type { CompiledPolicy } from '../../src/deid/compile.ts';
import { deidentify } from '../../src/deid/deidentify.ts';
import type { DeidKeys, GuardTrace, ReferenceScope, WithheldReason } from '../../src/deid/engine.ts';
import { applyGuard, guardHits } from '../../src/deid/guard/apply.ts';
import { r4ResourceTypes } from '../../src/deid/r4/model.ts';
import type { Resource } from '../../src/fhir/resource.ts';

/** A site that sends every type up but those that its hub owns. */
export const scopeOf = (downTypes: readonly string[], urns: ReferenceScope['urns'] = 'detach'): ReferenceScope => ({
  instance: 'north',
  upTypes: new Set([...r4ResourceTypes].filter((type) => !downTypes.includes(type))),
  downTypes: new Set(downTypes),
  urns,
});

/** The same key each time, in an object of its own: what the engine remembers hangs on the object. */
export const newKeys = (): DeidKeys => ({ pseudonymKeyVersion: 1, pseudonymKey: new Uint8Array(32).fill(7) });

/** The end of the synthetic data: ages are counted at it. */
export const asOf = new Date('2025-12-31T00:00:00Z');

const noWords: ReadonlySet<number> = new Set();

/** Each patient's removed words, as the site's state holds them. */
export class PatientWords {
  readonly #words = new Map<string, Set<number>>();

  readonly of = (patient: string): ReadonlySet<number> => this.#words.get(patient) ?? noWords;

  add(traces: readonly GuardTrace[]): void {
    for (const { patient, removed } of traces) {
      if (removed.length === 0) continue;
      let words = this.#words.get(patient);
      if (words === undefined) this.#words.set(patient, (words = new Set()));
      for (const word of removed) words.add(word);
    }
  }
}

/** The words of a whole set: the state of a site that has read all of it. */
export function gather(resources: Iterable<Resource>, policy: CompiledPolicy, keys: DeidKeys): PatientWords {
  const words = new PatientWords();
  for (const resource of resources) words.add(deidentify(resource, policy, keys, asOf).traces);
  return words;
}

/** What becomes of a resource: what the engine or the guard says. */
export type Cleaned =
  | { readonly kind: 'resource'; readonly resource: Resource }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason };

/** De-identifies one resource, and takes the output through the guard where it meets words of its patient. */
export function clean(resource: Resource, policy: CompiledPolicy, keys: DeidKeys, words: PatientWords): Cleaned {
  const result = deidentify(resource, policy, keys, asOf);
  if (result.kind === 'withheld' || !guardHits(result.traces, words.of)) return result;
  return applyGuard(result.resource, result.traces, policy, keys, words.of);
}

/** The part of the resources that goes through the guard. */
export function guardedShare(resources: readonly Resource[], policy: CompiledPolicy, words: PatientWords): number {
  const keys = newKeys();
  const met = resources.filter((resource) => {
    const result = deidentify(resource, policy, keys, asOf);
    return result.kind === 'resource' && guardHits(result.traces, words.of);
  });
  return met.length / resources.length;
}

/** All that the engine gives for a batch, reports and traces included. */
export function outputsOf(resources: readonly Resource[], policy: CompiledPolicy): readonly unknown[] {
  const keys = newKeys();
  return resources.map((resource) => deidentify(resource, policy, keys, asOf));
}
