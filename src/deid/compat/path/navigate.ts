/**
 * Steps from node to node without the FHIRPath library, by Firely's rule for a step.
 * Source: Firely's CollectionOperators.cs, `Navigate`
 */
import { descendants } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';

const baseTypes = new Set(['Resource', 'DomainResource']);

/** One step: children of this name; a step with a capital may also name the type of the node itself. */
export function step(nodes: readonly Node[], name: string): Node[] {
  const isTypeName = /^[A-Z]/.test(name);
  return nodes.flatMap((node) =>
    isTypeName && (node.type === name || baseTypes.has(name)) ? [node] : node.named(name),
  );
}

export const walkSteps = (from: readonly Node[], steps: readonly string[]): Node[] =>
  steps.reduce<Node[]>((nodes, name) => step(nodes, name), [...from]);

const fits = (node: Node, by: 'type' | 'name', word: string): boolean =>
  (by === 'type' ? node.type : node.name) === word;

/** `nodesByType` and `nodesByName` as functions: the nodes themselves and all below, resources inside left out. */
export function search(from: readonly Node[], by: 'type' | 'name', word: string): Node[] {
  return from.flatMap((node) => [node, ...descendants(node)].filter((found) => fits(found, by, word)));
}

/**
 * The table for rules that are `nodesBy…` alone: all nodes below the resource, the resources in it included but not what
 * is in them. Made before the first rule, so that it still names what a rule takes out, and nothing that a rule puts in.
 */
export class NodeTable {
  private readonly byType = new Map<string, Node[]>();
  private readonly byName = new Map<string, Node[]>();

  constructor(resource: Node) {
    this.fill(resource);
  }

  find(by: 'type' | 'name', word: string): readonly Node[] {
    return (by === 'type' ? this.byType : this.byName).get(word) ?? [];
  }

  private fill(node: Node): void {
    for (const child of node.children) {
      enter(this.byType, child.type, child);
      enter(this.byName, child.name, child);
      if (!child.isResource) this.fill(child);
    }
  }
}

function enter(table: Map<string, Node[]>, word: string, node: Node): void {
  const nodes = table.get(word);
  if (nodes === undefined) table.set(word, [node]);
  else nodes.push(node);
}
