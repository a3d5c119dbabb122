/** What a run did, in counts. Made for each part in whichever thread worked on it, and added up in the main one. */

export interface Tally {
  /** Records that were JSON: resources and Bundles. */
  records: number;
  written: number;
  /** Leaves that each rule took, by its number among the compiled rules. */
  readonly taken: Record<number, number>;
  /** By reason. */
  readonly withheld: Record<string, number>;
  referencesPseudonymized: number;
  referencesDetached: number;
  /** Records that the leak guard looked at more closely, and values that it masked in them. */
  guardHits: number;
  guardMasked: number;
}

export const emptyTally = (): Tally => ({
  records: 0,
  written: 0,
  taken: {},
  withheld: {},
  referencesPseudonymized: 0,
  referencesDetached: 0,
  guardHits: 0,
  guardMasked: 0,
});

export function count(counts: Record<string | number, number>, key: string | number, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by;
}

/** Adds `more` to `sum`. */
export function addTally(sum: Tally, more: Tally): void {
  sum.records += more.records;
  sum.written += more.written;
  for (const [rule, leaves] of Object.entries(more.taken)) count(sum.taken, rule, leaves);
  for (const [reason, records] of Object.entries(more.withheld)) count(sum.withheld, reason, records);
  sum.referencesPseudonymized += more.referencesPseudonymized;
  sum.referencesDetached += more.referencesDetached;
  sum.guardHits += more.guardHits;
  sum.guardMasked += more.guardMasked;
}
