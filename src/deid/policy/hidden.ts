/** Which earlier rules leave nothing to a rule, whatever the data: what it says would never happen. */
import type { PolicyPath } from '../path/path.ts';
import { Positions } from '../plan/positions.ts';
import { noRule } from '../plan/rules.ts';
import type { CompiledRule } from '../plan/rules.ts';
import type { PathNode } from './path-nodes.ts';

export interface Earlier {
  /** In the document. */
  readonly index: number;
  readonly compiled: CompiledRule;
}

/** Whether a rule drops all resources that a path starts at, wherever they stand. */
export function dropsAll({ method, path: dropped }: CompiledRule, { root }: PolicyPath): boolean {
  if (method !== 'dropResource' || dropped.kind === 'general' || dropped.steps.length > 0) return false;
  return dropped.root === undefined || (root !== undefined && Positions.startsAt(dropped.root, root));
}

/** The rule that drops the resources of a path before a later one could do anything in them. */
export const droppedBy = (path: PolicyPath, earlier: readonly Earlier[]): readonly number[] =>
  earlier
    .filter(({ compiled }) => dropsAll(compiled, path))
    .slice(0, 1)
    .map(({ index }) => index);

/** The rules that take all of a rule's nodes before it; none where something may be left. `earlier`: those the nodes know. */
export function takenBy(nodes: readonly PathNode[], earlier: readonly Earlier[]): readonly number[] {
  const takers = new Set(nodes.map((node) => node.takenBy));
  if (takers.has(noRule)) return [];
  return [...takers].sort((a, b) => a - b).map((taker) => earlier[taker]?.index ?? taker);
}
