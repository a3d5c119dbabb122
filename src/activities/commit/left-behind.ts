/**
 * What a commit cannot bring: parked, since the target misses what it refers to, or quarantined, since the target refuses it.
 * What needs it stays behind as well.
 */
import { forgetInLedger } from '../../state/ledger.ts';
import { park, parkedBy, removeParked } from '../../state/parked.ts';
import { readParkedMarks } from '../../state/parked-marks.ts';
import { putInQuarantine, quarantinedBy, releaseFromQuarantine } from '../../state/quarantine.ts';
import { splitLabel } from '../../sync/commit-label.ts';
import { putLine } from '../../threads/lines.ts';
import type { Parts } from '../parts.ts';
import { quarantineEntry } from '../quarantined.ts';
import { breakerCheck } from './breaker.ts';
import type { Contents } from './contents.ts';
import { parkedContext } from './contexts.ts';
import { type CommitPlan, type PlannedWrite, type Sets, writeAt, writesOf } from './planned.ts';
import { noteWanted } from './wanted.ts';

export class LeftBehind {
  readonly #input: { readonly parts: Parts; readonly plan: CommitPlan; readonly contents: Contents };
  /** Keys that this commit does not bring: what needs them cannot go either. */
  readonly #failed = new Set<string>();
  /** Keys that an earlier attempt of this commit parked or quarantined. */
  readonly #left = new Map<string, 'parked' | 'quarantined'>();
  #quarantined = 0;

  constructor(input: { readonly parts: Parts; readonly plan: CommitPlan; readonly contents: Contents }) {
    this.#input = input;
  }

