/**
 * Which elements of R4 a path names, and which earlier rules have taken each of them by then: a rule that names nothing,
 * or nothing that is left, is a mistake, since what it was meant to clear passes.
 */
import type { PlainPath, Step } from '../path/path.ts';
import { matches, Positions, ruleAt } from '../plan/positions.ts';
import type { NodeShape } from '../plan/positions.ts';
import { r4ResourceTypes, r4Type, r4TypeNames } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { noRule } from '../plan/rules.ts';
import type { CompiledRule } from '../plan/rules.ts';
import { nearest } from './nearest.ts';

/** A node that a path has come to. */
export interface PathNode extends NodeShape {
  /** The type that has the element; empty for a resource itself. */
  readonly owner: string;
  readonly element: R4Element | undefined;
  /** The first earlier rule that takes the node or one that holds it, whatever the data. */
  readonly takenBy: number;
  readonly positions: readonly number[];
}

export type PathReading =
  | { readonly nodes: readonly PathNode[] }
  /** Why it names nothing. */
  | { readonly mistake: string };

/** Where a path can stand, given the rules before it. */
export class PathReader {
  readonly #positions: Positions;
  readonly #earlier: readonly CompiledRule[];

  /** `earlier`: the rules before the one whose path is read, in order. */
  constructor(earlier: readonly CompiledRule[]) {
    this.#positions = new Positions(earlier, 0);
    this.#earlier = earlier;
  }

