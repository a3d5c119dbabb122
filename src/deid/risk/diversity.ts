/**
 * l-diversity (Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam: 'l-Diversity: Privacy Beyond k-Anonymity', ACM TKDD
 * 1(1), 2007): whoever finds a person's class, but not the person, still learns a diagnosis that all in the class share.
 */
import { sizesOf } from './classes.ts';
import type { Classes } from './classes.ts';

export interface Diversity {
  /** Distinct values in the least diverse class. */
  readonly smallestL: number;
  /** The exponential of the entropy of the least diverse class's values; never above the number of distinct ones. */
  readonly smallestEntropyL: number;
  readonly classesOfOneValue: number;
  readonly patientsInThem: number;
  readonly patientsWithValue: number;
}

/**
 * Each patient counts once for each of their values; to have none is a value, since it can be learnt as well.
 * `pairs` are distinct.
 */
export function diversity(classes: Classes, pairs: Iterable<readonly [row: number, value: number]>): Diversity {
  const sizes = sizesOf(classes);
  const none = -1;
  const counts = Array.from(sizes, () => new Map<number, number>());
  const withValue = new Uint8Array(classes.length);
  const count = (row: number, value: number): void => {
    const ofClass = counts[classes[row] ?? 0];
    ofClass?.set(value, (ofClass.get(value) ?? 0) + 1);
  };
  for (const [row, value] of pairs) {
    withValue[row] = 1;
    count(row, value);
  }
  for (const [row, has] of withValue.entries()) if (has === 0) count(row, none);
  const ofOne = counts.flatMap((values, index) => (values.size === 1 ? [sizes[index] ?? 0] : []));
  return {
    smallestL: counts.reduce((least, values) => Math.min(least, values.size), Infinity),
    smallestEntropyL: counts.reduce((least, values) => Math.min(least, entropyL(values)), Infinity),
    classesOfOneValue: ofOne.length,
    patientsInThem: ofOne.reduce((sum, size) => sum + size, 0),
    patientsWithValue: withValue.reduce((sum, one) => sum + one, 0),
  };
}

function entropyL(values: ReadonlyMap<number, number>): number {
  const counts = [...values.values()];
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Math.exp(counts.reduce((sum, count) => sum - (count / total) * Math.log(count / total), 0));
}
