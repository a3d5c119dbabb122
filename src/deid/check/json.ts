/**
 * The little that the check needs to know of JSON and of "perhaps". Written again here on purpose: the check shares no
 * helper with the walk, so that one mistake cannot be made twice by being made once.
 */
import type { Json, JsonObject } from '../../fhir/resource.ts';

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys by which JSON reaches JavaScript's own objects. */
export const isForbiddenKey = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype';

/** Whether two values are the same JSON; the order of keys does not count. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((member, index) => sameJson(member, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/**
 * What an output tells of its source: a rule's condition was true there, was not, or cannot be seen any more, since what
 * it looked at is gone. Numbers, so that the weaker of two is their minimum.
 */
export type Truth = 0 | 1 | 2;
export const no: Truth = 0;
export const maybe: Truth = 1;
export const yes: Truth = 2;

export const both = (a: Truth, b: Truth): Truth => (a < b ? a : b);
export const either = (a: Truth, b: Truth): Truth => (a > b ? a : b);

/** A rule that has taken a node: for sure, or perhaps. */
export interface Taker {
  readonly rule: number;
  readonly isSure: boolean;
}
