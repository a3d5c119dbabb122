/** Typed arrays that grow: a few bytes a patient. */

const firstLength = 1024;

/** One 64-bit sum a patient: what their values of one quasi-identifier add up to, whatever their order. */
export class SumColumn {
  #sums = new BigUint64Array(firstLength);

  /** Counts a value. Two equal values do not cancel out, and a value more is another sum. */
  add(row: number, hash: bigint): void {
    if (row >= this.#sums.length) {
      const larger = new BigUint64Array(2 ** Math.ceil(Math.log2(row + 1)));
      larger.set(this.#sums);
      this.#sums = larger;
    }
    // Zero is for patients without a value. The array wraps at 64 bits.
    this.#sums[row] = (this.#sums[row] ?? 0n) + (hash | 1n);
  }

  /** The sums of the first `rows` patients. */
  rows(rows: number): BigUint64Array {
    const out = new BigUint64Array(rows);
    out.set(this.#sums.subarray(0, rows));
    return out;
  }
}

/** Values beyond this many count as one, which makes a class look less diverse, never more. */
const valuesMax = 2 ** 21;

/** Pairs of a patient and a value, as one number each. */
export class PairColumn {
  #pairs = new Float64Array(firstLength);
  #length = 0;

  push(row: number, value: number): void {
    if (this.#length === this.#pairs.length) {
      const larger = new Float64Array(this.#pairs.length * 2);
      larger.set(this.#pairs);
      this.#pairs = larger;
    }
    // Exact below 2^53: a row is below 2^32.
    this.#pairs[this.#length] = row * valuesMax + Math.min(value, valuesMax - 1);
    this.#length += 1;
  }

  /** Each pair once, by patient. */
  *distinct(): Generator<readonly [row: number, value: number]> {
    const sorted = this.#pairs.subarray(0, this.#length).sort();
    let last = -1;
    for (const pair of sorted) {
      if (pair !== last) yield [Math.floor(pair / valuesMax), pair % valuesMax];
      last = pair;
    }
  }
}

/** Numbers from 0 for what is met, in the order it is met. */
export class Interner<Key> {
  #numbers = new Map<Key, number>();

  get size(): number {
    return this.#numbers.size;
  }

  number(key: Key): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const next = this.#numbers.size;
    this.#numbers.set(key, next);
    return next;
  }
}
