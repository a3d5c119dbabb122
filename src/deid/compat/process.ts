/**
 * The rules over one input: a resource first, then the resources in it, each with the rules of its own type. A node that a
 * rule has had is no later rule's, even when the rule did nothing with it.
 * Source: Tools-for-Health-Data-Anonymization, AnonymizationVisitor.cs, ResourceProcessor.cs, ElementNodeVisitorExtensions.cs
 */
import { addLabels } from './labels.ts';
import type { Method, Operation, Run } from './methods/method.ts';
import { ruleIsFor } from './path/rule-path.ts';
import type { RulePath } from './path/rule-path.ts';
import { ResourceFocus } from './path/select.ts';
import type { NodeSelector } from './path/select.ts';
import type { Node } from './tree/node.ts';
import { removeEmpty } from './tree/write.ts';

export interface CompiledRule {
  readonly path: RulePath;
  readonly selector: NodeSelector;
  readonly method: Method;
}

/** Rules by resource type, made once for each. */
export class RuleSet {
  readonly rules: readonly CompiledRule[];
  private readonly byType = new Map<string, readonly CompiledRule[]>();

  constructor(rules: readonly CompiledRule[]) {
    this.rules = rules;
  }

  of(type: string): readonly CompiledRule[] {
    const known = this.byType.get(type);
    if (known !== undefined) return known;
    const made = this.rules.filter(({ path }) => ruleIsFor(path, type));
    this.byType.set(type, made);
    return made;
  }
}

/** A method on a node and all below it, resources left out. */
function applyDown(node: Node, method: Method, run: Run, operations: Set<Operation>): void {
  if (run.visited.has(node)) return;
  const operation = method(node, run);
  if (operation !== undefined) {
    operations.add(operation);
    run.changes.count++;
  }
  run.visited.add(node);
  for (const child of [...node.children]) {
    if (!child.isResource) applyDown(child, method, run, operations);
  }
}

function applyRules(resource: Node, rules: readonly CompiledRule[], run: Run): Set<Operation> {
  const operations = new Set<Operation>();
  const needsTable = rules.some(({ selector }) => selector.needsTable);
  const focus = new ResourceFocus(resource, run.changes, needsTable);
  for (const { selector, method } of rules) {
    for (const node of [...selector.find(focus)]) applyDown(node, method, run, operations);
  }
  return operations;
}

function visitResource(resource: Node, rules: RuleSet, run: Run): Set<Operation> {
  const operations = applyRules(resource, rules.of(resource.type), run);
  visitBelow(resource, rules, run, operations);
  // Contained resources have no labels of their own; what was done to them is said of the resource around them.
  if (resource.name !== 'contained') addLabels(resource, operations);
  return operations;
}

function visitBelow(node: Node, rules: RuleSet, run: Run, operations: Set<Operation>): void {
  for (const child of [...node.children]) {
    if (!child.isResource) visitBelow(child, rules, run, operations);
    else for (const operation of visitResource(child, rules, run)) operations.add(operation);
  }
}

/** Applies the rules to an input's tree, in place. */
export function processTree(root: Node, rules: RuleSet): void {
  const run = { root, visited: new Set<Node>(), changes: { count: 0 } };
  visitResource(root, rules, run);
  removeEmpty(root);
}
