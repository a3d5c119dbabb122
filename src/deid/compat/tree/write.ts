/**
 * The tree back into JSON, as Firely's serializer writes it: siblings of one name together, lists where R4 has lists,
 * values typed by what they are now, and what stands under a primitive beside it, under `_`.
 * Source: Firely's FhirJsonBuilder.cs
 */
import type { Json, JsonObject } from '../../../fhir/resource.ts';
import { NetDecimal } from './decimal.ts';
import { isPrimitive } from './node.ts';
import type { Node, NodeValue } from './node.ts';
import { trimmed } from './values.ts';

/** How a decimal is written: a number, or, to keep its zeros, something that `JSON.stringify` writes as it is. */
export type WriteDecimal = (decimal: NetDecimal) => Json;

export const decimalAsNumber: WriteDecimal = (decimal) => decimal.toNumber();

function writeValue(value: NodeValue, writeDecimal: WriteDecimal): Json {
  if (value instanceof NetDecimal) return writeDecimal(value);
  return typeof value === 'string' ? trimmed(value) : value;
}

interface Written {
  readonly main: Json | undefined;
  readonly shadow: JsonObject | undefined;
}

function writeNode(node: Node, writeDecimal: WriteDecimal): Written {
  const value = node.value === undefined ? undefined : writeValue(node.value, writeDecimal);
  const object = writeChildren(node, writeDecimal);
  const content = Object.keys(object).length === 0 ? undefined : object;
  // Under a primitive, content belongs beside the value; elsewhere it is the value.
  if (isPrimitive(node.type) || value !== undefined) return { main: value, shadow: content };
  return { main: content, shadow: undefined };
}

function groups(node: Node): Map<string, Node[]> {
  const byName = new Map<string, Node[]>();
  for (const child of node.children) {
    const group = byName.get(child.name);
    if (group === undefined) byName.set(child.name, [child]);
    else group.push(child);
  }
  return byName;
}

function writeChildren(node: Node, writeDecimal: WriteDecimal): JsonObject {
  const object: JsonObject = node.isResource ? { resourceType: node.type } : {};
  for (const group of groups(node).values()) {
    const [first] = group;
    const written = group
      .map((child) => writeNode(child, writeDecimal))
      .filter(({ main, shadow }) => main !== undefined || shadow !== undefined);
    if (first === undefined || written.length === 0) continue;
    const mains = written.map(({ main }) => main ?? null);
    const shadows = written.map(({ shadow }) => shadow ?? null);
    const { isArray } = first.definition;
    if (written.some(({ main }) => main !== undefined)) object[first.key] = isArray ? mains : (mains[0] ?? null);
    if (written.some(({ shadow }) => shadow !== undefined))
      object[`_${first.key}`] = isArray ? shadows : (shadows[0] ?? null);
  }
  return object;
}

/** The JSON of a resource's tree. */
export const writeResource = (root: Node, writeDecimal: WriteDecimal = decimalAsNumber): JsonObject =>
  writeChildren(root, writeDecimal);

/** Removes what has neither value nor children, from the leaves up; resources stay. */
export function removeEmpty(node: Node): void {
  node.children = node.children.filter((child) => {
    removeEmpty(child);
    return child.children.length > 0 || child.value !== undefined || child.isResource;
  });
}
