/** A model of a source: a global sequence of txids, and transactions that commit late and out of order. */

// Taken once: in jest's sandbox each look at a global is slow, and the model runs thousands of times.
const { imul, floor, ceil, max, min } = Math;

/** Numbers from a seed, so that a failure can be repeated (mulberry32). */
export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A row of the feed with what only the model knows: its place in the order of commits. */
export interface ModelRow {
  readonly id: string;
  readonly version: number;
  readonly lastUpdatedMs: number;
  readonly deleted: boolean;
  readonly commitMs: number;
  /** The truth about which state of an id is newer. */
  readonly commitOrder: number;
}

export interface SourceOptions {
  readonly transactions: number;
  readonly ids: number;
  /** From a transaction's start (which may be before it takes its txid) to its commit. */
  readonly longestMs: number;
  /** Error of `lastUpdated`, either way. */
  readonly skewMs: number;
  /** `lastUpdated` is the transaction's start, or some moment of it. */
  readonly lastUpdated: 'start' | 'within';
}

interface Draft {
  readonly txid: number;
  readonly startMs: number;
  readonly commitMs: number;
  readonly writes: readonly { readonly id: string; readonly wantsDelete: boolean; readonly lastUpdatedMs: number }[];
}

/** All that ever happens at a source, and views of it at any moment. */
export class ModelSource {
  readonly endMs: number;
  readonly rows: readonly ModelRow[];
  readonly ids: readonly string[];
  readonly #random: Random;
  readonly #commits: readonly { readonly txid: number; readonly commitMs: number }[];

  constructor(options: SourceOptions, random: Random) {
    this.#random = random;
    this.ids = Array.from({ length: options.ids }, (_, index) => `id-${String(index)}`);
    const drafts = draw(options, this.ids, random);
    // Two commits in one millisecond stand in some order, too.
    const inOrder = [...drafts]
      .map((draft) => ({ draft, tie: random(1_000) }))
      .sort((a, b) => a.draft.commitMs - b.draft.commitMs || a.tie - b.tie)
      .map(({ draft }) => draft);
    const exists = new Set<string>();
    this.rows = inOrder.flatMap((draft, commitOrder) =>
      draft.writes.map(({ id, wantsDelete, lastUpdatedMs }): ModelRow => {
        const deleted = wantsDelete && exists.delete(id);
        if (!deleted) exists.add(id);
        const { txid, commitMs } = draft;
        return { id, version: txid, lastUpdatedMs, deleted, commitMs, commitOrder };
      }),
    );
    this.#commits = inOrder.map(({ txid, commitMs }) => ({ txid, commitMs }));
    this.endMs = max(...inOrder.map(({ commitMs }) => commitMs));
  }

  /** Newest version of the stream's type. */
  head(atMs: number): number {
    return this.rows.reduce((head, row) => (row.commitMs <= atMs ? max(head, row.version) : head), 0);
  }

  /** Newest version of any type. */
  headOfAll(atMs: number): number {
    return this.#commits.reduce((head, { txid, commitMs }) => (commitMs <= atMs ? max(head, txid) : head), 0);
  }

  /** Rows of `(lo, hi]` that are visible, in any order; now and then one stands there twice. */
  range(lo: number, hi: number, atMs: number): ModelRow[] {
    const found = this.rows.filter((row) => row.version > lo && row.version <= hi && row.commitMs <= atMs);
    const again = found.filter(() => this.#random(20) === 0);
    return [...found, ...again]
      .map((row) => ({ row, rank: this.#random(1_000) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ row }) => row);
  }

  /** What a read of an id answers: the state that was committed last. */
  current(id: string, atMs: number): ModelRow | undefined {
    return this.rows.findLast((row) => row.id === id && row.commitMs <= atMs);
  }
}

function draw(options: SourceOptions, ids: readonly string[], random: Random): Draft[] {
  const { longestMs, skewMs } = options;
  const drafts: Draft[] = [];
  let txidMs = 10 * longestMs;
  let txid = 0;
  for (let index = 0; index < options.transactions; index++) {
    // Crowds of transactions, and now and then a pause that lets all that was before settle.
    txidMs += random(12) === 0 ? longestMs + random(4 * longestMs) : random(ceil(longestMs / 4));
    txid += 1 + random(3);
    const startMs = txidMs - (random(3) === 0 ? random(ceil(longestMs / 2)) : 0);
    // Half are quick; some commit at the last moment that is allowed.
    const leftMs = startMs + longestMs - txidMs;
    const tookMs = random(2) === 0 ? random(ceil(leftMs / 10)) : random(4) === 0 ? leftMs : random(leftMs + 1);
    const commitMs = txidMs + tookMs;
    // Every fifth transaction is about other types.
    const count = random(5) === 0 ? 0 : 1 + random(min(3, ids.length));
    const chosen = [...ids].sort(() => random(3) - 1).slice(0, count);
    drafts.push({
      txid,
      startMs,
      commitMs,
      writes: chosen.map((id) => {
        const trueMs = options.lastUpdated === 'start' ? startMs : startMs + random(commitMs - startMs + 1);
        return { id, wantsDelete: random(3) === 0, lastUpdatedMs: trueMs + random(2 * skewMs + 1) - skewMs };
      }),
    });
  }
  return drafts;
}
