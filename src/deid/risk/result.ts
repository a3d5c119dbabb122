/**
 * What a survey found: counts and shares, never a value and never a name of a patient.
 *
 * k-anonymity: Sweeney, 'k-anonymity: a model for protecting privacy', IJUFKS 10(5), 2002. The three risks: El Emam,
 * 'Guide to the De-Identification of Personal Health Information', CRC Press 2013, chapter 16. What a journalist or a
 * marketer could match against is not known here; the set is taken for its own population, which is the most that any
 * attacker could have, so both are upper bounds.
 */
import { sizesOf } from './classes.ts';
import type { Classes } from './classes.ts';
import type { Diversity } from './diversity.ts';

/** Classes of some sizes, and the patients in them. */
export interface Cell {
  readonly classes: number;
  readonly patients: number;
}

export interface RiskResult {
  readonly patients: number;
  /** Patients that resources refer to while their own resource is not in the set. */
  readonly patientsWithoutResource: number;
  /** Patient resources whose id was there before: only the first counts. */
  readonly repeatedPatients: number;
  /** Groups of patients who look alike by all quasi-identifiers. */
  readonly classes: number;
  /** Undefined where there is no patient. */
  readonly smallestK?: number;
  readonly k: number;
  /** Patients who share their class with fewer than `k` in all. */
  readonly belowK: Cell & { readonly share: number };
  readonly distribution: Readonly<Record<'1' | '2-4' | '5-10' | '11+', Cell>>;
  /** The sizes below `k`, each with its classes. */
  readonly smallCells: readonly (Cell & { readonly size: number })[];
  /** Chance of finding the right person: somebody known to be in the set; anybody; as a share of all. */
  readonly risk: {
    readonly prosecutor: { readonly max: number; readonly average: number };
    readonly journalist: { readonly max: number; readonly average: number };
    readonly marketer: { readonly average: number };
  };
  readonly quasiIdentifiers: readonly {
    readonly path: string;
    readonly patientsWithValue: number;
    readonly values: number;
    /** What there would be without it. */
    readonly smallestKWithout: number;
    readonly belowKWithout: number;
  }[];
  readonly sensitive: readonly ({ readonly path: string } & Diversity)[];
  /** Resources on which a path failed: the set is not fully measured. */
  readonly failures: readonly { readonly path: string; readonly resources: number }[];
}

const bands = { '1': [1, 1], '2-4': [2, 4], '5-10': [5, 10], '11+': [11, Infinity] } as const;

/** The counts that follow from the sizes of the classes alone. */
export function cellsOf(classes: Classes, k: number): Omit<RiskResult, Unmeasured> {
  const sizes = sizesOf(classes);
  const bySize = new Map<number, number>();
  for (const size of sizes) bySize.set(size, (bySize.get(size) ?? 0) + 1);
  const within = (least: number, most: number): Cell => {
    const found = [...bySize].filter(([size]) => size >= least && size <= most);
    return found.reduce<Cell>((sum, [size, count]) => added(sum, size, count), { classes: 0, patients: 0 });
  };
  const patients = classes.length;
  const smallest = sizes.length === 0 ? undefined : Math.min(...bySize.keys());
  const below = within(1, k - 1);
  const [max, average] = smallest === undefined ? [0, 0] : [1 / smallest, sizes.length / patients];
  return {
    patients,
    classes: sizes.length,
    ...(smallest === undefined ? {} : { smallestK: smallest }),
    k,
    belowK: { ...below, share: patients === 0 ? 0 : below.patients / patients },
    distribution: {
      '1': within(...bands['1']),
      '2-4': within(...bands['2-4']),
      '5-10': within(...bands['5-10']),
      '11+': within(...bands['11+']),
    },
    smallCells: [...bySize]
      .filter(([size]) => size < k)
      .toSorted(([one], [other]) => one - other)
      .map(([size, count]) => ({ size, classes: count, patients: size * count })),
    risk: { prosecutor: { max, average }, journalist: { max, average }, marketer: { average } },
  };
}

type Unmeasured = 'patientsWithoutResource' | 'repeatedPatients' | 'quasiIdentifiers' | 'sensitive' | 'failures';

const added = (sum: Cell, size: number, count: number): Cell => ({
  classes: sum.classes + count,
  patients: sum.patients + size * count,
});
