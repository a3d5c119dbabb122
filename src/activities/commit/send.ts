/**
 * Sends a plan's transactions: levels one after the other, bundles of a level in flight together, the cursor with
 * the last. What the target refuses is parked (a missing reference) or bisected to its culprit and quarantined.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CommitTarget } from '../../fhir/server.ts';
import { fixedLimits } from '../../limits.ts';
import { forgetInLedger } from '../../state/ledger.ts';
import { park, parkedBy, removeParked } from '../../state/parked.ts';
import { readParkedMarks } from '../../state/parked-marks.ts';
import { putInQuarantine, quarantinedBy, releaseFromQuarantine } from '../../state/quarantine.ts';
import { assertInTime, cancelSignal, heartbeat, onSide, TroubleError } from '../failures.ts';
import { putLine } from '../../threads/lines.ts';
import type { Parts } from '../parts.ts';
import { quarantineEntry } from '../quarantined.ts';
import { breakerCheck } from './breaker.ts';
import { parkedContext } from './contexts.ts';
import type { Contents } from './contents.ts';
import type { Fence } from './fence.ts';
import type { CommitPlan, PlannedWrite } from './planned.ts';

type Sets = readonly (readonly number[])[];

export interface SendInput {
  readonly parts: Parts;
  readonly target: CommitTarget;
  readonly plan: CommitPlan;
  readonly fence: Fence;
  readonly contents: Contents;
}

/** How a plan was sent. */
export interface Sent {
  /** Transactions that were posted. */
  readonly posted: number;
  /** The target's version of what was written, by key; without those of a lost answer, or of an earlier attempt's. */
  readonly versions: ReadonlyMap<string, string>;
}

/** Sends a plan. */
export async function sendPlan(input: SendInput): Promise<Sent> {
  const sender = new Sender(input);
  await sender.all();
  return sender;
}

class Sender implements Sent {
  posted = 0;
  readonly versions = new Map<string, string>();
  readonly #input: SendInput;
  /** Keys that this commit does not bring: what needs them cannot go either. */
  readonly #failed = new Set<string>();
  /** Keys that an earlier attempt of this commit parked or quarantined. */
  readonly #left = new Map<string, 'parked' | 'quarantined'>();
  #quarantined = 0;

  constructor(input: SendInput) {
    this.#input = input;
  }

