/** What one walk carries along. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import type { CompiledPolicy } from '../compiled.ts';
import type { DeidKeys } from '../engine.ts';
import type { WordHasher } from '../guard/hash.ts';
import type { FrontMemo } from '../guard/memo.ts';
import type { KeptTokens } from '../guard/tokens.ts';
import type { ObjectPlan } from '../plan/child.ts';
import type { BundleEntries } from './bundle-entries.ts';
import type { Marks } from './marks.ts';

/** The keys of one run under one policy, by what they are used for. */
export interface WalkKeys {
  readonly pseudonym: DeidKeys;
  readonly cryptoHash: DeidKeys;
  readonly dateShift: DeidKeys;
  readonly perturb: DeidKeys;
  readonly encrypt: DeidKeys;
  /** The leak guard's. */
  readonly hasher: WordHasher;
  /** Tags of every whole resource, and the lists that one without tags and labels of its own shares with all others. */
  readonly tags: Json[];
  /** Literal references that were rewritten lately: a batch points at the same patients and encounters over and over. */
  readonly rewritten: FrontMemo<string>;
  /** Room for a walk's counts by rule: walks come one after the other, and leave it zeroed. */
  readonly taken: Uint32Array;
}

/** The resource that contains others, and whose `#x` references point among them. */
export interface Container {
  readonly type: string;
  readonly id: string;
  /** Pseudonyms of the contained resources that are in the output. */
  present: Set<string> | undefined;
  /** References that were written as local ones; those whose target did not pass are detached at the end. */
  local: { readonly node: JsonObject; readonly target: string }[] | undefined;
}

/** What one resource, alone or in a Bundle, leaves for the leak guard. */
export interface TraceDraft {
  /** The resource's own key: what it goes by where it names no patient. */
  readonly own: string;
  /** Keys of the patients that it names, each once; one more than are compared with, where there are too many. */
  readonly patients: string[];
  /** The literal that was looked at last. */
  lastNamed: string;
  readonly resource: string;
  readonly removed: number[];
  /** Tokens as they came, joined at the end. */
  readonly kept: KeptTokens[];
}

/** What was done to a resource, as bits: they become `meta.security`. */
export const labelBits = {
  redacted: 1,
  abstracted: 2,
  hashed: 4,
  masked: 8,
  perturbed: 16,
  substituted: 32,
  generalized: 64,
  pseudonymized: 128,
} as const;

export interface Walk {
  readonly policy: CompiledPolicy;
  readonly keys: WalkKeys;
  readonly asOf: Date;
  /** Leaves taken, by rule. */
  readonly taken: Uint32Array;
  /** The rules that took any: the others' counts are 0. */
  readonly touched: number[];
  readonly traces: TraceDraft[];
  pseudonymized: number;
  detached: number;
  labels: number;
  container: Container;
  /** The id that the resource which is walked gets; undefined where it had none. */
  newId: string | undefined;
  /** The id of a Bundle entry by its fullUrl, for a resource that has none. */
  entryId: string;
  /** The addresses of the Bundle that is walked, and of those around it. */
  entries: BundleEntries | undefined;
  /** Whose data this is: what dates are shifted by. */
  patient: string;
  /** Whether a list of the object that is walked has a hole that may have to be closed. */
  hasHoles: boolean;
  /** Undefined when the policy's leak guard is off. */
  trace: TraceDraft | undefined;
  /** Rules that were found by looking at the data; undefined for the many resources that have none. */
  marks: Marks | undefined;
  /** Keys and indexes from the resource to here, kept up only for policies whose methods ask where a value stands. */
  readonly trail: (string | number)[] | undefined;
  readonly walkObject: WalkObject;
}

/** The walk over one object; handed along, since a resource is an object that holds others. */
export type WalkObject = (walk: Walk, value: JsonObject, plan: ObjectPlan, depth: number) => JsonObject | undefined;

/** A method made ready for the values of one element. Undefined from `apply` removes the value. */
export interface LeafMethod {
  readonly label: number;
  readonly apply: (value: string | number | boolean, walk: Walk) => Json | undefined;
}
