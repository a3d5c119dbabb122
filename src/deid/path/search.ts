/** The search that a general path begins with: `nodesByType` and `nodesByName`, by R4's types and, beyond them, by shape. */
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import { isObject } from '../shape.ts';

/** Where an expression is asked: at an object, or at the single values of one of its elements. */
export interface Searched {
  readonly value: JsonObject;
  /** R4's type of the object; undefined where it has none, and where its `resourceType` says it. */
  readonly type: string | undefined;
  /** FHIRPath's name of the element whose values were found; undefined where the object was. */
  readonly element: string | undefined;
}

/** An element as a search sees it. */
interface Sought {
  readonly names: readonly string[];
  readonly type: string;
}

export type IsSought = (node: Sought) => boolean;

export const isOfType =
  (word: string): IsSought =>
  ({ type }) =>
    type === word;

export const isOfName =
  (word: string): IsSought =>
  ({ names }) =>
    names.includes(word);

interface Pending {
  readonly value: JsonObject;
  readonly type: string;
}

/** What a search finds in a resource, itself included; resources inside it are searched by themselves. */
export function nodesBelow(resource: JsonObject, type: string, isSought: IsSought): Searched[] {
  const found: Searched[] = isSought({ names: [], type })
    ? [{ value: resource, type: undefined, element: undefined }]
    : [];
  const pending: Pending[] = [{ value: resource, type }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const key of Object.keys(next.value)) lookAt(next, key, isSought, found, pending);
  }
  return found;
}

/** One key of an object: single values are found by their holder, objects by themselves and gone into. */
function lookAt(holder: Pending, key: string, isSought: IsSought, found: Searched[], pending: Pending[]): void {
  const elements = r4Type(holder.type)?.elements;
  const plain = key.startsWith('_') && elements?.has(key) !== true ? key.slice(1) : key;
  const element = elements?.get(plain);
  if (element?.type === 'Resource') return;
  const type = element?.type ?? '';
  const isSibling = plain !== key;
  const isFound = isSought({ names: [element?.name ?? plain, plain], type });
  const values = membersOf(holder.value[key]);
  const isSingle = r4Type(type)?.kind === 'primitive' || !values.every(isObject);
  // A value and what stands beside it are one element.
  if (isFound && isSingle && !(isSibling && Object.hasOwn(holder.value, plain))) {
    found.push({ value: holder.value, type: baseOf(holder), element: element?.name ?? plain });
  }
  for (const value of values.filter(isObject)) {
    if (element === undefined && typeof value.resourceType === 'string') continue;
    const inner = { value, type: isSibling && element !== undefined ? 'Element' : type };
    if (isFound && !isSingle) found.push({ value, type: baseOf(inner), element: undefined });
    pending.push(inner);
  }
}

const baseOf = ({ value, type }: Pending): string | undefined =>
  type === '' || typeof value.resourceType === 'string' ? undefined : type;

/** The members of lists, also of lists in lists, which only what R4 does not have can hold. */
const membersOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? value.flatMap(membersOf) : value === undefined ? [] : [value];
