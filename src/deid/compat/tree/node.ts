/**
 * The typed element tree that rules work on, with the names of Firely's ElementNode, which Microsoft's tool uses:
 * a node has a name, a type, a value or none, children in their order, and a parent.
 * Source: https://github.com/FirelyTeam/firely-net-sdk, src/Hl7.Fhir.Base/ElementModel/ElementNode.cs
 */
import { r4Type } from '../../r4/model.ts';
import type { NetDecimal } from './decimal.ts';

/** Dates and times are their texts. A rule may leave a text where R4 has a number or a boolean, as Microsoft's do. */
export type NodeValue = string | number | boolean | NetDecimal;

/** What the element's definition says of a node, whatever its value. */
export interface Definition {
  /** The element's name: `value` for `value[x]`. */
  readonly name: string;
  readonly isArray: boolean;
  readonly isChoice: boolean;
  /** Contained, in a Bundle's entry or a parameter; or the root. */
  readonly isResource: boolean;
}

export class Node {
  readonly definition: Definition;
  /** R4's name, `BackboneElement` and `Element` for what has none. */
  readonly type: string;
  /** The R4 type by which children are looked up: `Patient.contact`; `Element` for primitives. */
  readonly shape: string;
  value: NodeValue | undefined;
  children: Node[] = [];
  parent: Node | undefined;

  constructor(definition: Definition, shape: string, value?: NodeValue) {
    this.definition = definition;
    this.type = instanceType(shape);
    this.shape = isPrimitive(this.type) ? 'Element' : shape;
    this.value = value;
  }

  get name(): string {
    return this.definition.name;
  }

  get isResource(): boolean {
    return this.definition.isResource;
  }

  /** The JSON key: `valueQuantity`. */
  get key(): string {
    return this.definition.isChoice ? this.name + this.type.charAt(0).toUpperCase() + this.type.slice(1) : this.name;
  }

  named(name: string): Node[] {
    return this.children.filter((child) => child.name === name);
  }

  add(child: Node): void {
    child.parent = this;
    this.children.push(child);
  }

  remove(child: Node): void {
    const at = this.children.indexOf(child);
    if (at < 0) return;
    this.children.splice(at, 1);
    child.parent = undefined;
  }

  replace(child: Node, other: Node): void {
    const at = this.children.indexOf(child);
    if (at < 0) return;
    this.children[at] = other;
    child.parent = undefined;
    other.parent = this;
  }
}

export const isPrimitive = (type: string): boolean => r4Type(type)?.kind === 'primitive';

/**
 * Firely names backbone elements by their base: those of resources are BackboneElements, those of data types
 * (`Timing.repeat`) Elements.
 */
function instanceType(shape: string): string {
  if (r4Type(shape)?.kind !== 'backbone') return shape;
  return r4Type(shape.slice(0, shape.indexOf('.')))?.kind === 'resource' ? 'BackboneElement' : 'Element';
}

/** A value as .NET's `ToString()` writes it: what is hashed and encrypted. */
export function textOf(value: NodeValue | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : value.toString();
}

/** Every node below this one, depth first, resources inside it left out. */
export function* descendants(node: Node): Generator<Node> {
  for (const child of node.children) {
    if (child.isResource) continue;
    yield child;
    yield* descendants(child);
  }
}

/** Every node below this one, resources inside it included. */
export function* allDescendants(node: Node): Generator<Node> {
  for (const child of node.children) {
    yield child;
    yield* allDescendants(child);
  }
}
