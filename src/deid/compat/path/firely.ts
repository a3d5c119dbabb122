/**
 * What Firely means by the functions that name nodes: exact types, `nodesByType` and `nodesByName`, children and
 * descendants by our tree.
 * Sources: Firely's SymbolTableInit.cs and TypeOperators.cs; Tools-for-Health-Data-Anonymization, FhirPathSymbolExtensions.cs
 */
import type { Node } from '../tree/node.ts';
import { isLibraryNode, loadLibrary } from './load.ts';
import type { LibraryContext } from './load.ts';
import type { LibraryNode } from './view.ts';

type UserFunction = (this: LibraryContext, found: readonly unknown[], ...args: string[]) => unknown;

/** The library's nodes of our node's children, each with ours. */
function childPairs(context: LibraryContext, parent: LibraryNode, node: Node): [LibraryNode, Node][] {
  const { library, model } = loadLibrary();
  return [...new Set(node.children.map((child) => child.name))].flatMap((name) => {
    const found = library.util.makeChildResNodes(context, parent, name, model);
    return node.named(name).flatMap((child, index): [LibraryNode, Node][] => {
      const made = found[index];
      return made === undefined ? [] : [[made, child]];
    });
  });
}

interface Below {
  readonly context: LibraryContext;
  readonly intoResources: boolean;
}

function below({ context, intoResources }: Below, parent: LibraryNode, node: Node): [LibraryNode, Node][] {
  return childPairs(context, parent, node)
    .filter(([, child]) => intoResources || !child.isResource)
    .flatMap(([made, child]): [LibraryNode, Node][] => [
      [made, child],
      ...below({ context, intoResources }, made, child),
    ]);
}

/** Library nodes with ours; computed values have none and are left out. */
const pairs = (context: LibraryContext, found: readonly unknown[]): [LibraryNode, Node][] =>
  found.filter(isLibraryNode).flatMap((item): [LibraryNode, Node][] => {
    const node = context.vars.tree.nodeOf(item);
    return node === undefined ? [] : [[item, node]];
  });

function searched(context: LibraryContext, found: readonly unknown[], fits: (node: Node) => boolean): LibraryNode[] {
  return pairs(context, found)
    .flatMap(([made, node]): [LibraryNode, Node][] => [
      [made, node],
      ...below({ context, intoResources: false }, made, node),
    ])
    .filter(([, node]) => fits(node))
    .map(([made]) => made);
}

/** Names of FHIRPath's own types that a computed value may have. */
const systemTypes = new Map([
  ['string', 'System.String'],
  ['boolean', 'System.Boolean'],
  ['number', 'System.Decimal'],
]);

function isOfType(context: LibraryContext, found: unknown, type: string): boolean {
  const node = isLibraryNode(found) ? context.vars.tree.nodeOf(found) : undefined;
  const typeOf = node === undefined ? undefined : `FHIR.${node.type}`;
  const name = typeOf ?? systemTypes.get(typeof found) ?? '';
  return type.includes('.') ? name === type : name === `System.${type}` || name === `FHIR.${type}`;
}

const text = { arity: { 1: ['String'] }, internalStructures: true };
const ofType: UserFunction = function (found, type) {
  return found.filter((item) => isOfType(this, item, type));
};

const table = (fn: UserFunction, shape: object = { internalStructures: true }): object => ({ ...shape, fn });

/** Functions of ours, and the library's own where Firely means something else by them. */
export const functions = {
  nodesByType: table(function (found, type) {
    return searched(this, found, (node) => node.type === type);
  }, text),
  nodesByName: table(function (found, name) {
    return searched(this, found, (node) => node.name === name);
  }, text),
  // Rules that are `nodesBy…` alone, where everything is interpreted: all below the resource, resources in it as well.
  tableByType: table(function (found, type) {
    return searchedBelow(this, found, (node) => node.type === type);
  }, text),
  tableByName: table(function (found, name) {
    return searchedBelow(this, found, (node) => node.name === name);
  }, text),
  ofType: table(ofType, text),
  as: table(ofType, text),
  is: table(function (found, type) {
    return found.length === 0 ? [] : isOfType(this, found[0], type);
  }, text),
  children: table(function (found) {
    return pairs(this, found).flatMap(([made, node]) => childPairs(this, made, node).map(([child]) => child));
  }),
  descendants: table(function (found) {
    const within = { context: this, intoResources: true };
    return pairs(this, found).flatMap(([made, node]) => below(within, made, node).map(([child]) => child));
  }),
};

function searchedBelow(
  context: LibraryContext,
  found: readonly unknown[],
  fits: (node: Node) => boolean,
): LibraryNode[] {
  const visit = (made: LibraryNode, node: Node): [LibraryNode, Node][] =>
    childPairs(context, made, node).flatMap(([child, of]): [LibraryNode, Node][] => [
      [child, of],
      ...(of.isResource ? [] : visit(child, of)),
    ]);
  return pairs(context, found)
    .flatMap(([made, node]) => visit(made, node))
    .filter(([, node]) => fits(node))
    .map(([made]) => made);
}
