/**
 * A model of what reads a source: the rules of `src/sync`, put together as `src/activities/fetch` does, over any
 * store of the seen set; and the checks of what it delivers (invariants I1 and I4).
 */
import { type ChangeRow, type KnownState, netEffect } from '../../src/sync/net-effect.ts';
import { advance, maturedHead, nextRead, nextWidth, type VersionRange } from '../../src/sync/window.ts';
import type { ModelRow, ModelSource, Random } from './model-source.ts';

// Taken once: in jest's sandbox each look at a global is slow, and the model runs thousands of times.
const { ceil, max, min } = Math;

/** A row of the seen set. */
export interface Seen {
  readonly rowKey: string;
  readonly idKey: string;
  readonly version: number;
  readonly atMs: number;
}

/** What the site's state keeps of a stream's window. */
export interface WindowStore {
  lookUp(
    rows: readonly Pick<Seen, 'rowKey' | 'idKey'>[],
    inFlight: string,
  ): Promise<{ seenRows: ReadonlySet<string>; known: ReadonlyMap<string, KnownState> }>;
  recordPending(batch: string, inFlight: string, rows: readonly Seen[]): Promise<void>;
  windowRows(settled: number): Promise<number>;
  settle(batch: string, settled: number, settleMs: number): Promise<void>;
  observeHead(version: number, nowMs: number): Promise<void>;
  readHeads(nowMs: number, settleMs: number): Promise<{ version: number; atMs: number }[]>;
}

export interface ReaderOptions {
  readonly settleMs: number;
  readonly batchRowsMax: number;
  readonly overlapRowsMax: number;
  /** What the feed says of a row. */
  readonly meta: 'both' | 'version' | 'none';
  /** Whether the answer of a read has its version. */
  readonly currentHasMeta: boolean;
  /** Out of a hundred batches, so many are given up between read and commit. */
  readonly lossPercent: number;
  /** For the tests of the test: leaves out the note that an id was read when it had no version to note. */
  readonly forgetsReads?: boolean;
}

interface Delivery {
  readonly id: string;
  readonly state: ModelRow | undefined;
}

interface ModelBatch {
  readonly name: string;
  readonly range: VersionRange;
  readonly matured: number;
  readonly from: Positions;
  readonly deliveries: readonly Delivery[];
}

interface Positions {
  readonly settled: number;
  readonly delivered: number;
}

export class Violation extends Error {}

export class ModelReader {
  nowMs = 0;
  position: Positions = { settled: 0, delivered: 0 };
  requests = 0;
  /** What the target holds of each id. */
  readonly target = new Map<string, ModelRow>();
  readonly #source: ModelSource;
  readonly #store: WindowStore;
  readonly #options: ReaderOptions;
  readonly #random: Random;
  #width: number;
  #batches = 0;

  constructor(source: ModelSource, store: WindowStore, options: ReaderOptions, random: Random) {
    this.#source = source;
    this.#store = store;
    this.#options = options;
    this.#random = random;
    this.#width = 1 + random(12);
  }

  /** A tick that looks at the heads alone. */
  async poll(): Promise<void> {
    const version = this.#random(2) === 0 ? this.#source.head(this.nowMs) : this.#source.headOfAll(this.nowMs);
    await this.#store.observeHead(version, this.nowMs);
  }

