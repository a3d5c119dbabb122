/** Counts of a reconciliation, by range: an operator sees where, and nothing of what. */
import { type DriftKind, driftKinds, rangeOf } from '../../sync/drift.ts';
import type { RangeCounts } from '../contract.ts';

type Counted = keyof RangeCounts;

export class Tally {
  /** Of resources that were written meanwhile, or may have been. */
  undecided = 0;
  readonly #ranges = new Map<string, Partial<Record<Counted, number>>>();

  count(what: Counted, key: string): void {
    const range = rangeOf(key);
    const counts = this.#ranges.get(range) ?? {};
    counts[what] = (counts[what] ?? 0) + 1;
    this.#ranges.set(range, counts);
  }

  total(what: Counted): number {
    return [...this.#ranges.values()].reduce((sum, counts) => sum + (counts[what] ?? 0), 0);
  }

  /** Of each kind that there is. */
  get drift(): Partial<Record<DriftKind, number>> {
    return Object.fromEntries(
      driftKinds.map((kind) => [kind, this.total(kind)] as const).filter(([, count]) => count > 0),
    );
  }

  get ranges(): Readonly<Record<string, RangeCounts>> {
    return Object.fromEntries([...this.#ranges].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
