/**
 * General FHIRPath: evaluated by the library for the resources it starts at, and led back to the places in the JSON
 * that its results stand for. A leading `nodesByType` or `nodesByName` is done here, by R4's types.
 */
import type { JsonObject } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import { compileToNodes, fhirPathMistake } from './fhirpath.ts';
import type { Evaluate, LibraryNode } from './fhirpath.ts';
import type { GeneralPath } from './path.ts';

/** A place in a resource: an object, or what stands under a key (and index) of one. */
export type Located =
  | { readonly object: object }
  | { readonly owner: JsonObject; readonly key: string; readonly index: number | undefined };

const leading = /^nodesBy(Type|Name)\((?:'([^']*)'|"([^"]*)")\)\.?/;
const elsewhere = /nodesBy(?:Type|Name)\(/;

interface Parts {
  readonly search: { readonly by: 'Type' | 'Name'; readonly word: string } | undefined;
  readonly rest: string;
}

function partsOf({ expression }: GeneralPath): Parts {
  const match = leading.exec(expression);
  if (match === null) return { search: undefined, rest: expression };
  const by = match[1] === 'Type' ? 'Type' : 'Name';
  return { search: { by, word: match[2] ?? match[3] ?? '' }, rest: expression.slice(match[0].length) };
}

/** What is wrong with a general path; undefined when it can run. */
export function generalPathMistake(path: GeneralPath): string | undefined {
  const { search, rest } = partsOf(path);
  if (elsewhere.test(rest)) return 'nodesByType and nodesByName at the beginning only';
  if (search?.by === 'Type' && r4Type(search.word)?.kind === 'primitive') {
    return `nodesByType('${search.word}') alone, since nothing stands below a primitive type`;
  }
  return fhirPathMistake(rest);
}

/**
 * Finds what an expression names in a resource. `reachesInside`: also in resources inside it, for rules that remove; what
 * lets pass there is judged by their own types' rules.
 * Throws what the library throws, whose text may quote data.
 */
export function compileGeneral(
  path: GeneralPath,
  reachesInside: boolean,
): (resource: JsonObject, type: string) => Located[] {
  const { search, rest } = partsOf(path);
  if (search === undefined) {
    const evaluate = compileToNodes(rest);
    return (resource) => located(evaluate(resource), reachesInside);
  }
  const byBase = new Map<string, Evaluate>();
  return (resource, type) =>
    nodesBelow(resource, type)
      .filter(({ name, type: of }) => (search.by === 'Type' ? of === search.word : name === search.word))
      .flatMap(({ value, type: base }) => {
        let evaluate = byBase.get(base);
        if (evaluate === undefined) byBase.set(base, (evaluate = compileToNodes(rest, base)));
        return located(evaluate(value), reachesInside);
      });
}

/** The objects below a resource with their R4 types, resources inside it left out. */
function nodesBelow(resource: JsonObject, type: string): { value: JsonObject; name: string; type: string }[] {
  const found: { value: JsonObject; name: string; type: string }[] = [];
  const pending: { value: JsonObject; type: string }[] = [{ value: resource, type }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [key, element] of r4Type(next.type)?.elements ?? []) {
      if (!Object.hasOwn(next.value, key) || element.type === 'Resource') continue;
      const member = next.value[key];
      for (const value of Array.isArray(member) ? member : [member]) {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
        found.push({ value, name: element.name, type: element.type });
        pending.push({ value, type: element.type });
      }
    }
  }
  return found;
}

const isNode = (result: unknown): result is LibraryNode =>
  typeof result === 'object' && result !== null && 'parentResNode' in result && 'propName' in result;

/**
 * The places that results stand for. A computed value stands nowhere: a rule whose expression gives one would do nothing
 * in silence, so that is an error.
 */
function located(results: readonly unknown[], reachesInside: boolean): Located[] {
  return results.flatMap((result): Located[] => {
    if (!isNode(result)) throw new Error('a rule whose expression names no place');
    const { data, parentResNode, propName, path, index } = result;
    if (!reachesInside && isInsideAnother(parentResNode)) return [];
    if (typeof data === 'object' && data !== null) return [{ object: data }];
    const owner = parentResNode?.data;
    if (propName === null || typeof owner !== 'object' || owner === null || Array.isArray(owner)) return [];
    return keysOf(owner, propName, path).map((key) => ({ owner, key, index: index ?? undefined }));
  });
}

/** Whether a node stands in a resource inside the one that was asked: that one is judged by its own rules. */
function isInsideAnother(parent: LibraryNode | null): boolean {
  for (let node = parent; node?.parentResNode != null; node = node.parentResNode) {
    const { data } = node;
    if (typeof data === 'object' && data !== null && !Array.isArray(data) && typeof data.resourceType === 'string')
      return true;
  }
  return false;
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * The JSON keys of an element by its FHIRPath name: `valueString` for `value`, also where only its `_` sibling stands. Where
 * its type does not tell, all there are.
 */
function keysOf(owner: JsonObject, name: string, type: string | null): string[] {
  const isThere = (key: string): boolean => Object.hasOwn(owner, key) || Object.hasOwn(owner, `_${key}`);
  if (isThere(name)) return [name];
  const typed = name + capitalized(type ?? '');
  if (isThere(typed)) return [typed];
  const plain = Object.keys(owner).map((key) => (key.startsWith('_') ? key.slice(1) : key));
  return plain.filter((key) => {
    const suffix = key.startsWith(name) ? key.slice(name.length) : '';
    return suffix !== '' && (r4Type(suffix.charAt(0).toLowerCase() + suffix.slice(1)) ?? r4Type(suffix)) !== undefined;
  });
}
