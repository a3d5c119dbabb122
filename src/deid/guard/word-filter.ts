/**
 * A first look at whether a token can be among a patient's words: a bit for each remainder of the words' hashes. Asking a
 * set costs an allocation for every number that is no small integer, and nearly every answer is no.
 */

/** Few enough to stay in a processor's cache beside those of other patients. */
const bitsCount = 2 ** 13;
const mask = bitsCount - 1;

interface Filter {
  /** Words that the bits stand for; a set that has grown since gets new ones. */
  readonly size: number;
  readonly bits: Uint32Array;
}

/** Hashes that are looked for among words. */
export interface SoughtHashes {
  readonly hashes: readonly number[];
  /** For each hash its {@link bitOf}. */
  readonly bits: readonly number[];
}

/** The bit that stands for a word: a small integer, which a list holds as it is and not as a number on the heap. */
export const bitOf = (word: number): number => word & mask;

const has = (bits: Uint32Array, bit: number): boolean => ((bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;

const filters = new WeakMap<ReadonlySet<number>, Filter>();

function filterOf(words: ReadonlySet<number>): Filter {
  const known = filters.get(words);
  if (known?.size === words.size) return known;
  const bits = new Uint32Array(bitsCount / 32);
  for (const word of words) {
    const bit = bitOf(word);
    const at = bit >>> 5;
    bits[at] = (bits[at] ?? 0) | (1 << (bit & 31));
  }
  const filter = { size: words.size, bits };
  filters.set(words, filter);
  return filter;
}

/** Whether one of the tokens is among the words. */
export function anyAmong(kept: readonly SoughtHashes[], words: ReadonlySet<number>): boolean {
  const filter = filterOf(words).bits;
  for (const { hashes, bits } of kept) {
    for (let at = 0; at < bits.length; at++) {
      if (has(filter, bits[at] ?? 0) && words.has(hashes[at] ?? 0)) return true;
    }
  }
  return false;
}
