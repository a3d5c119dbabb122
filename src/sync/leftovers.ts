/**
 * When a resync may delete what it has left behind. Pure.
 *
 * Not before everything is read once, and not before what was on its way by then is settled: a state that commits late may
 * be that of a resource which nothing else has shown.
 */

export interface LeftoverState {
  /** Whether the stream was caught up in this epoch. */
  readonly loaded: boolean;
  /** -1: nothing to do; 0: the position where it was read through is not noted yet; else that position. */
  readonly leftoversFrom: number;
  readonly settled: number;
  readonly delivered: number;
}

/** The position up to which everything has to be settled; noted when the stream has been read through. */
export const readThroughAt = ({ leftoversFrom, delivered }: LeftoverState): number =>
  leftoversFrom > 0 ? leftoversFrom : Math.max(1, delivered);

/** Whether leftovers are to be looked for now. */
export const leftoversDue = (state: LeftoverState): boolean =>
  state.loaded && state.leftoversFrom >= 0 && state.settled >= Math.min(readThroughAt(state), state.delivered);
