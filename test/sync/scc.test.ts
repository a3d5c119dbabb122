import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { components } from '../../src/sync/scc.ts';

/** A graph as the targets of each node. */
const graphs = fc
  .integer({ min: 0, max: 9 })
  .chain((count) =>
    fc.array(fc.array(fc.nat(Math.max(0, count - 1)), { maxLength: 3 }), { minLength: count, maxLength: count }),
  );

const componentsOf = (graph: readonly (readonly number[])[]) => components(graph.length, (node) => graph[node]!);

/** Nodes that can be reached from a node, itself included. */
function reachable(graph: readonly (readonly number[])[], from: number): Set<number> {
  const found = new Set([from]);
  for (const node of found) for (const target of graph[node]!) found.add(target);
  return found;
}

describe('strongly connected components', () => {
  it('hold every node once', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const nodes = componentsOf(graph).flat();
        expect(nodes.sort((a, b) => a - b)).toEqual(graph.map((_, node) => node));
      }),
    );
  });

  it('are what reaches each other, by a naive search', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const componentOf = new Map(componentsOf(graph).flatMap((set, index) => set.map((node) => [node, index])));
        const reach = graph.map((_, node) => reachable(graph, node));
        for (let a = 0; a < graph.length; a++)
          for (let b = 0; b < graph.length; b++)
            expect(componentOf.get(a) === componentOf.get(b)).toBe(reach[a]!.has(b) && reach[b]!.has(a));
      }),
    );
  });

  it('come after those that they point to', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const done = new Set<number>();
        for (const set of componentsOf(graph)) {
          for (const node of set) done.add(node);
          for (const node of set) for (const target of graph[node]!) expect(done.has(target)).toBe(true);
        }
      }),
    );
  });

  it('are found in a chain longer than a call stack is deep, and in a circle as long', () => {
    const count = 200_000;
    expect(components(count, (node) => (node + 1 < count ? [node + 1] : []))).toHaveLength(count);
    expect(components(count, (node) => [(node + 1) % count])).toHaveLength(1);
  });

  it('are single nodes where a node points at itself or at nothing', () => {
    expect(componentsOf([[0], []])).toEqual([[0], [1]]);
    expect(componentsOf([])).toEqual([]);
  });
});
