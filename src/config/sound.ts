/** What is left of a configuration without its mistakes, so that the rest of it is checked all the same. */
import type { Path } from './problems.ts';

/** A document in which anything may be missing, at any depth. */
export type Sound<T> = T extends readonly (infer Item)[]
  ? readonly (Sound<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Sound<T[Key]> | undefined }
    : T;

/** A copy of a value without what stands at the paths. Items of lists become `undefined`, so that the others stay put. */
export function without(value: unknown, paths: readonly Path[]): unknown {
  if (paths.some((path) => path.length === 0)) return undefined;
  if (typeof value !== 'object' || value === null) return value;
  const below = (key: PropertyKey): Path[] => paths.filter((path) => path[0] === key).map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((item: unknown, index) => without(item, below(index)));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, without(inner, below(key))]));
}
