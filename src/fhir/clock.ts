/** The time as the limits on requests see it, so that tests need not wait for it. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs something once, so much later; what comes back calls it off. In the background it keeps no process alive. */
  later(ms: number, run: () => void, background?: boolean): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  later(ms, run, background = false) {
    const timer = setTimeout(run, Math.ceil(ms));
    if (background) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
