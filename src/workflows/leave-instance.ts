/**
 * leaveInstance: an instance leaves the hub. Its streams end, its data in the hub is deleted or kept by choice, nothing that
 * was sealed or hashed for a live sync stays at the site, and all of it is recorded. Each step may be done again.
 */
import { continueAsNew, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow';

import type { LeaveRecord, StreamKey } from '../activities/contract.ts';
import { LeaveDeletion } from './leave-deletion.ts';
import { LeaveFace } from './leave-face.ts';
import { LeaveTries } from './leave-tries.ts';
import { keepSignal, type LeaveInput, leaveSignal, leaveStatusQuery, retrySignal, syncWorkflowId } from './messages.ts';
import { beginLeave, finishLeave, forgetLive, noteLeft, stopStream } from './steps.ts';

export async function leaveInstance(input: LeaveInput): Promise<LeaveRecord> {
  return new Leaving(input).run();
}

class Leaving {
  readonly #input: LeaveInput;
  readonly #face: LeaveFace;
  readonly #tries: LeaveTries;

  constructor(input: LeaveInput) {
    this.#input = input;
    this.#face = new LeaveFace(input);
    this.#tries = new LeaveTries(this.#face);
    setHandler(leaveStatusQuery, () => this.#face.status);
    setHandler(retrySignal, () => {
      this.#tries.told += 1;
    });
    setHandler(keepSignal, () => {
      this.#face.note({ data: 'keep' });
      this.#tries.told += 1;
    });
  }

  async run(): Promise<LeaveRecord> {
    const streams = this.#input.carried?.streams ?? (await this.#stopAll());
    if (this.#face.status.data === 'delete') await this.#delete(streams);
    this.#face.enter('clearing');
    await this.#clear('clear what only a live sync needs');
    const unnoted = await this.#noteAll(streams);
    this.#face.enter('finishing');
    const { data } = this.#face.status;
    const record = await this.#tries.insist(() =>
      finishLeave.executeWithOptions({ summary: `left: data ${data}` }, [{ data, unnoted }]),
    );
    const { deleted, unnoted: untold, keys } = record;
    this.#face.note({ deleted, unnoted: untold, keys });
    this.#face.enter('left');
    return record;
  }

  /** From the first step on nothing new is begun, by whichever worker; then what is in hand ends. */
  async #stopAll(): Promise<readonly StreamKey[]> {
    const { instance } = this.#input;
    const run = workflowInfo().firstExecutionRunId;
    const { data } = this.#input;
    const summary = `${instance} begins to leave`;
    const begun = await this.#tries.insist(() => beginLeave.executeWithOptions({ summary }, [{ run, data }]));
    // What was deleted before cannot be kept; what somebody has chosen meanwhile stands.
    if (begun.data !== data) this.#face.note({ data: begun.data });
    for (const { direction, type } of begun.streams) await tell(syncWorkflowId(instance, direction, type));
    const gone = new Set<StreamKey['direction']>();
    for (const stream of begun.streams) await this.#stop(stream, gone);
    this.#face.enter('clearing');
    // Before anything is deleted: what is parked must not be released by it.
    await this.#clear('clear what waits at the site');
    return begun.streams;
  }

  async #clear(summary: string): Promise<void> {
    await this.#tries.insist(() => forgetLive.executeWithOptions({ summary }, []));
  }

  /** @param gone - directions whose target does not answer: no other stream has to find that out again */
  async #stop(stream: StreamKey, gone: Set<StreamKey['direction']>): Promise<void> {
    this.#face.enter('stopping', stream.type);
    const summary = `${stream.type} ${stream.direction}: no more of it`;
    // A target that only has to hear of it may be gone already.
    const optional = (): boolean => stream.direction === 'down' || this.#face.status.data === 'keep';
    const step = (): Promise<void> => stopStream.executeWithOptions({ summary }, [{ stream }]);
    const known = optional() && gone.has(stream.direction);
    if (!known && (await this.#tries.unless(optional, step))) return;
    gone.add(stream.direction);
    await this.#tries.insist(() => stopStream.executeWithOptions({ summary }, [{ stream, offline: true }]));
  }

  async #delete(streams: readonly StreamKey[]): Promise<void> {
    const up = streams.filter(({ direction }) => direction === 'up');
    const deletion = new LeaveDeletion(up, this.#face, this.#tries, async () => {
      if (!workflowInfo().continueAsNewSuggested) return;
      const { data, deleted } = this.#face.status;
      await continueAsNew<typeof leaveInstance>({ ...this.#input, data, carried: { streams, deleted } });
    });
    await deletion.run();
  }

  /** Has each cursor say it. Returns the streams whose target could not be told. */
  async #noteAll(streams: readonly StreamKey[]): Promise<string[]> {
    const unnoted: string[] = [];
    const gone = new Set<StreamKey['direction']>();
    for (const stream of streams) {
      this.#face.enter('noting', stream.type);
      const { data } = this.#face.status;
      const summary = `${stream.type} ${stream.direction}: the cursor says so`;
      const always = (): boolean => true;
      const step = (): Promise<void> => noteLeft.executeWithOptions({ summary }, [{ stream, data }]);
      if (!gone.has(stream.direction) && (await this.#tries.unless(always, step))) continue;
      gone.add(stream.direction);
      unnoted.push(`${stream.direction} ${stream.type}`);
    }
    return unnoted;
  }
}

/** A stream that is not open has nothing in hand. */
async function tell(workflowId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(leaveSignal);
  } catch {
    // Not open: and what is started from now on is refused.
  }
}