  read(path: PlainPath): PathReading {
    const types = rootTypes(path.root);
    if (types === undefined) return { mistake: unknownType(path.root ?? '') };
    let nodes: PathNode[] = isSearch(path) ? [this.#anywhere()] : types.map((type) => this.#resource(type));
    for (const step of path.steps) {
      const next = dedupe(nodes.flatMap((node) => this.#take(step, node)));
      if (next.length === 0) return { mistake: mistakeAt(step, nodes) };
      nodes = next;
    }
    return { nodes };
  }

  #resource(type: string): PathNode {
    const { ends, positions } = this.#positions.resource(type, undefined);
    return { name: '', key: '', type, owner: '', element: undefined, takenBy: ends, positions };
  }

  /** Some node of some resource: only rules that search everywhere are sure to be on their way there. */
  #anywhere(): PathNode {
    const { positions } = this.#positions.resource(anyType, undefined);
    return { name: '', key: '', type: anyType, owner: '', element: undefined, takenBy: noRule, positions };
  }

  #take(step: Step, node: PathNode): PathNode[] {
    if (step.kind === 'byType' || step.kind === 'byName') {
      const searching = { ...node, positions: node.positions.filter((position) => this.#searches(position)) };
      const below = elementsBelow(node.type)
        .filter(({ owner, element }) => matches(step, shapeOf(element)) && owner !== '')
        .map(({ owner, element }) => this.#arrive(searching, owner, element));
      const self = node.type !== anyType && matches(step, node) ? [node] : [];
      return [...self, ...below].filter((found) => mayHold(step, found));
    }
    return elementsOf(node.type)
      .filter((element) => matches(step, shapeOf(element)))
      .map((element) => this.#arrive(node, node.type, element))
      .filter((found) => mayHold(step, found));
  }

  #searches(position: number): boolean {
    const kind = this.#positions.stepOf(position)?.kind;
    return kind === 'byType' || kind === 'byName';
  }

  #letsAllPass(position: number): boolean {
    return this.#searches(position) && this.#earlier[ruleAt(position)]?.passes === true;
  }

  #arrive(from: PathNode, owner: string, element: R4Element): PathNode {
    const shape = shapeOf(element);
    // What lets every code pass, wherever it stands, lets none pass in an extension: see plan/child-maker.ts.
    const isInExtension = owner === 'Extension';
    const waiting = isInExtension ? from.positions.filter((position) => !this.#letsAllPass(position)) : from.positions;
    const { ends, positions } = this.#positions.below(waiting, shape);
    // What keeps an element does not keep its extensions.
    const isKept = element.type === 'Extension' && !isInExtension && this.#earlier[from.takenBy]?.passes === true;
    return { ...shape, owner, element, takenBy: isKept ? ends : Math.min(from.takenBy, ends), positions };
  }
}

const anyType = '*';

const shapeOf = ({ name, key, type }: R4Element): NodeShape => ({ name, key, type });

/** A primitive has what every element has, in its `_` sibling. */
const elementsOf = (type: string): R4Element[] => {
  // A resource inside another is judged by its own type's rules.
  if (type === 'Resource') return [];
  const known = r4Type(type);
  return [...((known?.kind === 'primitive' ? r4Type('Element') : known)?.elements.values() ?? [])];
};

const isSearch = ({ root, steps }: PlainPath): boolean =>
  root === undefined && (steps[0]?.kind === 'byType' || steps[0]?.kind === 'byName');

function rootTypes(root: string | undefined): readonly string[] | undefined {
  const all = [...r4ResourceTypes];
  if (root === undefined) return all;
  if (root === 'DomainResource') return all.filter((type) => r4Type(type)?.base === 'DomainResource');
  return r4ResourceTypes.has(root) ? [root] : undefined;
}

/** Whether a step's condition speaks of something that the node can have. */
function mayHold({ where }: Step, node: PathNode): boolean {
  if (node.type === 'Resource') return true;
  if (where !== undefined && r4Type(node.type)?.kind === 'primitive') return false;
  let types = [node.type];
  for (const name of where?.path ?? []) {
    types = types.flatMap((type) =>
      elementsOf(type)
        .filter((one) => one.name === name || one.key === name)
        .map((one) => one.type),
    );
  }
  return types.length > 0;
}

interface Placed {
  readonly owner: string;
  readonly element: R4Element;
}

const below = new Map<string, readonly Placed[]>();

/** Every element below a type, extensions' values included, resources inside left out. */
export function elementsBelow(type: string): readonly Placed[] {
  const known = below.get(type);
  if (known !== undefined) return known;
  const found: Placed[] = [];
  const seen = new Set<string>();
  const pending = type === anyType ? [...r4TypeNames] : [type];
  for (let owner = pending.pop(); owner !== undefined; owner = pending.pop()) {
    if (seen.has(owner)) continue;
    seen.add(owner);
    for (const element of elementsOf(owner)) {
      found.push({ owner, element });
      if (element.type !== 'Resource') pending.push(element.type);
    }
  }
  below.set(type, found);
  return found;
}

/** One node for each element, taken by the latest of the rules that take it on some way: it is hidden only if all do. */
function dedupe(nodes: readonly PathNode[]): PathNode[] {
  const byPlace = new Map<string, PathNode>();
  for (const node of nodes) {
    const place = `${node.owner}.${node.key}:${node.type}|${node.positions.join()}`;
    const known = byPlace.get(place);
    if (known === undefined || known.takenBy < node.takenBy) byPlace.set(place, node);
  }
  return [...byPlace.values()];
}

function unknownType(type: string): string {
  const meant = nearest(type, r4ResourceTypes);
  return `a resource type of R4${meant === undefined ? '' : ` (${meant}?)`}, or custom: true`;
}

function mistakeAt(step: Step, nodes: readonly PathNode[]): string {
  const [first] = nodes;
  if (step.where !== undefined)
    return `an element that has ${step.where.path.join('.')}, which the condition asks of it`;
  const where = first === undefined || first.type === anyType || nodes.length > 3 ? 'R4' : first.type;
  if (step.kind === 'extension') return `an element that has extensions, which ${where} has not`;
  if (step.kind === 'byType') {
    const meant = nearest(step.type, r4TypeNames);
    return `a type that stands in ${where}, unlike '${step.type}'${meant === undefined ? '' : ` (${meant}?)`}`;
  }
  const names = new Set(nodes.flatMap(({ type }) => elementsOf(type).map(({ name }) => name)));
  const candidates = step.kind === 'byName' ? elementsBelow(anyType).map(({ element }) => element.name) : names;
  const meant = nearest(step.name, candidates);
  const hint = meant === undefined || meant === step.name ? '' : ` (${meant}?)`;
  const choice = step.kind === 'name' && step.choice !== undefined ? ` of type ${step.choice}` : '';
  return `an element that ${where} has, unlike '${step.name}'${choice}${hint}; an attribute of the server's own needs custom: true`;
}
