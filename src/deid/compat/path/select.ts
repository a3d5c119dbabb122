/** Finds the nodes that a rule names, by the shortest way that finds the same ones. */
import type { Node } from '../tree/node.ts';
import { compileSelect } from './library.ts';
import { NodeTable, search, step, walkSteps } from './navigate.ts';
import type { RulePath } from './rule-path.ts';
import { TreeView } from './view.ts';

/** One resource under the rules. What is made of it is made when first asked for, and anew after a change. */
export class ResourceFocus {
  readonly node: Node;
  private readonly changes: { count: number };
  private view: { readonly of: number; readonly tree: TreeView } | undefined;
  /** Made at once: it has to hold what was there before the first rule. */
  readonly table: NodeTable | undefined;

  constructor(node: Node, changes: { count: number }, hasTable: boolean) {
    this.node = node;
    this.changes = changes;
    this.table = hasTable ? new NodeTable(node) : undefined;
  }

  get tree(): TreeView {
    if (this.view?.of !== this.changes.count) {
      this.view = { of: this.changes.count, tree: new TreeView(this.node) };
    }
    return this.view.tree;
  }
}

export interface NodeSelector {
  readonly needsTable: boolean;
  readonly find: (focus: ResourceFocus) => readonly Node[];
}

const general = (expression: string): NodeSelector => {
  const select = compileSelect(expression);
  return { needsTable: false, find: (focus) => select(focus.tree) };
};

const named = (by: 'type' | 'name'): string => (by === 'type' ? 'Type' : 'Name');

/** Everything by the library, for comparison. */
function interpreted({ selector, expression }: RulePath): NodeSelector {
  if (selector.kind === 'resource') return { needsTable: false, find: (focus) => [focus.node] };
  if (selector.kind !== 'lookup') return general(expression);
  const rest = selector.step === undefined ? '' : `.${selector.step}`;
  return general(`tableBy${named(selector.by)}('${selector.word}')${rest}`);
}

/** Compiles a rule's path. `interpretAll` sends every path to the FHIRPath library. */
export function compileSelector(path: RulePath, interpretAll: boolean): NodeSelector {
  if (interpretAll) return interpreted(path);
  const { selector } = path;
  switch (selector.kind) {
    case 'resource':
      return { needsTable: false, find: (focus) => [focus.node] };
    case 'lookup': {
      const find = ({ table }: ResourceFocus): readonly Node[] => {
        const nodes = table?.find(selector.by, selector.word) ?? [];
        return selector.step === undefined ? nodes : step(nodes, selector.step);
      };
      return { needsTable: true, find };
    }
    case 'steps':
      return { needsTable: false, find: (focus) => walkSteps([focus.node], selector.steps) };
    case 'search':
      return {
        needsTable: false,
        find: (focus) => walkSteps(search([focus.node], selector.by, selector.word), selector.steps),
      };
    case 'general':
      return general(path.expression);
  }
}
