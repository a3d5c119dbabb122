/**
 * The de-identification engine's interface: pure, synchronous, no I/O.
 * `(resource, compiled policy, keys, as-of time) → { resource | withheld, report, traces }`.
 */
import type { Json, Resource } from '../fhir/resource.ts';

/** What the caller's world knows about references: which types the streams carry, and which way. */
export interface ReferenceScope {
  /** The site's opaque name; part of every pseudonym. */
  readonly instance: string;
  /** Types that go up: references to them become pseudonymous references. */
  readonly upTypes: ReadonlySet<string>;
  /** Types that come down: their ids are the hub's own and stay as they are. */
  readonly downTypes: ReadonlySet<string>;
  /**
   * What becomes of `urn:uuid:`, `urn:oid:` and absolute references to what is no entry of a Bundle around them: `detach`
   * makes logical references of them, since no stream carries what they point at; `rename` gives each a pseudonymous
   * address. Those to an entry follow the entry's `fullUrl`.
   */
  readonly urns: 'detach' | 'rename';
}

/** Key material for one run: 32 raw bytes a version, from which a subkey is derived for each purpose. */
export interface DeidKeys {
  readonly pseudonymKeyVersion: number;
  readonly pseudonymKey: Uint8Array;
  /** Older versions, for purposes that the policy holds at one of them. */
  readonly olderKeys?: ReadonlyMap<number, Uint8Array>;
}

/** Why a resource was withheld. Constant codes, never data. */
export type WithheldReason =
  | 'policy-drops-type' // a rule says that this type does not pass
  | 'unknown-type' // R4 has no such type, and no rule names it
  | 'modifier-extension' // dropping it would change the meaning
  | 'extension' // an unknown one, and the policy withholds for it
  | 'wrong-json-type' // an object, list or number where R4 has something else, or two choices where R4 has one
  | 'leak-guard' // a removed value stands somewhere else, and the policy withholds for it
  | 'rule-failed' // a rule's FHIRPath or plug-in failed on this resource
  | 'not-a-resource' // no resourceType, no valid id, or not an object
  | 'too-deep' // nested deeper than the engine walks
  | 'forbidden-key'; // `__proto__` and its like

/** What the engine did, in counts only: paths are the policy's, never the data's. */
export interface DeidReport {
  /** Number of leaves each rule (by its index in `CompiledPolicy.rules`) took. */
  readonly taken: Readonly<Record<number, number>>;
  readonly referencesPseudonymized: number;
  readonly referencesDetached: number;
}

/**
 * What the leak guard needs to know of one resource and one patient whom it names; of several it has several, with the same
 * words and tokens. A Bundle has those of each resource in it. Hashes are keyed, 48 bits, whole numbers.
 */
export interface GuardTrace {
  /** Keyed hash of whose data this is, hex; the resource's own where it names no patient, or too many to be compared with. */
  readonly patient: string;
  /** `Type/id` in the output; `Type/` where it has no id. */
  readonly resource: string;
  /** Words that rules removed here. */
  readonly removed: readonly number[];
  /** Tokens of what is left here. */
  readonly kept: readonly number[];
  /** Whether what is left here holds one of these words. */
  meets(words: ReadonlySet<number>): boolean;
}

export type Deidentified =
  | {
      readonly kind: 'resource';
      readonly resource: Resource;
      readonly report: DeidReport;
      readonly traces: readonly GuardTrace[];
    }
  | {
      readonly kind: 'withheld';
      readonly reason: WithheldReason;
      readonly report: DeidReport;
      /** Words of a withheld resource count as well. */
      readonly traces: readonly GuardTrace[];
    };

/**
 * A method of a site's own. Pure: the same value and options give the same result. Named and versioned in the policy's
 * digest; whoever changes what it does changes its version.
 */
export interface MethodPlugin {
  readonly name: string;
  readonly version: string;
  /** R4 types of the elements that it works on; values of other types that its rule reaches are removed. */
  readonly types: readonly string[];
  /** The new value, of a JSON type that the element may have; undefined removes. */
  readonly apply: (value: Json, context: { readonly type: string; readonly options: Json }) => Json | undefined;
}

/** Every tag system of this program begins so; a source's own tags in these systems are forgeries and never pass. */
export const tagSystemPrefix = 'urn:fhir-sluice:';

/** Systems of the tags that every written resource carries in `meta.tag`. */
export const tagSystems = {
  origin: 'urn:fhir-sluice:origin',
  policy: 'urn:fhir-sluice:policy',
  /** `pseudonym/<version>`: the key version that the ids are of. */
  key: 'urn:fhir-sluice:key',
} as const;

/** Code of the origin tag of what the hub sends down. */
export const hubOrigin = 'hub';

/** System of the identifier that stands for a reference whose target's type no stream carries. */
export const detachedSystem = 'urn:fhir-sluice:detached-reference';

/** HL7's extension that stands where a required element was removed, and its code. */
export const absentReason = {
  url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
  valueCode: 'masked',
} as const;

/**
 * Its codes; anything else could be somebody's name. Where no rule names an extension, and unknown ones are dropped or
 * withheld for, this one passes all the same, cut down to its url and code: it says that there is nothing.
 * Source: https://hl7.org/fhir/R4/valueset-data-absent-reason.html
 */
export const absentReasonCodes: ReadonlySet<string> = new Set([
  'unknown',
  'asked-unknown',
  'temp-unknown',
  'not-asked',
  'asked-declined',
  'masked',
  'not-applicable',
  'unsupported',
  'as-text',
  'error',
  'not-a-number',
  'negative-infinity',
  'positive-infinity',
  'not-performed',
  'not-permitted',
]);

/** Objects and arrays nested deeper than this are withheld; R4's deepest practical resources stay below 30. */
export const maxDepthLevels = 200;
