/**
 * Substitution by a value or a fragment. What earlier rules have had stays as it is: a node that holds such nodes stays as
 * their shell.
 * Source: Tools-for-Health-Data-Anonymization, SubstituteProcessor.cs
 */
import { r4Type } from '../../r4/model.ts';
import { CompatProblem } from '../problem.ts';
import { allDescendants, Node, isPrimitive } from '../tree/node.ts';
import { asPoco } from '../tree/poco.ts';
import { readFragment } from '../tree/read.ts';
import type { Method, Run } from './method.ts';

const plain = { name: '', isArray: false, isChoice: false, isResource: false };

/** What stands for nothing: no value, no children. */
const emptyNode = (): Node => new Node(plain, 'string');

function textNode(text: string | null): Node {
  const node = emptyNode();
  if (text !== null) node.value = text;
  return node;
}

/** `replaceWith` as an element of a type. Backbone elements have no class of their own there, and are refused. */
function fragment(text: string | null, type: string): Node {
  const kind = r4Type(type)?.kind;
  if (type === 'BackboneElement' || type === 'Element' || kind === undefined)
    throw new CompatProblem('substitute-invalid');
  try {
    const json: unknown = text === null ? {} : JSON.parse(text);
    return asPoco(readFragment(json, type, plain), 'substitute-invalid');
  } catch {
    throw new CompatProblem('substitute-invalid');
  }
}

function copyOf(node: Node): Node {
  const copy = new Node(node.definition, isPrimitive(node.type) ? node.type : node.shape, node.value);
  for (const child of node.children) copy.add(copyOf(child));
  return copy;
}

/** Adds the nodes that hold something a rule has had, and those themselves. */
function addKept(node: Node, visited: ReadonlySet<Node>, kept: Set<Node>): boolean {
  const holdsKept = node.children.map((child) => addKept(child, visited, kept)).some(Boolean);
  if (!holdsKept && !visited.has(node)) return false;
  kept.add(node);
  return true;
}

interface Substitution {
  readonly visited: ReadonlySet<Node>;
  readonly kept: ReadonlySet<Node>;
}

/** Nodes of one name against the replacement's, one to one; what is left over is added or removed. */
function replaceNamed(node: Node, name: string, targets: readonly Node[], run: Substitution): void {
  let next = 0;
  for (const child of node.named(name)) {
    const target = targets[next];
    if (run.visited.has(child)) next++;
    else if (target !== undefined) {
      next++;
      replaceNode(child, target, run);
    } else clear(node, child, run);
  }
  for (const target of targets.slice(next)) node.add(copyOf(target));
}

function clear(node: Node, child: Node, run: Substitution): void {
  if (run.visited.has(child)) return;
  if (run.kept.has(child)) replaceNode(child, emptyNode(), run);
  else node.remove(child);
}

function replaceNode(node: Node, target: Node, run: Substitution): void {
  if (run.visited.has(node)) return;
  const names = new Set(target.children.map((child) => child.name));
  for (const name of names) replaceNamed(node, name, target.named(name), run);
  for (const child of node.children.filter(({ name }) => !names.has(name))) clear(node, child, run);
  node.value = target.value;
}

export function substitute(replaceWith: string | null): Method {
  const fragments = new Map<string, Node>();
  const replacementFor = (type: string): Node => {
    if (isPrimitive(type)) return textNode(replaceWith);
    const known = fragments.get(type);
    if (known !== undefined) return known;
    const made = fragment(replaceWith, type);
    fragments.set(type, made);
    return made;
  };
  return (node, { visited }: Run) => {
    const kept = new Set<Node>();
    addKept(node, visited, kept);
    replaceNode(node, replacementFor(node.type), { visited, kept });
    for (const below of allDescendants(node)) visited.add(below);
    return 'substitute';
  };
}
