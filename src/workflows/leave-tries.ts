/** Tries the steps of a leaving until they work, and says meanwhile what they need. */
import { ActivityFailure, condition } from '@temporalio/workflow';

import { type TroubleCode, troubles } from '../sync/trouble.ts';
import type { LeaveFace } from './leave-face.ts';
import type { LeaveNeed } from './messages.ts';
import { waitSeconds } from './steps.ts';
import { troubleOf } from './trouble-of.ts';

/** A target that a leaving can do without is tried so often, each time over some minutes. */
const optionalTriesMax = 3;

export class LeaveTries {
  /** How often somebody has said something. */
  told = 0;
  readonly #face: LeaveFace;
  /** Waits in a row. */
  #waits = 0;

  constructor(face: LeaveFace) {
    this.#face = face;
  }

  /** Does a step until it works. */
  async insist<Value>(step: () => Promise<Value>): Promise<Value> {
    for (;;) {
      const outcome = await attempt(step);
      if ('value' in outcome) return this.#done(outcome.value);
      await this.wait(needOf(outcome.trouble), outcome.trouble);
    }
  }

  /** Does a step once; the trouble where it does not work. */
  async once<Value>(step: () => Promise<Value>): Promise<{ value: Value } | { trouble: TroubleCode }> {
    const outcome = await attempt(step);
    return 'value' in outcome ? { value: this.#done(outcome.value) } : outcome;
  }

  /** Does a step; gives it up after some tries where it may be left out. Returns whether it was done. */
  async unless(optional: () => boolean, step: () => Promise<void>): Promise<boolean> {
    for (let failed = 0; ;) {
      const outcome = await attempt(step);
      if ('value' in outcome) return this.#done(true);
      // An attempt that lost says nothing of the target.
      if (troubles[outcome.trouble].kind !== 'lost') failed += 1;
      if (failed >= optionalTriesMax && optional()) return this.#done(false);
      await this.wait(needOf(outcome.trouble), outcome.trouble);
    }
  }

  /** Waits until somebody says something, or for a while: whoever mends a cause may not think of us. */
  async wait(need: LeaveNeed, trouble?: TroubleCode): Promise<void> {
    this.#waits += 1;
    const kind = trouble === undefined ? 'operator' : troubles[trouble].kind;
    const seconds = waitSeconds(kind === 'lost' || kind === 'transient' ? kind : 'operator', this.#waits);
    if (seconds === 0) return;
    this.#face.need(need);
    const before = this.told;
    await condition(() => this.told !== before, `${String(seconds)} seconds`);
    this.#face.need(undefined);
  }

  #done<Value>(value: Value): Value {
    this.#waits = 0;
    return value;
  }
}

async function attempt<Value>(step: () => Promise<Value>): Promise<{ value: Value } | { trouble: TroubleCode }> {
  try {
    return { value: await step() };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { trouble: troubleOf(error) };
  }
}

function needOf(code: TroubleCode): LeaveNeed {
  const { means, cure } = troubles[code];
  return { code, means, cure };
}
