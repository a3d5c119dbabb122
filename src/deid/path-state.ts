/**
 * Rules' paths as one deterministic tree, so that a walk follows one state and never asks a rule whether it matches.
 * States are immutable; {@link join} makes the state that follows both of two.
 */
import { keysOfElement } from './path.ts';

/** No rule: greater than every rule's index, and still a small integer. */
export const noRule = 2 ** 30 - 1;

export interface PathState {
  /** The first rule whose path ends at this node. */
  readonly rule: number;
  /** The first rule below this node that lets something pass: while a later rule redacts, the walk must look there. */
  readonly passing: number;
  readonly next: ReadonlyMap<string, PathState>;
}

/** Where no rule's path leads. */
export const dead: PathState = { rule: noRule, passing: noRule, next: new Map() };

/** The states of one rule's path, from the element `segments` starts in. */
export function chain(segments: readonly string[], rule: number, passes: boolean): PathState {
  let state: PathState = { rule, passing: noRule, next: new Map() };
  for (const segment of segments.toReversed()) {
    const after = state;
    const next = new Map(keysOfElement(segment).map((key) => [key, after]));
    state = { rule: noRule, passing: passes ? rule : noRule, next };
  }
  return state;
}

export type Join = (a: PathState, b: PathState) => PathState;

/**
 * A join that remembers: contained resources and references join their own type's state to the path they stand at.
 * The states of a policy are finite and without cycles, so what it remembers is bounded by the policy, not the data.
 */
export function rememberingJoin(): Join {
  const known = new WeakMap<PathState, WeakMap<PathState, PathState>>();
  const join: Join = (a, b) => {
    if (a === dead || a === b) return b;
    if (b === dead) return a;
    let row = known.get(a);
    if (row === undefined) known.set(a, (row = new WeakMap<PathState, PathState>()));
    let joined = row.get(b);
    if (joined === undefined) {
      const next = new Map(a.next);
      for (const [key, state] of b.next) next.set(key, join(next.get(key) ?? dead, state));
      joined = { rule: Math.min(a.rule, b.rule), passing: Math.min(a.passing, b.passing), next };
      row.set(b, joined);
    }
    return joined;
  };
  return join;
}
