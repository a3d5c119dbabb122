/**
 * A model of streams that commit side by side into a target that refuses dangling references: the steps of
 * `src/activities/commit`, one transaction of the state at a time, so that they can be interleaved at will.
 */
import type { Database } from '../../src/state/database.ts';
import { forgetInLedger, readLedger, writeLedger } from '../../src/state/ledger.ts';
import { noteArrived, park, parkedBy, readParked, releaseClaims, removeParked } from '../../src/state/parked.ts';
import { resolveReferences } from '../../src/state/resolve-references.ts';
import { planBundles } from '../../src/sync/bundles.ts';

/** A state of a resource: its number grows with each state of any resource. */
export interface Op {
  readonly key: string;
  readonly version: number;
  /** `undefined` for a delete. */
  readonly needs: readonly string[] | undefined;
}

export class Violation extends Error {}

/** A target that enforces references at each write, as Aidbox does, but not at a delete. */
export class ModelTarget {
  readonly held = new Map<string, Op>();
  /** Newest state that was ever written or deleted, by key. */
  readonly newest = new Map<string, number>();
  refusals = 0;

  /** One transaction. Gives back what is missing, and changes nothing then. */
  write(ops: readonly Op[]): string[] {
    const offered = new Set(ops.map(({ key }) => key));
    const missing = ops.flatMap(({ needs }) =>
      (needs ?? []).filter((need) => !offered.has(need) && !this.held.has(need)),
    );
    if (missing.length > 0) {
      this.refusals += 1;
      return missing;
    }
    for (const op of ops) {
      if ((this.newest.get(op.key) ?? 0) > op.version) throw new Violation(`${op.key} goes backwards`);
      this.newest.set(op.key, op.version);
      if (op.needs === undefined) this.held.delete(op.key);
      else this.held.set(op.key, op);
    }
    return [];
  }
}

interface Plan {
  readonly label: string;
  readonly ops: readonly Op[];
  readonly transactions: readonly (readonly Op[])[];
}

const digestOf = (op: Op): string => (op.needs === undefined ? '' : String(op.version));
const contentOf = (op: Op): Uint8Array => Buffer.from(JSON.stringify(op));
const opOf = (content: Uint8Array): Op => JSON.parse(Buffer.from(content).toString()) as Op;

/** One stream with its batches. Each step is what happens between two moments at which another may come in. */
export class ModelStream {
  readonly #db: Database;
  readonly #target: ModelTarget;
  readonly #name: string;
  readonly #batches: (readonly Op[])[];
  #attempt = 0;
  #round = 0;
  #plan: Plan | undefined;
  #sent = 0;

  constructor(db: Database, target: ModelTarget, name: string, batches: readonly (readonly Op[])[]) {
    this.#db = db;
    this.#target = target;
    this.#name = name;
    this.#batches = [...batches];
  }

  get done(): boolean {
    return this.#batches.length === 0;
  }

