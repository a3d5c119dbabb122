/** Partitions of the patients: who looks like whom. Exact; no hash of several values stands for them together. */
import { Interner } from './columns.ts';

/** The class of each patient, as a number from 0. */
export type Classes = Uint32Array;

/** All patients in one class. */
export const together = (rows: number): Classes => new Uint32Array(rows);

/** Patients by a column's values. */
export function classesOf(column: BigUint64Array): Classes {
  const numbers = new Interner<bigint>();
  return Uint32Array.from(column, (sum) => numbers.number(sum));
}

/** Patients who are together in both partitions. */
export function refine(one: Classes, other: Classes): Classes {
  const numbers = new Interner<number>();
  // Both are below 2^26 for as many patients as fit into memory: the product is exact.
  const width = other.reduce((most, next) => Math.max(most, next), 0) + 1;
  return one.map((next, row) => numbers.number(next * width + (other[row] ?? 0)));
}

/** How many patients each class has. */
export function sizesOf(classes: Classes): Uint32Array {
  const count = classes.reduce((most, next) => Math.max(most, next), -1) + 1;
  const sizes = new Uint32Array(count);
  for (const next of classes) sizes[next] = (sizes[next] ?? 0) + 1;
  return sizes;
}

/** For each partition the one that all others make without it, and what all make together. */
export function leaveOneOut(parts: readonly Classes[], rows: number): { all: Classes; without: Classes[] } {
  const before: Classes[] = [together(rows)];
  for (const part of parts) before.push(refine(before.at(-1) ?? together(rows), part));
  const without: Classes[] = [];
  let after = together(rows);
  for (let index = parts.length - 1; index >= 0; index--) {
    without.unshift(refine(before[index] ?? after, after));
    after = refine(after, parts[index] ?? after);
  }
  return { all: before.at(-1) ?? together(rows), without };
}
