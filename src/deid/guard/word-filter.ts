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

const has = (bits: Uint32Array, word: number): boolean => ((bits[(word & mask) >>> 5] ?? 0) & (1 << (word & 31))) !== 0;

const filters = new WeakMap<ReadonlySet<number>, Filter>();

function filterOf(words: ReadonlySet<number>): Filter {
  const known = filters.get(words);
  if (known?.size === words.size) return known;
  const bits = new Uint32Array(bitsCount / 32);
  for (const word of words) {
    const at = (word & mask) >>> 5;
    bits[at] = (bits[at] ?? 0) | (1 << (word & 31));
  }
  const filter = { size: words.size, bits };
  filters.set(words, filter);
  return filter;
}

/** Whether one of the tokens, in lists, is among the words. */
export function anyAmong(lists: readonly (readonly number[])[], words: ReadonlySet<number>): boolean {
  const { bits } = filterOf(words);
  for (const list of lists) {
    for (const token of list) if (has(bits, token) && words.has(token)) return true;
  }
  return false;
}
