/**
 * Net effect: of all new rows of a batch, what is the newest state of each id? Pure.
 *
 * Versions order *allocations*, not commits: two transactions on one id that were in flight together may have
 * committed the other way round. Where that cannot be excluded, the answer is not guessed from versions but
 * read from the source ('read-current').
 */

/** What is known of a new row of `$changes` beside its content. */
export interface ChangeRow {
  readonly id: string;
  /** `meta.versionId` as a number, where the server sends it. */
  readonly version?: number;
  /** `meta.lastUpdated` in milliseconds, where the server sends it. */
  readonly lastUpdatedMs?: number;
}

/** What was delivered of an id before, as far as it may have been in flight together with something new. */
export interface KnownState {
  readonly version: number;
  /** `meta.lastUpdated` of the newest of its rows, in milliseconds; 0 where the server does not say it. */
  readonly lastUpdatedMs: number;
}

export type NetEffect =
  /** Take this row (its index in the input) as the id's state. */
  | { readonly kind: 'take'; readonly id: string; readonly row: number }
  /** Ask the source for the id's current state. */
  | { readonly kind: 'read-current'; readonly id: string };

/**
 * The net effect of the new rows of a batch, one entry an id, in order of first appearance.
 *
 * @param known - the newest state of an id that was delivered a short while ago, if any
 * @param settleMs - two rows of one id further apart than this cannot have been in flight together
 */
export function netEffect(
  rows: readonly ChangeRow[],
  known: (id: string) => KnownState | undefined,
  settleMs: number,
): NetEffect[] {
  const byId = new Map<string, number[]>();
  rows.forEach((row, index) => {
    const indices = byId.get(row.id);
    if (indices === undefined) byId.set(row.id, [index]);
    else indices.push(index);
  });
  return [...byId].map(([id, indices]) => {
    const row = newestForSure(rows, indices, known(id), settleMs);
    return row === undefined ? { kind: 'read-current', id } : { kind: 'take', id, row };
  });
}

/** The index of the row that is the newest without doubt, or `undefined`. */
function newestForSure(
  rows: readonly ChangeRow[],
  indices: readonly number[],
  known: KnownState | undefined,
  settleMs: number,
): number | undefined {
  let best: number | undefined;
  for (const index of indices) {
    const version = rows[index]?.version;
    // Without versions nothing can be ordered, not even one row against what was delivered before.
    if (version === undefined) return undefined;
    if (best === undefined || version > (rows[best]?.version ?? 0)) best = index;
  }
  const newest = best === undefined ? undefined : rows[best];
  if (newest?.version === undefined) return undefined;
  if (known !== undefined && (newest.version <= known.version || !apart(newest, known, settleMs))) return undefined;
  // Without a time it may have been in flight together with anything that was delivered before.
  if (newest.lastUpdatedMs === undefined) return undefined;
  // The same version twice is one row listed twice (pages may shift while they are read).
  const others = indices.filter((index) => rows[index]?.version !== newest.version);
  return others.every((index) => apart(newest, rows[index], settleMs)) ? best : undefined;
}

/** Whether `newer` began so long after `older` that `older` had surely committed. */
function apart(newer: ChangeRow, older: Pick<ChangeRow, 'lastUpdatedMs'> | undefined, settleMs: number): boolean {
  // 0 is a time that nobody knows, not one long ago.
  if (newer.lastUpdatedMs === undefined || (older?.lastUpdatedMs ?? 0) === 0) return false;
  return newer.lastUpdatedMs - (older?.lastUpdatedMs ?? 0) > settleMs;
}
