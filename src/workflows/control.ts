/** What people tell a stream: the signals, and the waits that they end. */
import { condition, setHandler } from '@temporalio/workflow';

import type { TroubleCode } from '../sync/trouble.ts';
import { troubles } from '../sync/trouble.ts';
import type { Face } from './face.ts';
import {
  leaveSignal,
  pauseSignal,
  resumeSignal,
  resyncSignal,
  retrySignal,
  statusQuery,
  type SyncInput,
  wakeSignal,
} from './messages.ts';
import { waitSeconds } from './steps.ts';

export class Control {
  /** A resync was asked for and has not begun. */
  resync: boolean;
  /** Whoever asked for it has said that the source may have far less than the target holds. */
  acceptFewer: boolean;
  /** Somebody wants one more look before this run completes. */
  wake = false;
  /** The instance leaves the hub: this run ends as soon as it can. */
  left = false;
  #paused: boolean;
  /** How often somebody said `retry` or `resync`. */
  #told = 0;
  #toldRetry = 0;
  readonly #face: Face;

  constructor(input: SyncInput, face: Face) {
    this.#face = face;
    this.#paused = input.carried?.paused ?? false;
    this.resync = input.carried?.resync ?? false;
    this.acceptFewer = input.carried?.acceptFewer ?? false;
    setHandler(pauseSignal, () => {
      this.#setPaused(true);
    });
    setHandler(resumeSignal, () => {
      this.#setPaused(false);
    });
    setHandler(resyncSignal, (order) => {
      this.resync = true;
      this.acceptFewer = order?.acceptFewer ?? false;
      this.#told += 1;
    });
    setHandler(retrySignal, () => {
      this.#told += 1;
      this.#toldRetry += 1;
    });
    setHandler(wakeSignal, () => {
      this.wake = true;
    });
    setHandler(leaveSignal, () => {
      this.left = true;
    });
    setHandler(statusQuery, () => face.status);
  }

  get paused(): boolean {
    return this.#paused;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#face.note({ paused });
  }

  /** Holds while paused. Nothing but `resume` ends a pause (not a resync, not a retry), or the end of it all. */
  async untilResumed(): Promise<void> {
    if (!this.#paused || this.left) return;
    this.#face.enter('paused');
    await condition(() => !this.#paused || this.left);
  }

  /**
   * Waits after a trouble: a transient one for a while, an operator's until it is told to retry (and looks by itself
   * now and then, since whoever mends the cause may not think of us), the others until it is told.
   * @param times - how often in a row, from 1
   * @param step - what the trouble came from
   * @returns `retry` where somebody said so meanwhile
   */
  async afterTrouble(code: TroubleCode, times: number, step: 'resync' | 'other' = 'other'): Promise<'retry' | 'other'> {
    const { kind, means, cure } = troubles[code];
    const toldBefore = this.#told;
    const retryBefore = this.#toldRetry;
    const answer = (): 'retry' | 'other' => (this.#toldRetry === retryBefore ? 'other' : 'retry');
    // A resync that is due ends every wait but that of the resync itself.
    const resyncFailed = this.resync && step === 'resync';
    const told = (): boolean =>
      this.#told !== toldBefore || this.#paused || this.left || (this.resync && !resyncFailed);
    if (kind === 'lost' || kind === 'transient' || kind === 'operator') {
      const seconds = waitSeconds(kind, times);
      if (seconds === 0) return 'other';
      this.#face.enter(kind === 'operator' ? 'blocked' : 'retrying', { need: { code, means, cure } });
      await condition(told, `${String(seconds)} seconds`);
      return answer();
    }
    this.#face.enter('blocked', { need: { code, means, cure } });
    await condition(told);
    return answer();
  }
}
