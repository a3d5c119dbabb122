/**
 * Which element a JSON key stands for, by R4's types, as Firely finds it: the key itself, or a choice's name with a type.
 * Source: Firely's TypedElementOnSourceNode.cs, `tryGetBySuffixedName` and `deriveInstanceType`
 */
import { isR4DataType, r4Type } from '../../r4/model.ts';
import type { R4Type } from '../../r4/model.ts';
import type { Definition } from './node.ts';

export interface ElementShape {
  readonly definition: Definition;
  /** R4 type of the content; undefined for a resource, whose own `resourceType` says it. */
  readonly type: string | undefined;
}

const shapes = new Map<string, ElementShape | null>();

/** Choices that R4 leaves open to every data type have some fifty keys; Firely takes any data type there. */
const openChoiceKeysMin = 40;

function openChoice(type: R4Type, key: string): ElementShape | undefined {
  for (let length = key.length - 1; length > 0; length--) {
    const name = key.slice(0, length);
    const choices = [...type.elements.values()].filter((element) => element.isChoice && element.name === name);
    if (choices.length < openChoiceKeysMin) continue;
    const suffix = key.slice(length);
    const primitive = suffix.charAt(0).toLowerCase() + suffix.slice(1);
    const of = [suffix, primitive].find((candidate) => isR4DataType(candidate));
    if (of === undefined || of === key.slice(length).toLowerCase()) return undefined;
    return { definition: { name, isArray: false, isChoice: true, isResource: false }, type: of };
  }
  return undefined;
}

function find(shape: string, key: string): ElementShape | undefined {
  const type = r4Type(shape);
  const element = type?.elements.get(key);
  if (type === undefined) return undefined;
  if (element === undefined) return openChoice(type, key);
  // A Bundle's outcome has its own type in the model, and any resource stands there all the same.
  const isResource = r4Type(element.type)?.kind === 'resource';
  const { name, isArray, isChoice } = element;
  return { definition: { name, isArray, isChoice, isResource }, type: isResource ? undefined : element.type };
}

/** The element under a key of an object of an R4 type; undefined where R4 has none. */
export function elementOf(shape: string, key: string): ElementShape | undefined {
  const id = `${shape} ${key}`;
  const known = shapes.get(id);
  if (known !== undefined) return known ?? undefined;
  const found = find(shape, key);
  // Unknown keys come from the data: not kept, or the memory would grow with it.
  if (found !== undefined) shapes.set(id, found);
  return found;
}

/** The definition of a child by its name, for nodes that are made and not read. */
export function definitionOf(shape: string, name: string, type: string): Definition | undefined {
  const plain = elementOf(shape, name);
  if (plain !== undefined) return plain.definition;
  return elementOf(shape, name + type.charAt(0).toUpperCase() + type.slice(1))?.definition;
}
