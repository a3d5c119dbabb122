import { setImmediate as turn } from 'node:timers/promises';

import type { Clock } from '../../src/fhir/clock.ts';

interface Alarm {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that moves when it is told to. */
export class FakeClock implements Clock {
  ms = Date.UTC(2026, 0, 5, 8);
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.ms;
  }

  later(ms: number, run: () => void): () => void {
    const alarm = { atMs: this.ms + ms, run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Moves on, through every alarm on the way in order. */
  async advance(ms: number): Promise<void> {
    await settled();
    const end = this.ms + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.ms = Math.max(this.ms, next.atMs);
      next.run();
      await settled();
    }
    this.ms = end;
    await settled();
  }

  /** Alarms that are set: what would keep a process awake. */
  get alarms(): number {
    return this.#alarms.size;
  }
}

/** Lets go on whatever waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let times = 0; times < 5; times++) await turn();
}
