/**
 * Strongly connected components, in dependency order. Tarjan 1972, 'Depth-first search and linear graph
 * algorithms', made iterative: chains of references may be longer than a call stack is deep.
 */

/**
 * Components of the graph `0..count-1`, each listed after every component that it points to:
 * written in this order, a target always precedes what refers to it.
 *
 * @param edges - the nodes that a node refers to; indices outside the graph are not allowed
 */
export function components(count: number, edges: (node: number) => readonly number[]): number[][] {
  const unvisited = -1;
  const order = new Int32Array(count).fill(unvisited);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack: number[] = [];
  const found: number[][] = [];
  let clock = 0;

  const enter = (node: number): { node: number; targets: readonly number[]; next: number } => {
    order[node] = low[node] = clock++;
    stack.push(node);
    onStack[node] = 1;
    return { node, targets: edges(node), next: 0 };
  };

  for (let root = 0; root < count; root++) {
    if (order[root] !== unvisited) continue;
    const frames = [enter(root)];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const target = frame.targets[frame.next++];
      if (target !== undefined) {
        if (order[target] === unvisited) frames.push(enter(target));
        else if (onStack[target] === 1) low[frame.node] = Math.min(low[frame.node] ?? 0, order[target] ?? 0);
        continue;
      }
      frames.pop();
      const parent = frames.at(-1);
      if (parent !== undefined) low[parent.node] = Math.min(low[parent.node] ?? 0, low[frame.node] ?? 0);
      if (low[frame.node] === order[frame.node]) found.push(popComponent(stack, onStack, frame.node));
    }
  }
  return found;
}

function popComponent(stack: number[], onStack: Uint8Array, root: number): number[] {
  const component: number[] = [];
  for (;;) {
    const node = stack.pop();
    if (node === undefined) return component;
    onStack[node] = 0;
    component.push(node);
    if (node === root) return component.reverse();
  }
}
