/**
 * A path of theirs as paths of ours: a union becomes a rule for each of its parts, `as` becomes `ofType`, and what never
 * matched there is told apart from what cannot be said here.
 */
import { r4ResourceTypes } from '../../r4/model.ts';
import { parseExpression } from '../path/library.ts';
import { parseRulePath } from '../path/rule-path.ts';
import { unparsePlain } from '../path/unparse.ts';
import type { Syntax } from '../path/unparse.ts';
import { endsOf } from './ends.ts';
import type { PathEnd } from './ends.ts';

export type ConvertedPath =
  | {
      readonly kind: 'path';
      readonly path: string;
      /** R4 elements that it can come to; undefined where only the data can tell. */
      readonly ends: readonly PathEnd[] | undefined;
    }
  /** Names nothing in Microsoft's tool either. */
  | { readonly kind: 'nothing'; readonly why: string }
  | { readonly kind: 'impossible'; readonly why: string };

const resourceAlone = /^[A-Z][A-Za-z]*$/;
const bases = new Set(['Resource', 'DomainResource']);

/** Looks through what only wraps. */
function inner(node: Syntax): Syntax {
  const only = node.children?.length === 1 ? node.children[0] : undefined;
  return only !== undefined && (node.text === undefined || node.type === 'ParenthesizedTerm') ? inner(only) : node;
}

function operandsOf(node: Syntax): Syntax[] {
  const found = inner(node);
  return found.type === 'UnionExpression' ? (found.children ?? []).flatMap(operandsOf) : [found];
}

/** A part of an expression on resources of a type, as a path that says so itself. */
function rooted(part: string, resourceType: string): ConvertedPath | string {
  const head = /^[A-Z][A-Za-z]*(?=\.|$)/.exec(part)?.[0];
  const isForAll = resourceType === '' || bases.has(resourceType);
  if (/^nodesBy(?:Type|Name)\(/.test(part)) return isForAll ? part : `${resourceType}.${part}`;
  if (head === undefined) return /^[a-z]/.test(part) ? `${isForAll ? 'Resource' : resourceType}.${part}` : part;
  if (bases.has(head) && !isForAll) return resourceType + part.slice(head.length);
  if (isForAll || head === resourceType) return part;
  return { kind: 'nothing', why: `${head} within a rule for ${resourceType}` };
}

const searched = /^nodesByType\(['"]([A-Za-z0-9]+)['"]\)/;

/** Resources are searched for by their own name here; types without a name of their own not at all. */
function searchedFor(path: string): ConvertedPath | string {
  const type = searched.exec(path)?.[1];
  if (type === undefined) return path;
  if (type === 'BackboneElement' || type === 'Element') {
    return { kind: 'impossible', why: `elements of a type without a name, which ${type} stands for` };
  }
  return r4ResourceTypes.has(type) ? type + path.replace(searched, '') : path;
}

function convertPart(part: string, resourceType: string): ConvertedPath {
  const from = rooted(part, resourceType);
  if (typeof from !== 'string') return from;
  const path = searchedFor(from);
  if (typeof path !== 'string') return path;
  if (!/^(?:[A-Z]|nodesBy(?:Type|Name)\()/.test(path)) {
    return { kind: 'impossible', why: 'a path that starts with neither a type nor nodesBy…' };
  }
  const ends = endsOf(path);
  if (ends === 'crosses') return { kind: 'impossible', why: 'a path from one resource into another that stands in it' };
  if (ends === 'unknown-type') return { kind: 'nothing', why: 'a type that R4 does not have' };
  if (ends?.length === 0) return { kind: 'nothing', why: 'an element that R4 does not have' };
  return { kind: 'path', path, ends };
}

/** Converts a rule's path. */
export function convertPath(text: string): readonly ConvertedPath[] {
  const { resourceType } = parseRulePath(text, true);
  if (resourceAlone.test(text)) return [convertPart(text, '')];
  try {
    return operandsOf(parseExpression(text)).map((part) => convertPart(unparsePlain(part), resourceType));
  } catch {
    return [{ kind: 'impossible', why: 'a path that FHIRPath cannot read' }];
  }
}