  /** Reads what earlier attempts of this commit left behind. */
  async readEarlier(): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    for (const key of await parkedBy(parts.db, direction, plan.label)) this.#left.set(key, 'parked');
    for (const key of await quarantinedBy(parts.db, direction, plan.label)) this.#left.set(key, 'quarantined');
  }

  /** A bundle that an earlier attempt got through: without what it had to leave behind. */
  recall(sets: Sets): void {
    for (const { key } of writesOf(this.#input.plan, sets)) if (this.#left.has(key)) this.#failed.add(key);
  }

  /** What an earlier attempt left behind has been accepted from this one: it neither waits nor is it refused. */
  async noteAccepted(sets: Sets): Promise<void> {
    if (this.#left.size === 0) return;
    const accepted = writesOf(this.#input.plan, sets).flatMap(({ key }) => (this.#left.has(key) ? [key] : []));
    // What is quarantined and parked was released: it stays claimed until the commit is noted.
    const parked = accepted.filter((key) => this.#left.get(key) === 'parked');
    for (const key of accepted) this.#left.delete(key);
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    await parts.db.transaction().execute(async (tx) => {
      await removeParked(tx, direction, parked);
      await releaseFromQuarantine(tx, direction, accepted);
    });
  }

  /** A put as a staged line, with its mark of the leak guard. */
  async #lineOf(write: PlannedWrite): Promise<Buffer> {
    const { parts, plan } = this.#input;
    const json = Buffer.from(await this.#input.contents.contentOf(write)).toString('utf8');
    const parked = await readParkedMarks(parts.db, plan.stream.direction, write.at === undefined ? [write.key] : []);
    const mark = (await this.#input.contents.markOf(write)) ?? parked.get(write.key) ?? undefined;
    return Buffer.from(putLine(json, mark && Buffer.from(mark)).trimEnd());
  }

  /** The sets that need nothing that failed; the others are parked until it comes. */
  async withoutFailed(sets: Sets): Promise<Sets> {
    if (this.#failed.size === 0) return sets;
    const sendable: (readonly number[])[] = [];
    for (const set of sets) {
      const writes = set.map((index) => writeAt(this.#input.plan, index));
      if (writes.some((write) => this.#failed.has(write.key))) continue;
      const needs = writes.flatMap((write) => write.needs.filter((need) => this.#failed.has(need)));
      if (needs.length === 0) sendable.push(set);
      else await this.#park(set, needs);
    }
    return sendable;
  }

  /** Parks the sets that refer to what the target misses. The references are looked for in the JSON itself. */
  async parkWaiting(sets: Sets, missing: readonly string[]): Promise<number[]> {
    const parked: number[] = [];
    const needles = missing.map((key) => ({ key, text: Buffer.from(`"${key}"`) }));
    for (const set of sets) {
      const needs = new Set<string>();
      for (const index of set) {
        const write = writeAt(this.#input.plan, index);
        if (write.method === 'DELETE') continue;
        const content = Buffer.from(await this.#input.contents.contentOf(write));
        for (const { key, text } of needles) if (content.includes(text)) needs.add(key);
      }
      if (needs.size === 0) continue;
      await this.#park(set, [...needs]);
      parked.push(...set);
    }
    const { parts, plan } = this.#input;
    // What the ledger believed to be there is not: the next state of it has to be written again.
    const ours = new Set(plan.writes.map((write) => write.key));
    const gone = missing.filter((key) => !ours.has(key));
    if (parked.length > 0) {
      await forgetInLedger(parts.db, plan.stream.direction, gone);
      // No feed brings it again: it has not changed at the source.
      const [id] = splitLabel(plan.label);
      await noteWanted(parts, { id, stream: plan.stream }, gone);
    }
    return parked;
  }

  async #park(set: readonly number[], needs: readonly string[]): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    const absent = new Set([...needs, ...this.#failed]);
    const members = new Set(set.map((index) => writeAt(this.#input.plan, index).key));
    const candidates = await Promise.all(
      set.map(async (index) => {
        const { key, digest, needs: own } = writeAt(this.#input.plan, index);
        const content = await this.#input.contents.contentOf(writeAt(this.#input.plan, index));
        const sealedContent = (): Uint8Array => parts.sealer.seal(content, parkedContext(direction, key));
        const mark = await this.#input.contents.markOf(writeAt(this.#input.plan, index));
        // Each waits for what it needs itself: what is absent, the other members of its set, and what the target misses,
        // be that what it was parked with once and had met.
        const text = Buffer.from(content);
        const named = needs.filter((need) => text.includes(`"${need}"`));
        const waitsFor = [...new Set([...own.filter((need) => absent.has(need) || members.has(need)), ...named])];
        return {
          key,
          digest,
          needs: waitsFor.length > 0 ? waitsFor : needs,
          bytes: content.length,
          sealedContent,
          mark: () => mark,
        };
      }),
    );
    await parts.db
      .transaction()
      .execute((tx) => park(tx, { direction, batch: plan.label, nowMs: parts.now() }, candidates));
    for (const { key } of candidates) this.#failed.add(key);
  }

  /** Quarantines a set that the target refuses; too many of a batch end it. */
  async quarantine(set: readonly number[], status: number): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    this.#quarantined += set.length;
    if (plan.own === undefined) breakerCheck(parts.limits, this.#quarantined, plan.writes.length);
    const entries = await Promise.all(
      set.map(async (index) => {
        const write = writeAt(this.#input.plan, index);
        const refused = { key: write.key, status, batch: plan.label };
        if (write.method === 'DELETE') {
          // A target that keeps what others refer to says so by a conflict that no other attempt has caused.
          const reason = status === 409 ? 'still-referenced' : 'target-refused';
          return quarantineEntry(parts.sealer, direction, { ...refused, reason, form: 'delete', content: Buffer.of() });
        }
        const content = await this.#lineOf(write);
        return quarantineEntry(parts.sealer, direction, {
          ...refused,
          reason: 'target-refused',
          form: 'clean',
          content,
        });
      }),
    );
    const keys = entries.map((entry) => entry.key);
    // A released one stays parked and claimed until the commit is noted, so that no newer state gets in between.
    await putInQuarantine(parts.db, direction, entries, parts.now());
    for (const key of keys) this.#failed.add(key);
  }
}
