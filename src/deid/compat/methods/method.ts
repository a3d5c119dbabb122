/** What a method is: it works on one node at a time, the caller goes down to the leaves. */
import type { Node } from '../tree/node.ts';

/** What was done to a node, as the security labels tell it. */
export type Operation =
  | 'redact'
  | 'abstract'
  | 'cryptoHash'
  | 'encrypt'
  | 'perturb'
  | 'substitute'
  | 'generalize'
  | 'pseudonymize'
  | 'remove';

/** One run of the rules over one input, the resources inside it included. */
export interface Run {
  /** The input's root, whatever resource in it is being worked on: shifts go by its id. */
  readonly root: Node;
  /** Nodes that a rule has had: no later rule gets them. */
  readonly visited: Set<Node>;
  /** Counted up at each change, so that what was made of the tree is made anew. */
  readonly changes: { count: number };
}

export type Method = (node: Node, run: Run) => Operation | undefined;

/** Randomness, to be replaced in tests. */
export interface CompatRandom {
  /** A number from 0 to 1, 1 excluded. */
  readonly unit: () => number;
  readonly bytes: (count: number) => Uint8Array;
}
