/**
 * The de-identification engine's final interface: pure, synchronous, no I/O.
 * `(resource, compiled policy, keys, as-of time) → { resource | withheld, report }`.
 */
import type { Resource } from '../fhir/resource.ts';

/** What the caller's world knows about references: which types the streams carry, and which way. */
export interface ReferenceScope {
  /** The site's opaque name; part of every pseudonym. */
  readonly instance: string;
  /** Types that go up: references to them become pseudonymous references. */
  readonly upTypes: ReadonlySet<string>;
  /** Types that come down: their ids are the hub's own and stay as they are. */
  readonly downTypes: ReadonlySet<string>;
}

/** Key material for one run; `pseudonymKey` is 32 raw bytes of `pseudonymKeyVersion`. */
export interface DeidKeys {
  readonly pseudonymKeyVersion: number;
  readonly pseudonymKey: Uint8Array;
}

/** Why a resource was withheld. Constant codes, never data. */
export type WithheldReason =
  | 'policy-drops-type' // a rule says that this type does not pass
  | 'modifier-extension' // dropping it would change the meaning
  | 'not-a-resource' // no resourceType, no valid id, or not an object
  | 'too-deep' // nested deeper than the engine walks
  | 'forbidden-key'; // `__proto__` and its like

/** What the engine did, in counts only: paths are the policy's, never the data's. */
export interface DeidReport {
  /** Number of nodes each rule (by its index in `CompiledPolicy.rules`) took. */
  readonly taken: Readonly<Record<number, number>>;
  readonly referencesPseudonymized: number;
  readonly referencesDetached: number;
}

export type Deidentified =
  | { readonly kind: 'resource'; readonly resource: Resource; readonly report: DeidReport }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason; readonly report: DeidReport };

/** Every tag system of this program begins so; a source's own tags in these systems are forgeries and never pass. */
export const tagSystemPrefix = 'urn:fhir-sluice:';

/** Systems of the tags that every written resource carries in `meta.tag`. */
export const tagSystems = {
  origin: 'urn:fhir-sluice:origin',
  policy: 'urn:fhir-sluice:policy',
} as const;

/** Code of the origin tag of what the hub sends down. */
export const hubOrigin = 'hub';

/** System of the identifier that stands for a reference whose target's type no stream carries. */
export const detachedSystem = 'urn:fhir-sluice:detached-reference';

/** Objects and arrays nested deeper than this are withheld; R4's deepest practical resources stay below 30. */
export const maxDepthLevels = 200;
