/**
 * What may be committed now: the greatest set of resources in which every reference resolves, either in the
 * target already or within the set. The rest is parked. Pure. (Invariant I6.)
 */

/** A resource that wants to be committed, by its `Type/id`, and the `Type/id`s that it needs. */
export interface Candidate {
  readonly key: string;
  readonly needs: readonly string[];
}

export interface Closure {
  /** Keys that may be committed together. */
  readonly ready: ReadonlySet<string>;
  /** For each key that may not: those of its needs that nothing offers. Never empty for a key listed here. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
}

/**
 * Greatest fixpoint: start from all candidates, and take out whatever needs something that is not there, until
 * nothing changes. Cycles stay in, since their members offer each other.
 *
 * @param present - whether the target holds the key already
 */
export function closure(candidates: readonly Candidate[], present: (key: string) => boolean): Closure {
  const ready = new Set(candidates.map((candidate) => candidate.key));
  const neededBy = new Map<string, Candidate[]>();
  const dropped: string[] = [];
  for (const candidate of candidates) {
    for (const need of candidate.needs) {
      if (present(need)) continue;
      if (!ready.has(need)) dropped.push(need);
      const users = neededBy.get(need);
      if (users === undefined) neededBy.set(need, [candidate]);
      else users.push(candidate);
    }
  }
  for (let key = dropped.pop(); key !== undefined; key = dropped.pop()) {
    for (const user of neededBy.get(key) ?? []) {
      if (ready.delete(user.key)) dropped.push(user.key);
    }
  }
  const waiting = new Map<string, readonly string[]>();
  for (const candidate of candidates) {
    if (ready.has(candidate.key)) continue;
    waiting.set(
      candidate.key,
      candidate.needs.filter((need) => !present(need) && !ready.has(need)),
    );
  }
  return { ready, waiting };
}