  async all(): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    for (const key of await parkedBy(parts.db, direction, plan.label)) this.#left.set(key, 'parked');
    for (const key of await quarantinedBy(parts.db, direction, plan.label)) this.#left.set(key, 'quarantined');
    const lastBundle = Math.max(0, plan.bundles.length - 1);
    const inFront = plan.bundles.map((bundle, index) => ({ ...bundle, index })).slice(0, lastBundle);
    for (const level of new Set(inFront.map((bundle) => bundle.level))) {
      const bundles = inFront.filter((bundle) => bundle.level === level);
      const byLane = Map.groupBy(bundles, (bundle) => bundle.index % plan.lanes);
      await Promise.all(
        [...byLane.values()].map(async (lane) => {
          for (const bundle of lane) {
            await this.#send(bundle.sets, bundle.index, false);
          }
        }),
      );
    }
    await this.#send(plan.bundles[lastBundle]?.sets ?? [], lastBundle, true);
  }

  /** Sends some sets as one transaction; `upTo` is the end of a piece among its bundle's sets, absent for what completes the bundle. */
  async #send(sets: Sets, bundle: number, last: boolean, upTo?: number): Promise<void> {
    const { fence } = this.#input;
    const carriesCursor = last && upTo === undefined;
    for (let attempt = 1; ; attempt++) {
      // An earlier attempt of this commit may have come as far, or another meanwhile.
      if (!last && fence.isApplied(bundle)) {
        this.#recall(sets);
        return;
      }
      const sendable = await this.#withoutFailed(this.#withoutSent(sets, bundle));
      // What completes a bundle goes out even if nothing is left in it: its fence has to be taken.
      if (sendable.length === 0 && upTo !== undefined) return;
      const answer = await this.#post(sendable, bundle, upTo);
      if (answer.kind === 'done') {
        this.#noteVersions(sendable, fence.entries(bundle, upTo).length, answer.versions);
        await this.#noteAccepted(sendable);
        if (!carriesCursor) await fence.passed(bundle, upTo);
        return;
      }
      if (answer.status === 409 || answer.status === 412) {
        if ((await fence.judge(bundle)) === 'applied') return;
        // The fence stands: a serialization conflict, which goes away by itself; a 409 that stays is the content's.
        if (attempt < fixedLimits.conflictAttemptsMax) {
          await pause(attempt * (20 + Math.random() * 60));
          continue;
        }
        if (answer.status === 412) throw new TroubleError('target-conflict');
      }
      // Whoever has lost must not draw conclusions from a refusal.
      else if ((await fence.judge(bundle)) === 'applied') return;
      return this.#refused(sendable, bundle, last, upTo, answer);
    }
  }

  /** Without what the bundle's pieces have brought to the target. */
  #withoutSent(sets: Sets, bundle: number): Sets {
    const sent = this.#input.fence.setsSent(bundle);
    if (sent === 0) return sets;
    const through = new Set(this.#input.plan.bundles[bundle]?.sets.slice(0, sent));
    this.#recall(sets.filter((set) => through.has(set)));
    return sets.filter((set) => !through.has(set));
  }

  /** @param inFront - entries of the fence, which come first */
  #noteVersions(sets: Sets, inFront: number, versions: readonly string[]): void {
    const writes = this.#writesOf(sets);
    if (versions.length !== inFront + writes.length) return;
    for (const [at, { key, method }] of writes.entries()) {
      const version = versions[inFront + at] ?? '';
      if (method === 'PUT' && version !== '') this.versions.set(key, version);
    }
  }

  /** A bundle that an earlier attempt got through: without what it had to leave behind. */
  #recall(sets: Sets): void {
    for (const { key } of this.#writesOf(sets)) if (this.#left.has(key)) this.#failed.add(key);
  }

  /** What an earlier attempt left behind has been accepted from this one: it neither waits nor is it refused. */
  async #noteAccepted(sets: Sets): Promise<void> {
    if (this.#left.size === 0) return;
    const accepted = this.#writesOf(sets).flatMap(({ key }) => (this.#left.has(key) ? [key] : []));
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

  #writesOf(sets: Sets): PlannedWrite[] {
    return sets.flat().map((index) => this.#write(index));
  }

  async #refused(
    sets: Sets,
    bundle: number,
    last: boolean,
    upTo: number | undefined,
    answer: { status: number; missing: readonly string[] },
  ): Promise<void> {
    const waiting = answer.missing.length === 0 ? [] : await this.#parkWaiting(sets, answer.missing);
    if (waiting.length > 0) return this.#send(sets, bundle, last, upTo);
    // Not even the cursor alone: it is not the data that is refused.
    if (sets.length === 0) throw new TroubleError('target-refuses');
    if (sets.length === 1) {
      await this.#quarantine(sets[0] ?? [], answer.status);
      return this.#send([], bundle, last, upTo);
    }
    const half = Math.ceil(sets.length / 2);
    const first = sets.slice(0, half);
    await this.#send(first, bundle, last, this.#endOf(first, bundle));
    await this.#send(sets.slice(half), bundle, last, upTo);
  }

  /** Where a piece ends among its bundle's sets. */
  #endOf(piece: Sets, bundle: number): number {
    const lastSet = piece.at(-1);
    return (this.#input.plan.bundles[bundle]?.sets.findIndex((set) => set === lastSet) ?? -1) + 1;
  }

  async #post(sets: Sets, bundle: number, upTo: number | undefined): ReturnType<CommitTarget['transaction']> {
    const { target, fence } = this.#input;
    const body = await this.#bundle(sets, fence.entries(bundle, upTo));
    heartbeat({ bundlesPosted: this.posted, bundlesPlanned: this.#input.plan.bundles.length });
    assertInTime();
    this.posted += 1;
    return onSide('target', () => target.transaction(body, cancelSignal()));
  }

  async #bundle(sets: Sets, fenceEntries: readonly string[]): Promise<Buffer> {
    const pieces: Uint8Array[] = [Buffer.from('{"resourceType":"Bundle","type":"transaction","entry":[')];
    let separator = '';
    // First of all: whoever has lost hears that, and nothing about the data.
    for (const fenceEntry of fenceEntries) {
      pieces.push(Buffer.from(separator + fenceEntry));
      separator = ',';
    }
    for (const set of sets) {
      const urns = this.#urnsOf(set);
      for (const index of set) {
        pieces.push(Buffer.from(separator), ...(await this.#entry(this.#write(index), urns)));
        separator = ',';
      }
    }
    pieces.push(Buffer.from(']}'));
    return Buffer.concat(pieces);
  }

  async #entry(write: PlannedWrite, urns: ReadonlyMap<string, string>): Promise<Uint8Array[]> {
    const request = `"request":${JSON.stringify({ method: write.method, url: write.key })}}`;
    if (write.method === 'DELETE') return [Buffer.from(`{${request}`)];
    const urn = urns.get(write.key);
    const fullUrl = urn === undefined ? '' : `"fullUrl":"${urn}",`;
    const content = withUrns(await this.#input.contents.contentOf(write), urns);
    return [Buffer.from(`{${fullUrl}"resource":`), content, Buffer.from(`,${request}`)];
  }

  /**
   * Members of a set refer to each other, one of them to a later entry. Whether a server finds that one by `Type/id`
   * is open; by the `urn:uuid` of its `fullUrl` it has to (FHIR R4, 3.1.0.11.2).
   */
  #urnsOf(set: readonly number[]): ReadonlyMap<string, string> {
    if (set.length < 2) return new Map();
    return new Map(set.map((index) => [this.#write(index).key, `urn:uuid:${randomUUID()}`]));
  }

  /** A put as a staged line, with its mark of the leak guard. */
  async #lineOf(write: PlannedWrite): Promise<Buffer> {
    const { parts, plan } = this.#input;
    const json = Buffer.from(await this.#input.contents.contentOf(write)).toString('utf8');
    const parked = await readParkedMarks(parts.db, plan.stream.direction, write.at === undefined ? [write.key] : []);
    const mark = (await this.#input.contents.markOf(write)) ?? parked.get(write.key) ?? undefined;
    return Buffer.from(putLine(json, mark && Buffer.from(mark)).trimEnd());
  }

  #write(index: number): PlannedWrite {
    const write = this.#input.plan.writes[index];
    if (write === undefined) throw new TroubleError('unexpected');
    return write;
  }

  /** The sets that need nothing that failed; the others are parked until it comes. */
  async #withoutFailed(sets: Sets): Promise<Sets> {
    if (this.#failed.size === 0) return sets;
    const sendable: (readonly number[])[] = [];
    for (const set of sets) {
      const writes = set.map((index) => this.#write(index));
      if (writes.some((write) => this.#failed.has(write.key))) continue;
      const needs = writes.flatMap((write) => write.needs.filter((need) => this.#failed.has(need)));
      if (needs.length === 0) sendable.push(set);
      else await this.#park(set, needs);
    }
    return sendable;
  }

  /** Parks the sets that refer to what the target misses. The references are looked for in the JSON itself. */
  async #parkWaiting(sets: Sets, missing: readonly string[]): Promise<number[]> {
    const parked: number[] = [];
    const needles = missing.map((key) => ({ key, text: Buffer.from(`"${key}"`) }));
    for (const set of sets) {
      const needs = new Set<string>();
      for (const index of set) {
        const write = this.#write(index);
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
    if (parked.length > 0) await forgetInLedger(parts.db, plan.stream.direction, gone);
    return parked;
  }

  async #park(set: readonly number[], needs: readonly string[]): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    const absent = new Set([...needs, ...this.#failed]);
    const members = new Set(set.map((index) => this.#write(index).key));
    const candidates = await Promise.all(
      set.map(async (index) => {
        const { key, digest, needs: own } = this.#write(index);
        const content = await this.#input.contents.contentOf(this.#write(index));
        const sealedContent = (): Uint8Array => parts.sealer.seal(content, parkedContext(direction, key));
        const mark = await this.#input.contents.markOf(this.#write(index));
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

  async #quarantine(set: readonly number[], status: number): Promise<void> {
    const { parts, plan } = this.#input;
    const { direction } = plan.stream;
    this.#quarantined += set.length;
    if (plan.own === undefined) breakerCheck(parts.limits, this.#quarantined, plan.writes.length);
    const entries = await Promise.all(
      set.map(async (index) => {
        const write = this.#write(index);
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

/** Waits, unless the worker is told to stop: then the batch is given back. */
async function pause(ms: number): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: cancelSignal() });
  } catch {
    throw new TroubleError('given-back');
  }
}

/** The JSON with references to members of its set by their `urn:uuid`. Our own JSON, so its spelling is known. */
function withUrns(content: Uint8Array, urns: ReadonlyMap<string, string>): Uint8Array {
  if (urns.size === 0) return content;
  const text = Buffer.from(content).toString('utf8');
  return Buffer.from(
    text.replaceAll(/"reference":"([^"\\]+)"/g, (whole, key: string) => {
      const urn = urns.get(key);
      return urn === undefined ? whole : `"reference":"${urn}"`;
    }),
  );
}
