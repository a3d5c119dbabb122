/** Whether a constant has the JSON that R4 has for an element: what `substitute` may write in its place. */
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import { isPrimitiveType, isWholeType, jsonKindOf } from './child.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a constant can be one value of a type; of an element that R4 does not have nothing is known. */
export function fits(value: unknown, type: string): boolean {
  if (type === '') return true;
  if (isPrimitiveType(type)) {
    if (typeof value === 'number' && isWholeType(type)) return Number.isInteger(value);
    return typeof value === jsonKindOf(type);
  }
  if (!isRecord(value) || Object.keys(value).length === 0) return false;
  if (r4Type(type)?.kind !== 'resource') return membersFit(value, type);
  const { resourceType, ...members } = value;
  return (
    typeof resourceType === 'string' && r4Type(resourceType)?.kind === 'resource' && membersFit(members, resourceType)
  );
}

function membersFit(value: Readonly<Record<string, unknown>>, type: string): boolean {
  const elements = r4Type(type)?.elements;
  const taken = new Map<string, string>();
  for (const [key, member] of Object.entries(value)) {
    const own = elements?.get(key);
    const beside = own === undefined && key.startsWith('_') ? elements?.get(key.slice(1)) : undefined;
    const element = own ?? beside;
    if (element === undefined || !memberFits(member, element, own === undefined)) return false;
    // Of a choice's types there can be one, also with what stands beside it.
    if ((taken.get(element.name) ?? element.key) !== element.key) return false;
    taken.set(element.name, element.key);
  }
  return true;
}

/** Lists of primitives and of what stands beside them have holes. */
function memberFits(member: unknown, { type, isArray }: R4Element, isSibling: boolean): boolean {
  if (isSibling && !isPrimitiveType(type)) return false;
  const of = isSibling ? 'Element' : type;
  if (!isArray) return fits(member, of);
  const mayHaveHoles = isPrimitiveType(type);
  return (
    Array.isArray(member) &&
    member.some((one) => one !== null) &&
    member.every((one) => (one === null && mayHaveHoles) || fits(one, of))
  );
}
