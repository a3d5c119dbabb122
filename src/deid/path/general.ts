/**
 * General FHIRPath: evaluated by the library for the resources it starts at, and led back to the places in the JSON
 * that its results stand for. A leading `nodesByType` or `nodesByName` is done here, by R4's types.
 */
import type { JsonObject } from '../../fhir/resource.ts';
import { r4Type } from '../r4/model.ts';
import { isObject } from '../shape.ts';
import { compileToNodes, fhirPathMistake, parseExpression } from './fhirpath.ts';
import { leftOutBy } from './left-out.ts';
import { isOfName, isOfType, nodesBelow } from './search.ts';
import type { Searched } from './search.ts';
import { unionParts } from './union.ts';
import type { Evaluate, LibraryNode } from './fhirpath.ts';
import type { GeneralPath } from './path.ts';

/** What stands under a key (and index) of an object, with what stands beside it. */
export interface LocatedValue {
  readonly owner: JsonObject;
  readonly key: string;
  readonly index: number | undefined;
}

/** A place in a resource: an object, or a single value. */
export type Located = { readonly object: object } | LocatedValue;

const leading = /^nodesBy(Type|Name)\((?:'([^']*)'|"([^"]*)")\)\.?/;
const elsewhere = /nodesBy(?:Type|Name)\(/;

/** An extension asked for by its type: the library finds none, and the rule would do nothing in silence. */
const unknownType = /\b(?:is|as|ofType)\b\s*\(?\s*(?:FHIR\.)?`?Extension\b/;

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
  if (unknownType.test(rest.replace(/'(?:[^'\\]|\\.)*'/g, "''"))) {
    return "nodesByType('Extension') or .extension, since the library takes nothing for the type Extension";
  }
  return fhirPathMistake(rest) ?? leftOutMistake(rest);
}

/** An outermost `|` is no mistake: each of its parts is asked by itself. */
function leftOutMistake(expression: string): string | undefined {
  const found = unionParts(expression).map((part) => leftOutBy(parseExpression(part)));
  const by = found.find((one) => one !== undefined);
  if (by === undefined) return undefined;
  const instead = by === '|' ? ', or with the | outermost' : '';
  return `an expression without ${by}${instead}: it leaves out what equals something found before, and the rule would miss it`;
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
    const parts = unionParts(rest).map((part) => compileToNodes(part));
    return (resource) => parts.flatMap((evaluate) => located(evaluate(resource), reachesInside, resource));
  }
  const compiled = new Map<string, Evaluate>();
  const evaluateAt = ({ value, type: base, element }: Searched, part: string): readonly unknown[] => {
    // A single value has no node of its own to begin with: it is asked for from the object that holds it.
    const expression = element === undefined ? part : `\`${element}\`.select(${part})`;
    const name = `${base ?? ''} ${expression}`;
    let evaluate = compiled.get(name);
    if (evaluate === undefined) compiled.set(name, (evaluate = compileToNodes(expression, base)));
    return evaluate(value);
  };
  const isSought = search.by === 'Type' ? isOfType(search.word) : isOfName(search.word);
  const parts = unionParts(rest);
  return (resource, type) =>
    nodesBelow(resource, type, isSought).flatMap((node) =>
      parts.flatMap((part) => located(evaluateAt(node, part), reachesInside, node.value)),
    );
}

const isNode = (result: unknown): result is LibraryNode =>
  typeof result === 'object' && result !== null && 'parentResNode' in result && 'propName' in result;

const noPlace = (): Error => new Error('a rule whose expression names no place');

/**
 * The places that results stand for. The library wraps what it computes, and numbers even where it only reads them, so what
 * counts is what stands in the JSON at the place that a node says. A computed value stands nowhere: a rule whose expression
 * gives one would do nothing in silence, so that is an error. `context`: what was asked.
 */
function located(results: readonly unknown[], reachesInside: boolean, context: JsonObject): Located[] {
  return results.flatMap((result): Located[] => {
    if (result === context) return [{ object: context }];
    if (!isNode(result)) throw noPlace();
    const { data, parentResNode: parent } = result;
    if (data === context) return [{ object: context }];
    if (parent === null) throw noPlace();
    return !reachesInside && isInsideAnother(parent) ? [] : [placeOf(result, parent)];
  });
}

function placeOf({ data, propName, path, index }: LibraryNode, parent: LibraryNode): Located {
  // What hangs on a primitive stands in the JSON beside it.
  const owner = isObject(parent.data) ? parent.data : parent._data;
  if (propName === null || !isObject(owner)) throw noPlace();
  const key = keyOf(owner, propName, path);
  const member = owner[key];
  const value = index !== null && Array.isArray(member) ? member[index] : member;
  if (isObject(value)) {
    if (value !== data) throw noPlace();
    return { object: value };
  }
  if (Array.isArray(value) && Object.hasOwn(owner, key)) throw noPlace();
  return { owner, key, index: index ?? undefined };
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
const uncapitalized = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/**
 * The JSON key of an element by its FHIRPath name: `valueString` for `value`, also where only its `_` sibling stands. Of two
 * choices in one object the library sees one, and R4 allows no more: that is an error.
 */
function keyOf(owner: JsonObject, name: string, type: string | null): string {
  const keys = new Set(Object.keys(owner).map((key) => (key.startsWith('_') ? key.slice(1) : key)));
  if (keys.has(name)) return name;
  const choices = [...keys].filter((key) => {
    const suffix = key.startsWith(name) ? key.slice(name.length) : '';
    return suffix === capitalized(suffix) && (r4Type(uncapitalized(suffix)) ?? r4Type(suffix)) !== undefined;
  });
  const [key] = choices;
  if (key === undefined || choices.length > 1 || (type !== null && key !== name + capitalized(type))) throw noPlace();
  return key;
}
