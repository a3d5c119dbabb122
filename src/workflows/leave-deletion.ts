/**
 * Deletes what an instance has in the hub, in passes over its types, whatever refers to others first. A hub that keeps what
 * others refer to refuses some of them: those are tried again in the next pass. Where a pass gets nowhere, resources of
 * several types may hold each other: all that is left is tried in one batch. The end is a pass that finds nothing.
 */
import type { DenialReason, LeavingResult, StreamKey } from '../activities/contract.ts';
import { troubles } from '../sync/trouble.ts';
import type { LeaveFace } from './leave-face.ts';
import type { LeaveTries } from './leave-tries.ts';
import type { LeaveNeed } from './messages.ts';
import { authorize, commit, leavingBatch, stopStream } from './steps.ts';

/** What a pass came to. */
interface Pass {
  /** Refused by the hub, and still there. */
  held: number;
  /** Anything was staged to be deleted. */
  tried: boolean;
}

const allHeld: LeaveNeed = {
  code: 'still-referenced',
  means: 'The hub refuses to delete the rest: something of its own, or of another instance, refers to it.',
  cure: 'Have the hub’s administrator remove what refers to it, or delete it by the origin tag (docs/leaving.md), then `sluice leave` again.',
};

const denied = (reason: DenialReason): LeaveNeed => ({
  code: 'denied',
  means: `The hub does not allow the deletes (${reason}): its AidboxInstance has to allow the streams and the policy until the leaving is done.`,
  cure: 'Have the hub’s administrator allow them, or delete by the origin tag (docs/leaving.md). `sluice leave` again tries at once; with `--data keep` it goes on without.',
});

const stopAnew = (stream: StreamKey): Promise<void> =>
  stopStream.executeWithOptions({ summary: `${stream.type}: a new epoch` }, [{ stream }]);

export class LeaveDeletion {
  readonly #streams: readonly StreamKey[];
  readonly #face: LeaveFace;
  readonly #tries: LeaveTries;
  /** Called where no batch is in hand; may not return. */
  readonly #handOver: () => Promise<void>;

  constructor(streams: readonly StreamKey[], face: LeaveFace, tries: LeaveTries, handOver: () => Promise<void>) {
    this.#streams = streams;
    this.#face = face;
    this.#tries = tries;
    this.#handOver = handOver;
  }

  /** Ends when nothing is left, or when somebody chooses to keep the rest. */
  async run(): Promise<void> {
    while (this.#wanted()) {
      const before = this.#deleted();
      const pass = { held: 0, tried: false };
      for (const stream of this.#streams) await this.#drain(stream, [stream.type], pass);
      if (pass.held === 0 && !pass.tried) return;
      if (pass.held === 0 || this.#deleted() > before || !this.#wanted()) continue;
      await this.#together();
      if (this.#deleted() === before && this.#wanted()) await this.#tries.wait(allHeld);
    }
  }

  #wanted(): boolean {
    return this.#face.status.data === 'delete';
  }

  #deleted(): number {
    return Object.values(this.#face.status.deleted).reduce((sum, count) => sum + count, 0);
  }

  async #together(): Promise<void> {
    const [first] = this.#streams;
    if (first === undefined) return;
    const types = this.#streams.map(({ type }) => type);
    await this.#drain(first, types, { held: 0, tried: false });
  }

  /** Deletes what is there of some types, batch by batch, each resource tried once. */
  async #drain(stream: StreamKey, types: readonly string[], pass: Pass): Promise<void> {
    let again = true;
    while (this.#wanted()) {
      await this.#handOver();
      this.#face.enter('deleting', types.length === 1 ? stream.type : undefined);
      const found = await this.#next(stream, types, again);
      if (found === undefined) continue;
      this.#face.note({ deleted: found.deleted });
      again = false;
      if (found.kind === 'done') {
        pass.held += found.held;
        return;
      }
      pass.tried = true;
      await this.#carryOut(found);
    }
  }

  async #next(stream: StreamKey, types: readonly string[], again: boolean): Promise<LeavingResult | undefined> {
    const summary = `${types.length === 1 ? stream.type : 'all types'}: what is there of ours?`;
    const input = { stream, types, again };
    const found = await this.#tries.once(() => leavingBatch.executeWithOptions({ summary }, [input]));
    if ('value' in found) return found.value;
    const { kind, means, cure } = troubles[found.trouble];
    // Another policy since, or a hub that was restored: the stream's history counts for nothing here.
    const anew = kind === 'resync' ? await this.#tries.once(() => stopAnew(stream)) : found;
    if ('trouble' in anew) await this.#tries.wait({ code: found.trouble, means, cure }, found.trouble);
    return undefined;
  }

  /** Takes a batch through; where it does not get through, what is there is looked for anew. */
  async #carryOut({ batch }: Extract<LeavingResult, { kind: 'batch' }>): Promise<void> {
    const { stream } = batch;
    const summary = `${stream.type}: ${String(batch.deleted)} to be deleted, since the instance leaves`;
    const asked = await this.#tries.once(() =>
      authorize.executeWithOptions({ summary }, [{ stream, batch: batch.id }]),
    );
    if ('trouble' in asked) return this.#troubled(asked.trouble);
    if (!asked.value.allowed) return this.#tries.wait(denied(asked.value.reason));
    const done = await this.#tries.once(() => commit.executeWithOptions({ summary }, [{ batch }]));
    if ('trouble' in done) await this.#troubled(done.trouble);
  }

  #troubled(code: keyof typeof troubles): Promise<void> {
    const { means, cure } = troubles[code];
    return this.#tries.wait({ code, means, cure }, code);
  }
}
