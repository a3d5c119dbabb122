/**
 * Measures a de-identified set, resource by resource: for each patient one number for each quasi-identifier, and the
 * sensitive values as numbers. What is held grows with the count of patients and of their sensitive values, never with the
 * size of resources, and holds no value.
 */
import type { JsonObject } from '../../fhir/resource.ts';
import { classesOf, leaveOneOut } from './classes.ts';
import { Interner, PairColumn, SumColumn } from './columns.ts';
import { diversity } from './diversity.ts';
import type { RiskPath } from './path.ts';
import { cellsOf } from './result.ts';
import type { RiskResult } from './result.ts';
import { patientsOf, resourcesIn } from './subject.ts';
import type { Found } from './subject.ts';
import { hash64, hashesOf } from './value.ts';

export class RiskSurvey {
  readonly #rows = new Interner<bigint>();
  readonly #withResource = new Set<number>();
  #repeated = 0;
  readonly #quasi: readonly { readonly path: RiskPath; readonly column: SumColumn }[];
  readonly #sensitive: readonly {
    readonly path: RiskPath;
    readonly pairs: PairColumn;
    readonly values: Interner<bigint>;
  }[];
  readonly #failures = new Map<string, number>();

  constructor(quasiIdentifiers: readonly RiskPath[], sensitive: readonly RiskPath[]) {
    this.#quasi = quasiIdentifiers.map((path) => ({ path, column: new SumColumn() }));
    this.#sensitive = sensitive.map((path) => ({ path, pairs: new PairColumn(), values: new Interner<bigint>() }));
  }

  /** Counts a resource, or those of a Bundle. What is no resource, or names no patient, counts for nobody. */
  add(value: unknown): void {
    for (const found of resourcesIn(value)) this.#addOne(found);
  }

  #addOne(found: Found): void {
    const { resource } = found;
    const rows = patientsOf(found).map((name) => this.#rows.number(hash64(name)));
    const [own] = rows;
    if (own === undefined) return;
    if (resource.resourceType === 'Patient') {
      if (this.#withResource.has(own)) {
        this.#repeated += 1;
        return;
      }
      this.#withResource.add(own);
    }
    for (const { path, column } of this.#quasi) {
      const hashes = this.#hashes(path, resource);
      for (const row of rows) for (const hash of hashes) column.add(row, hash);
    }
    for (const { path, pairs, values } of this.#sensitive) {
      const numbers = [...this.#hashes(path, resource)].map((hash) => values.number(hash));
      for (const row of rows) for (const number of numbers) pairs.push(row, number);
    }
  }

  #hashes(path: RiskPath, resource: JsonObject): ReadonlySet<bigint> {
    if (path.type !== resource.resourceType) return new Set();
    try {
      return hashesOf(path.evaluate(resource));
    } catch {
      this.#failures.set(path.text, (this.#failures.get(path.text) ?? 0) + 1);
      return new Set();
    }
  }

  /** What was found, measured against `k`. */
  result(k: number): RiskResult {
    const patients = this.#rows.size;
    const columns = this.#quasi.map(({ column }) => column.rows(patients));
    const { all, without } = leaveOneOut(columns.map(classesOf), patients);
    return {
      ...cellsOf(all, k),
      patientsWithoutResource: patients - this.#withResource.size,
      repeatedPatients: this.#repeated,
      quasiIdentifiers: this.#quasi.map(({ path }, index) => {
        const column = columns[index] ?? new BigUint64Array();
        const rest = cellsOf(without[index] ?? all, k);
        return {
          path: path.text,
          patientsWithValue: column.reduce((sum, one) => sum + (one === 0n ? 0 : 1), 0),
          values: new Set(column).size - (column.includes(0n) ? 1 : 0),
          smallestKWithout: rest.smallestK ?? 0,
          belowKWithout: rest.belowK.patients,
        };
      }),
      sensitive:
        patients === 0
          ? []
          : this.#sensitive.map(({ path, pairs }) => ({ path: path.text, ...diversity(all, pairs.distinct()) })),
      failures: [...this.#failures].map(([path, resources]) => ({ path, resources })),
    };
  }
}
