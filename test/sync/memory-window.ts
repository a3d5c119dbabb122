/** The seen set and the observed heads of `src/state/window.ts` in memory, for thousands of runs. */
import type { KnownState } from '../../src/sync/net-effect.ts';
import type { Seen, WindowStore } from './model-reader.ts';

// Taken once: in jest's sandbox each look at a global is slow, and the model runs thousands of times.
const { max } = Math;

/** Ways to break it, for the tests of the test. */
export interface Broken {
  /** Forgets a row as soon as it is settled. */
  readonly prunesAtOnce?: boolean;
  /** Takes rows beyond `settled` for the newest time when it forgets. */
  readonly prunesByFuture?: boolean;
  /** Takes `lastUpdated` for the moment at which a transaction took its version. */
  readonly prunesTooSoon?: boolean;
  /** Lets rows of abandoned batches count as seen. */
  readonly trustsPending?: boolean;
}

export class MemoryWindow implements WindowStore {
  readonly #seen = new Map<string, Seen & { readonly batch: string }>();
  #heads: { version: number; atMs: number }[] = [];
  readonly #broken: Broken;

  constructor(broken: Broken = {}) {
    this.#broken = broken;
  }

  lookUp: WindowStore['lookUp'] = async (rows, inFlight) => {
    const seenRows = new Set<string>();
    const known = new Map<string, KnownState>();
    const ids = new Set(rows.map((row) => row.idKey));
    for (const row of this.#seen.values()) {
      if (!ids.has(row.idKey)) continue;
      if (this.#broken.trustsPending !== true && row.batch !== '' && row.batch !== inFlight) continue;
      seenRows.add(row.rowKey);
      const other = known.get(row.idKey) ?? { version: 0, lastUpdatedMs: 0 };
      known.set(row.idKey, {
        version: max(row.version, other.version),
        lastUpdatedMs: max(row.atMs, other.lastUpdatedMs),
      });
    }
    return { seenRows, known };
  };

  recordPending: WindowStore['recordPending'] = async (batch, inFlight, rows) => {
    for (const [key, row] of this.#seen)
      if (row.batch !== '' && row.batch !== inFlight && this.#broken.trustsPending !== true) this.#seen.delete(key);
    for (const row of rows) if (!this.#seen.has(row.rowKey)) this.#seen.set(row.rowKey, { ...row, batch });
  };

  windowRows: WindowStore['windowRows'] = async (settled) =>
    [...this.#seen.values()].filter((row) => row.version > settled).length;

  settle: WindowStore['settle'] = async (batch, settled, settleMs) => {
    for (const [key, row] of this.#seen) if (row.batch === batch) this.#seen.set(key, { ...row, batch: '' });
    let newestMs = 0;
    for (const { version, atMs } of this.#seen.values())
      if (this.#broken.prunesByFuture === true || (version > 0 && version <= settled)) newestMs = max(newestMs, atMs);
    const keptMs = this.#broken.prunesTooSoon === true ? settleMs : 2 * settleMs;
    for (const [key, { batch: pending, version, atMs }] of this.#seen) {
      const old = atMs === 0 || atMs < newestMs - keptMs || this.#broken.prunesAtOnce === true;
      if (pending === '' && version <= settled && old) this.#seen.delete(key);
    }
  };

  observeHead: WindowStore['observeHead'] = async (version, nowMs) => {
    if (this.#heads.every((head) => head.version < version)) this.#heads.push({ version, atMs: nowMs });
  };

  readHeads: WindowStore['readHeads'] = async (nowMs, settleMs) => {
    const matured = this.#heads.findLastIndex((head) => head.atMs + settleMs <= nowMs);
    if (matured > 0) this.#heads = this.#heads.slice(matured);
    return this.#heads;
  };
}
