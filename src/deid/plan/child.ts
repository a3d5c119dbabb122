/** What a plan says of an object and of each of its JSON keys: the forms that the walk looks up. */
import type { TextKind } from '../guard/tokens.ts';
import type { LatelyKept } from './lately-kept.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import type { GuardClass, ResolvedPolicy } from '../policy/document.ts';
import type { Arrival, Positions } from './positions.ts';
import type { CompiledRules } from './rules.ts';

/** How the walk treats a key's values. Whole numbers, since the walk switches on them for every key. */
export const modes = {
  /** Primitive that passes as it is. */
  keep: 0,
  /** Removed with all that is below. */
  drop: 1,
  /** Primitive that a method changes. */
  change: 2,
  /** Object of a type, walked. */
  object: 3,
  /** Extension: walked, and judged by its url. */
  extension: 4,
  /** The `_` sibling of a primitive. */
  sibling: 5,
  /** A resource inside this one. */
  resource: 6,
  /** Something R4 does not have, walked by its shape. */
  unknown: 7,
  /** Replaced whole by a constant. */
  substitute: 8,
  /** `resourceType`: passes. */
  type: 9,
  /** A resource's own id. */
  id: 10,
  /** A resource's meta. */
  meta: 11,
  /** The text of a Reference. */
  literal: 12,
  /** A Bundle entry's fullUrl, and the address of its request. */
  fullUrl: 13,
  requestUrl: 14,
  /** `resourceType` in what is no resource (Aidbox's own form of a reference): it holds an id that no rule would see. */
  refused: 15,
} as const;

/** JSON's type of a primitive: what a value has to be. */
export type JsonKind = 'string' | 'number' | 'boolean' | 'any';

/** What a plan knows of an object: its type, what the rules say of it, and what happens to each key. */
export interface ObjectPlan {
  /** R4's type; empty for what R4 does not have. */
  readonly type: string;
  readonly isResource: boolean;
  /** An Extension that a rule names, or one inside such a one. */
  readonly isKnownExtension: boolean;
  /** The first rule that came to this object or to what holds it. */
  readonly winner: number;
  /** Set where not every rule may let something pass. */
  readonly closure: Closure | undefined;
  readonly arrival: Arrival;
  readonly required: readonly R4Element[];
  /** The constant that a rule puts in this object's place, where that hung on a condition. */
  readonly replacement: { readonly with: unknown } | undefined;
  /** What happens to this key. Throws `Withheld` for keys of JavaScript's own. */
  child(key: string): Child;
  /** The plan where a rule that was found by looking at the data has come to this object. */
  under(rule: number): ObjectPlan;
  /** The plan of this very object once it is known which of the pending rules hold, told by their indexes. */
  variant(held: readonly number[]): ObjectPlan;
}

/**
 * A part of a resource that only some rules may open: an extension that nobody named, an attribute that R4 does not have.
 * What searches for a type or name everywhere was not written with it in mind. It still decides what becomes of what the
 * others let pass.
 */
export interface Closure {
  readonly openers: ReadonlySet<number>;
  /** The first rule of the openers, or one that removes, that came this far. While it removes, nothing passes. */
  readonly opener: number;
  /** Those of the closure around this one; undefined where there is none. */
  readonly outer: ReadonlySet<number> | undefined;
}

/** All plans of one policy, as their parts see them. */
export interface Plans {
  readonly positions: Positions;
  readonly compiled: CompiledRules;
  readonly policy: ResolvedPolicy;
  readonly defaultRule: number;
  readonly firstPassingMark: number;
  object(
    type: string,
    arrival: Arrival,
    winner: number,
    closure: Closure | undefined,
    isKnownExtension: boolean,
  ): ObjectPlan;
}

export interface Child {
  readonly key: string;
  /** FHIRPath's name of the element. */
  readonly name: string;
  /** R4's type; empty for what R4 does not have. */
  readonly type: string;
  readonly isR4: boolean;
  /** Place in the output, ascending; what R4 does not have comes last, by code unit. */
  readonly rank: number;
  readonly isArray: boolean;
  /** One of the types of a choice element, or what stands beside it. */
  readonly isChoice: boolean;
  readonly mode: number;
  /** Number of the rule that decides. */
  readonly rule: number;
  /** The method of modes `change` and `unknown`, or the constant of `substitute`. */
  readonly leaf: unknown;
  readonly jsonKind: JsonKind;
  /** What kind of text the leak guard takes a kept value for. */
  readonly textKind: TextKind | undefined;
  readonly isDate: boolean;
  readonly guard: GuardClass;
  readonly isModifier: boolean;
  readonly isToPersons: boolean;
  readonly arrival: Arrival;
  /** Texts that passed here lately as they are: nothing about them has to be found out again. */
  readonly lately: LatelyKept;
  /** The plan of objects under this key. */
  readonly plan: () => ObjectPlan;
  /** The same key where a rule that was found by looking at the data decides. */
  readonly under: (rule: number) => Child;
  /** The same key once its value is seen to be of this type, for what R4 does not have. */
  readonly shapedAs: (type: string) => Child;
}

/** A method made ready for the values of one element; undefined where it does not work on the type. */
export type LeafMaker = (rule: number, type: string) => unknown;

/** Rank of what R4 does not have. */
export const unknownRank = 1_000_000;

const wholeTypes = new Set(['integer', 'positiveInt', 'unsignedInt']);

/** Whether a type's numbers have no fraction. */
export const isWholeType = (type: string): boolean => wholeTypes.has(type);

/** JSON's type of a primitive type's values. Source: https://hl7.org/fhir/R4/json.html#primitive */
export function jsonKindOf(type: string): JsonKind {
  switch (type) {
    case '':
      return 'any';
    case 'boolean':
      return 'boolean';
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
    case 'decimal':
      return 'number';
    default:
      return 'string';
  }
}

/** What kind of text the leak guard takes a type's values for; undefined for types that hold no words. */
export function textKindOf(type: string): TextKind | undefined {
  switch (type) {
    case 'string':
    case 'markdown':
    case '':
      return 'text';
    case 'xhtml':
      return 'xhtml';
    case 'uri':
    case 'url':
    case 'canonical':
    case 'oid':
    case 'uuid':
      return 'uri';
    case 'code':
    case 'id':
    case 'decimal':
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return 'code';
    case 'date':
    case 'dateTime':
    case 'instant':
      return 'date';
    default:
      return undefined;
  }
}

export const isDateType = (type: string): boolean => type === 'date' || type === 'dateTime' || type === 'instant';

export const isPrimitiveType = (type: string): boolean => r4Type(type)?.kind === 'primitive';

/** What a child is made from. */
export interface Draft {
  readonly owner: ObjectPlan;
  readonly key: string;
  /** Undefined for what R4 does not have. */
  readonly element: R4Element | undefined;
  readonly arrival: Arrival;
  /** The rule that decides. */
  readonly winner: number;
  /** The first rule that came here, whether or not it may decide. */
  readonly first: number;
  readonly closure: Closure | undefined;
  readonly isKnownExtension: boolean;
  /** Whether the key is the `_` sibling of `element`. */
  readonly isSibling: boolean;
}

/** The JSON key without the `_` of a sibling. */
export const plainKey = (draft: { key: string; isSibling: boolean }): string =>
  draft.isSibling ? draft.key.slice(1) : draft.key;
