/**
 * The settled-version window: what a stream reads next, so that no change is lost when transactions commit
 * out of version order (invariant I1). Pure; ARCHITECTURE.md, 'A stream's positions', says why it is sound.
 */

/** Exclusive-inclusive range of versions, `(lo, hi]`. */
export interface VersionRange {
  readonly lo: number;
  readonly hi: number;
}

/** A stream's two positions and the size of the window between them. */
export interface WindowState {
  /** Every change up to here is delivered, late commits included. */
  readonly settled: number;
  /** Everything that was visible up to here is delivered. `delivered >= settled`. */
  readonly delivered: number;
  /** Rows of `(settled, delivered]` in the seen set. */
  readonly windowRows: number;
}

/** The newest version of the source at a moment of the worker's clock. */
export interface HeadSeen {
  readonly version: number;
  readonly atMs: number;
}

export type NextRead =
  /** The source's newest version is below what was delivered: it was restored, or the newest resource was purged. */
  | { readonly kind: 'source-restored' }
  | { readonly kind: 'caught-up' }
  /** Read again what may have received late commits; when it is all read, `settled` becomes `range.hi`. */
  | { readonly kind: 'sweep'; readonly range: VersionRange }
  /** Read what is new; `range.lo` is `settled` where the window is small enough to be read along. */
  | { readonly kind: 'read'; readonly range: VersionRange };

/**
 * The newest head that can have nothing in flight at or below it: seen at least `settleMs` ago.
 * Versions are allocated in order, so whatever is at or below it had begun by then.
 */
export function maturedHead(heads: readonly HeadSeen[], nowMs: number, settleMs: number): number {
  let matured = 0;
  for (const head of heads) {
    if (head.atMs + settleMs <= nowMs && head.version > matured) matured = head.version;
  }
  return matured;
}

/**
 * What to read next.
 *
 * @param head - newest version of this stream's type at the source, just read
 * @param matured - `maturedHead` of the source; of any type, since versions are one global sequence
 * @param overlapRowsMax - a window with more rows is not read along with new changes
 */
export function nextRead(state: WindowState, head: number, matured: number, overlapRowsMax: number): NextRead {
  if (head < state.delivered) return { kind: 'source-restored' };
  const settleable = Math.min(matured, state.delivered);
  if (settleable > state.settled) return { kind: 'sweep', range: { lo: state.settled, hi: settleable } };
  if (head > state.delivered) {
    const lo = state.windowRows <= overlapRowsMax ? state.settled : state.delivered;
    return { kind: 'read', range: { lo, hi: head } };
  }
  return { kind: 'caught-up' };
}

/** Whether a tick should start the stream: the same rule, seen from outside. */
export function isDue(state: WindowState, head: number, matured: number): boolean {
  return nextRead(state, head, matured, 0).kind !== 'caught-up';
}

/** A stream's positions after a batch of `range` was committed. */
export function advance(
  state: Pick<WindowState, 'settled' | 'delivered'>,
  range: VersionRange,
  maturedWhenRead: number,
): { settled: number; delivered: number } {
  const delivered = Math.max(state.delivered, range.hi);
  // The range was read whole from `settled` on, and nothing up to the matured head was in flight any more.
  const contiguous = range.lo <= state.settled;
  const settled = contiguous ? Math.max(state.settled, Math.min(maturedWhenRead, range.hi)) : state.settled;
  return { settled, delivered };
}

/**
 * The width of the next range in versions, so that about `rowsWanted` rows come: ranges are cut by version,
 * never by page, so that a batch is whole in whatever order the server lists its rows.
 *
 * @param width - width just tried
 * @param rows - rows it gave; `'too-many'` where reading stopped at the bound
 */
export function nextWidth(width: number, rows: number | 'too-many', rowsWanted: number): number {
  if (rows === 'too-many') return Math.max(1, Math.floor(width / 2));
  if (rows === 0) return width * 4;
  const ideal = Math.floor((width * rowsWanted * 0.8) / rows);
  // Never more than fourfold at once: density changes along the sequence.
  return Math.max(1, Math.min(ideal, width * 4));
}
