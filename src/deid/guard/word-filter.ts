/**
 * A first look at whether a token can be among a patient's words: a bit for each remainder of the words' hashes. Asking a
 * set costs an allocation for every number that is no small integer, and nearly every answer is no.
 */

const bitsCount = 2 ** 14;
const mask = bitsCount - 1;

interface Filter {
  /** Words that the bits stand for; a set that has grown since gets new ones. */
  readonly size: number;
  readonly bits: Uint8Array;
}

const filters = new WeakMap<ReadonlySet<number>, Filter>();

function filterOf(words: ReadonlySet<number>): Filter {
  const known = filters.get(words);
  if (known?.size === words.size) return known;
  const bits = new Uint8Array(bitsCount);
  for (const word of words) bits[word & mask] = 1;
  const filter = { size: words.size, bits };
  filters.set(words, filter);
  return filter;
}

/** Whether one of the tokens, in lists, is among the words. */
export function anyAmong(lists: readonly (readonly number[])[], words: ReadonlySet<number>): boolean {
  const { bits } = filterOf(words);
  for (const list of lists) {
    for (const token of list) if (bits[token & mask] === 1 && words.has(token)) return true;
  }
  return false;
}
