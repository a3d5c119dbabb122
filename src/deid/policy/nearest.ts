/** The word that was probably meant: for messages about names that do not exist. */

/** Least number of letters to change, add or leave out. Source: Levenshtein (1966), one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The candidate nearest to a word, if it is near: a third of its letters at most differ. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly word: string; readonly cost: number } | undefined;
  for (const candidate of candidates) {
    const cost = distance(word.toLowerCase(), candidate.toLowerCase());
    if (cost <= Math.max(1, word.length / 3) && cost < (best?.cost ?? Number.POSITIVE_INFINITY)) {
      best = { word: candidate, cost };
    }
  }
  return best?.word;
}
