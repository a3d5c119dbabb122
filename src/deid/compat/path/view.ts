/**
 * The tree as JSON for the FHIRPath library, and the way back from what it finds to our nodes.
 *
 * The library hands out nodes that know their data, their parent, their name and their index. An object is led back by its
 * identity; a primitive by its parent, its name and its place. Nodes that rules left without a value still exist for
 * Firely: here they have an empty object beside them, so that `exists()` finds them as well.
 */
import type { Json, JsonObject } from '../../../fhir/resource.ts';
import { NetDecimal } from '../tree/decimal.ts';
import { isPrimitive } from '../tree/node.ts';
import type { Node, NodeValue } from '../tree/node.ts';

/** What the library's ResourceNode tells. */
export interface LibraryNode {
  readonly data: unknown;
  readonly _data: unknown;
  readonly parentResNode: LibraryNode | null;
  readonly propName: string | null;
  readonly index: number | null;
  readonly fhirNodeDataType: string | null;
}

export const plainValue = (value: NodeValue): string | number | boolean =>
  value instanceof NetDecimal ? value.toNumber() : value;

export class TreeView {
  readonly json: JsonObject;
  private readonly nodes = new Map<object, Node>();

  constructor(root: Node) {
    this.json = this.objectOf(root);
  }

  /** The node that a result stands for; undefined for a computed value. */
  nodeOf(found: LibraryNode): Node | undefined {
    const byIdentity = typeof found.data === 'object' && found.data !== null ? this.nodes.get(found.data) : undefined;
    if (byIdentity !== undefined) return byIdentity;
    if (found.parentResNode === null || found.propName === null) return undefined;
    const parent = this.nodeOf(found.parentResNode);
    const { propName } = found;
    const siblings = parent?.children.filter((child) => child.name === propName || child.key === propName);
    return siblings?.[found.index ?? 0];
  }

  private objectOf(node: Node): JsonObject {
    const object: JsonObject = node.isResource ? { resourceType: node.type } : {};
    this.nodes.set(object, node);
    for (const [key, group] of groupsByKey(node)) this.enter(object, key, group);
    return object;
  }

  private enter(object: JsonObject, key: string, group: readonly Node[]): void {
    const isList = group.length > 1 || group[0]?.definition.isArray === true;
    if (!isPrimitive(group[0]?.type ?? '')) {
      const objects = group.map((node) => this.objectOf(node));
      object[key] = isList ? objects : (objects[0] ?? {});
      return;
    }
    const values = group.map((node): Json => (node.value === undefined ? null : plainValue(node.value)));
    const shadows = group.map((node) => this.shadowOf(node));
    if (values.some((value) => value !== null)) object[key] = isList ? values : (values[0] ?? null);
    if (shadows.some((shadow) => shadow !== null)) object[`_${key}`] = isList ? shadows : (shadows[0] ?? null);
  }

  private shadowOf(node: Node): JsonObject | null {
    return node.children.length > 0 || node.value === undefined ? this.objectOf(node) : null;
  }
}

function groupsByKey(node: Node): Map<string, Node[]> {
  const groups = new Map<string, Node[]>();
  for (const child of node.children) {
    const group = groups.get(child.key);
    if (group === undefined) groups.set(child.key, [child]);
    else group.push(child);
  }
  return groups;
}