  /** Does the next step; `mishap` says what goes wrong with it. Gives back whether anything moved. */
  async step(mishap: 'none' | 'crash' | 'give-up'): Promise<boolean> {
    if (this.#plan === undefined) {
      const plan = await this.#resolve();
      if (plan === 'claimed') return false;
      // A crash before the plan was staged: the same label is resolved again.
      if (mishap === 'crash') return true;
      this.#plan = plan;
      this.#sent = 0;
      return true;
    }
    const { label, transactions } = this.#plan;
    // Given up before anything was sent: of what was sent and never noted, the state knows nothing.
    if (mishap === 'give-up' && this.#sent === 0) {
      // The batch is read again under another name; a release round has nothing that could be read again.
      await releaseClaims(this.#db, label);
      this.#plan = undefined;
      if (this.#round === 0) this.#attempt += 1;
      else this.#batchDone();
      return true;
    }
    // A crash while sending changes nothing: fences tell the next attempt what was applied.
    const transaction = transactions[this.#sent];
    if (transaction !== undefined) {
      await this.#send(label, transaction);
      this.#sent += 1;
      return true;
    }
    await this.#finish(this.#plan);
    this.#plan = undefined;
    this.#round += 1;
    return true;
  }

  #batchDone(): void {
    this.#batches.shift();
    this.#round = 0;
  }

  async #resolve(): Promise<Plan | 'claimed' | undefined> {
    const batch = this.#round === 0 ? (this.#batches[0] ?? []) : [];
    const base = `${this.#name}${String(this.#batches.length)}-${String(this.#attempt)}`;
    const label = this.#round === 0 ? base : `${base}-r${String(this.#round)}`;
    const ledger = await readLedger(
      this.#db,
      'up',
      batch.map(({ key }) => key),
    );
    const unchanged = batch.filter((op) => ledger.get(op.key)?.digest === digestOf(op));
    const changed = batch.filter((op) => !unchanged.includes(op));
    const puts = changed.filter(({ needs }) => needs !== undefined);
    const deletes = changed.filter(({ needs }) => needs === undefined);
    const resolution = await this.#db.transaction().execute((tx) =>
      resolveReferences(tx, {
        direction: 'up',
        batch: label,
        outdates: [],
        candidates: puts.map((op) => ({
          key: op.key,
          needs: op.needs ?? [],
          digest: digestOf(op),
          bytes: 10,
          sealedContent: () => contentOf(op),
        })),
        superseded: [...unchanged, ...deletes].map(({ key }) => key),
        nowMs: 0,
        parkedCountMax: 1_000,
      }),
    );
    if (resolution === 'claimed') return 'claimed';
    if (resolution === 'full') throw new Violation('full');
    const released = await readParked(
      this.#db,
      'up',
      resolution.released.map(({ key }) => key),
    );
    const ops = [
      ...puts.filter(({ key }) => resolution.ready.has(key)),
      ...[...released.values()].map(opOf),
      ...deletes,
    ];
    if (this.#round > 0 && ops.length === 0) {
      this.#batchDone();
      return undefined;
    }
    const needsOf = new Map(resolution.released.map(({ key, needs }) => [key, needs]));
    const items = ops.map((op) => ({
      key: op.key,
      method: op.needs === undefined ? ('DELETE' as const) : ('PUT' as const),
      needs: needsOf.get(op.key) ?? op.needs ?? [],
      bytes: 10,
    }));
    const { bundles } = planBundles(items, { entriesMax: 2, bytesMax: 1_000_000 });
    const inOrder = [...bundles].sort((a, b) => a.level - b.level);
    // Each set by itself: what a server refuses is bisected down to it.
    const transactions = inOrder.flatMap(({ sets }) => sets.map((set) => set.flatMap((index) => ops[index] ?? [])));
    return { label, ops, transactions };
  }

  async #send(batch: string, ops: readonly Op[]): Promise<void> {
    const left = new Set(await parkedBy(this.#db, 'up', batch));
    if (ops.some(({ key }) => left.has(key))) return;
    const missing = this.#target.write(ops);
    if (missing.length === 0) return;
    const candidates = ops.map((op) => ({
      key: op.key,
      needs: missing,
      digest: digestOf(op),
      bytes: 10,
      sealedContent: () => contentOf(op),
    }));
    await this.#db.transaction().execute((tx) => park(tx, { direction: 'up', batch, nowMs: 0 }, candidates));
    await forgetInLedger(this.#db, 'up', missing);
  }

  async #finish({ label, ops }: Plan): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const left = new Set(await parkedBy(tx, 'up', label));
      const done = ops.filter(({ key }) => !left.has(key));
      const puts = done.filter(({ needs }) => needs !== undefined).map(({ key }) => key);
      await writeLedger(
        tx,
        'up',
        done.map((op) => ({ key: op.key, digest: digestOf(op), epoch: 1 })),
      );
      await removeParked(
        tx,
        'up',
        done.map(({ key }) => key),
      );
      await releaseClaims(tx, label);
      await noteArrived(tx, 'up', puts);
    });
  }
}
