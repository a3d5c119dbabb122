/**
 * Parsed JSON into the typed tree, as Firely's parser does it in its permissive mode with strict types: `null`s, blank
 * texts, empty objects and `fhir_comments` are not there; lists and single values stand for each other; what R4 does not
 * have, or has in another type, is refused.
 * Source: Firely's FhirJsonNode.cs, TypedElementOnSourceNode.cs
 */
import { maxDepthLevels } from '../../engine.ts';
import { r4ResourceTypes, r4Type } from '../../r4/model.ts';
import { CompatProblem } from '../problem.ts';
import { Node, isPrimitive } from './node.ts';
import type { Definition } from './node.ts';
import { elementOf } from './shape.ts';
import { NumberText, numberText, readValue, trimmed } from './values.ts';

type Raw = Readonly<Record<string, unknown>>;

/** An element's parts: what stands under its key, and what stands under `_` and its key. */
interface Parts {
  readonly text: string | undefined;
  readonly object: Raw | undefined;
}

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);

/** The text of a value; undefined for a blank one, which counts as missing. */
function textOfRaw(value: unknown): string | undefined {
  if (typeof value === 'number' || value instanceof NumberText) return numberText(value);
  if (typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? trimmed(value) : '';
  return text === '' ? undefined : text;
}

const nonEmpty = (object: Raw): Raw | undefined => (Object.keys(object).length === 0 ? undefined : object);

function partsOf(main: unknown, shadow: unknown): Parts | undefined {
  const mainObject = isObject(main) ? nonEmpty(main) : undefined;
  const text = isObject(main) || Array.isArray(main) ? undefined : textOfRaw(main);
  if (shadow !== undefined && shadow !== null && !isObject(shadow)) throw new CompatProblem('input-wrong-type');
  if (isObject(shadow) && mainObject !== undefined) throw new CompatProblem('input-wrong-type');
  const object = mainObject ?? (isObject(shadow) ? nonEmpty(shadow) : undefined);
  return text === undefined && object === undefined ? undefined : { text, object };
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];

/** `resourceType` says a resource's type; within `ExampleScenario.instance` it is an element of its own. */
const resourceTypeOf = (object: Raw | undefined, name: string): string | undefined =>
  object !== undefined && name !== 'instance' && typeof object.resourceType === 'string'
    ? object.resourceType
    : undefined;

/** Main names in order of their first appearance, with or without `_`. */
const mainNames = (object: Raw): Set<string> =>
  new Set(Object.keys(object).map((key) => (key.startsWith('_') ? key.slice(1) : key)));

const own = (object: Raw, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

function readChildren(node: Node, object: Raw, depth: number): void {
  if (depth > maxDepthLevels) throw new CompatProblem('input-too-deep');
  // HTML is a text; Firely does not look for elements of R4 in it.
  if (node.type === 'xhtml' && node.name !== 'div') return;
  const skipsType = resourceTypeOf(object, node.name) !== undefined;
  for (const name of mainNames(object)) {
    if (name === 'fhir_comments' || (skipsType && name === 'resourceType')) continue;
    const [mains, shadows] = [listOf(own(object, name)), listOf(own(object, `_${name}`))];
    for (let index = 0; index < Math.max(mains.length, shadows.length); index++) {
      const parts = partsOf(mains[index], shadows[index]);
      if (parts !== undefined) node.add(readElement(node.shape, name, parts, depth));
    }
  }
}

function readElement(shape: string, key: string, parts: Parts, depth: number): Node {
  const element = elementOf(shape, key);
  if (element === undefined) throw new CompatProblem('input-unknown-element');
  const resourceType = resourceTypeOf(parts.object, key);
  if (element.definition.isResource !== (resourceType !== undefined)) throw new CompatProblem('input-wrong-type');
  return readNode(element.definition, element.type ?? resourceType ?? '', parts, depth);
}

function readNode(definition: Definition, type: string, parts: Parts, depth: number): Node {
  if (definition.isResource && !r4ResourceTypes.has(type)) throw new CompatProblem('input-not-a-resource');
  const node = new Node(definition, type);
  if (parts.text !== undefined) {
    if (!isPrimitive(node.type)) throw new CompatProblem('input-wrong-type');
    node.value = readValue(node.type, parts.text);
  }
  if (parts.object !== undefined) readChildren(node, parts.object, depth + 1);
  return node;
}

/** Reads a resource. Throws where Firely throws. */
export function readResource(input: unknown): Node {
  const type = isObject(input) && typeof input.resourceType === 'string' ? input.resourceType : undefined;
  if (type === undefined) throw new CompatProblem('input-not-a-resource');
  const definition = { name: type, isArray: false, isChoice: false, isResource: true };
  return readNode(definition, type, { text: undefined, object: input as Raw }, 0);
}

/** Reads an object as an R4 type other than a resource, such as a fragment that a rule puts in. */
export function readFragment(input: unknown, shape: string, definition: Definition): Node {
  if (!isObject(input) || r4Type(shape) === undefined) throw new CompatProblem('input-wrong-type');
  return readNode(definition, shape, { text: undefined, object: input }, 0);
}