  /** Drains the stream as the workflow does, with the next fetch beside a commit. Ends early where it breaks off. */
  async drain(breaks: boolean): Promise<boolean> {
    let batch = await this.#fetch(undefined);
    for (let round = 0; batch !== undefined; round++) {
      if (round > 2_000) throw new Violation('does not come to an end');
      this.#pass();
      const ahead = this.#random(2) === 0 ? await this.#fetch(batch) : undefined;
      this.#pass();
      if (breaks && this.#random(100) < this.#options.lossPercent) return false;
      await this.#commit(batch);
      if (breaks && this.#random(100) < this.#options.lossPercent) return false;
      batch = ahead ?? (await this.#fetch(undefined));
    }
    return true;
  }

  /** Time goes by within a fetch: mostly a little. */
  #pass(): void {
    const { settleMs } = this.#options;
    this.nowMs += this.#random(10) === 0 ? this.#random(2 * settleMs) : this.#random(ceil(settleMs / 20));
  }

  async #fetch(inFlight: ModelBatch | undefined): Promise<ModelBatch | undefined> {
    const { settleMs, overlapRowsMax } = this.#options;
    for (;;) {
      const at = inFlight === undefined ? this.position : advance(inFlight.from, inFlight.range, inFlight.matured);
      const head = this.#source.head(this.nowMs);
      this.requests += 1;
      await this.#store.observeHead(head, this.nowMs);
      const matured = maturedHead(await this.#store.readHeads(this.nowMs, settleMs), this.nowMs, settleMs);
      const next = nextRead(
        { ...at, windowRows: await this.#store.windowRows(at.settled) },
        head,
        matured,
        overlapRowsMax,
      );
      if (next.kind === 'source-restored') throw new Violation('takes the source for restored');
      if (next.kind === 'caught-up') return undefined;
      if (next.kind === 'sweep' && inFlight !== undefined) return undefined;
      const batch = await this.#read(next.range, matured, at, inFlight?.name ?? '');
      if (batch.deliveries.length > 0) return batch;
      if (inFlight !== undefined) return undefined;
      this.position = advance(this.position, batch.range, matured);
      await this.#store.settle('', this.position.settled, settleMs);
    }
  }

  async #read(range: VersionRange, matured: number, from: Positions, inFlight: string): Promise<ModelBatch> {
    const { batchRowsMax } = this.#options;
    const name = `batch-${String((this.#batches += 1))}`;
    const fresh: (ChangeRow & { readonly state: ModelRow })[] = [];
    const seen: Seen[] = [];
    const known = new Map<string, KnownState>();
    let { lo } = range;
    while (lo < range.hi && fresh.length < batchRowsMax / 2) {
      this.#pass();
      this.requests += 1;
      const hi = min(range.hi, lo + this.#width);
      const rows = this.#source.range(lo, hi, this.nowMs);
      if (hi - lo > 1 && rows.length > batchRowsMax - fresh.length) {
        this.#width = nextWidth(hi - lo, 'too-many', batchRowsMax);
        continue;
      }
      const keyed = rows.map((state) => ({ state, ...this.#keysOf(state, hi) }));
      const knowledge = await this.#store.lookUp(keyed, inFlight);
      const listed = new Set<string>();
      for (const { state, ...key } of keyed) {
        const row = this.#rowOf(state);
        const countable = row.version !== undefined;
        if (countable && (knowledge.seenRows.has(key.rowKey) || listed.has(key.rowKey))) continue;
        listed.add(key.rowKey);
        if (countable) seen.push(key);
        fresh.push(row);
        const before = knowledge.known.get(key.idKey);
        if (before !== undefined) known.set(row.id, before);
      }
      this.#width = nextWidth(max(this.#width, hi - lo), rows.length, batchRowsMax);
      lo = hi;
    }
    const deliveries = this.#newestStates(name, fresh, known, seen);
    await this.#store.recordPending(name, inFlight, seen);
    return { name, range: { lo: range.lo, hi: lo }, matured, from, deliveries };
  }

  #newestStates(
    batch: string,
    fresh: readonly (ChangeRow & { readonly state: ModelRow })[],
    known: ReadonlyMap<string, KnownState>,
    seen: Seen[],
  ): Delivery[] {
    const effects = netEffect(fresh, (id) => known.get(id), this.#options.settleMs);
    if (effects.some((effect) => effect.kind === 'read-current')) this.#pass();
    return effects.map((effect): Delivery => {
      if (effect.kind === 'take') return { id: effect.id, state: fresh[effect.row]?.state };
      const state = this.#source.current(effect.id, this.nowMs);
      if (state !== undefined && !state.deleted && this.#options.currentHasMeta) {
        const { version, lastUpdatedMs } = state;
        seen.push({ rowKey: `${effect.id}@${String(version)}`, idKey: effect.id, version, atMs: lastUpdatedMs });
      } else if (fresh.some((row) => row.id === effect.id && row.version !== undefined)) {
        // The state has no version that could be noted: what is known of it is when it was read.
        if (this.#options.forgetsReads !== true)
          seen.push({ rowKey: `${effect.id} by ${batch}`, idKey: effect.id, version: 0, atMs: this.nowMs });
      }
      return { id: effect.id, state };
    });
  }

  #rowOf(state: ModelRow): ChangeRow & { readonly state: ModelRow } {
    const { id, version, lastUpdatedMs } = state;
    const { meta } = this.#options;
    if (meta === 'none') return { id, state };
    return meta === 'version' ? { id, version, state } : { id, version, lastUpdatedMs, state };
  }

  #keysOf(state: ModelRow, hi: number): Seen {
    const row = this.#rowOf(state);
    const version = row.version ?? hi;
    return {
      rowKey: `${row.id}@${String(version)}`,
      idKey: row.id,
      version,
      atMs: row.lastUpdatedMs ?? 0,
    };
  }

  async #commit(batch: ModelBatch): Promise<void> {
    for (const { id, state } of batch.deliveries) {
      if (state === undefined) throw new Violation(`${id}: delivered what the source never had`);
      const before = this.target.get(id);
      if (before !== undefined && before.commitOrder > state.commitOrder)
        throw new Violation(`${id}: version ${String(state.version)} overwrites the newer ${String(before.version)}`);
      this.target.set(id, state);
    }
    this.position = advance(this.position, batch.range, batch.matured);
    await this.#store.settle(batch.name, this.position.settled, this.#options.settleMs);
  }

  /** Once the source is at rest and everything has settled, the target equals it. */
  checkEnd(): void {
    for (const id of this.#source.ids) {
      const wanted = this.#source.current(id, Infinity);
      const held = this.target.get(id);
      if (held?.version !== wanted?.version)
        throw new Violation(`${id}: version ${String(wanted?.version)} is lost, ${String(held?.version)} is there`);
    }
    const head = this.#source.head(Infinity);
    if (this.position.settled < head) throw new Violation(`settled stands at ${String(this.position.settled)}`);
  }
}

/** Runs a reader over a source's whole life, with polls, pauses and losses, and checks it. */
export async function runToRest(
  source: ModelSource,
  reader: ModelReader,
  settleMs: number,
  random: Random,
): Promise<void> {
  // Some readers begin when all is over, with heads observed long before or with none.
  reader.nowMs = random(3) === 0 ? random(source.endMs + 4 * settleMs) : random(12 * settleMs);
  if (random(2) === 0) await reader.poll();
  while (reader.nowMs < source.endMs) {
    if (random(4) === 0) await reader.poll();
    else await reader.drain(true);
    reader.nowMs += random(5) === 0 ? random(3 * settleMs) : random(ceil(settleMs / 3));
  }
  for (let rest = 0; rest < 3; rest++) {
    await reader.drain(false);
    reader.nowMs += settleMs;
  }
  await reader.drain(false);
  reader.checkEnd();
}
