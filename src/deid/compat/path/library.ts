/**
 * Expressions for the FHIRPath library: checked, and compiled so that they mean what Firely takes them for.
 * Sources: https://github.com/HL7/fhirpath.js; Firely's SymbolTableInit.cs
 */
import { quiet } from '../../path/fhirpath.ts';
import { CompatProblem } from '../problem.ts';
import type { Node } from '../tree/node.ts';
import { functions } from './firely.ts';
import { isLibraryNode, loadLibrary } from './load.ts';
import type { Evaluate } from './load.ts';
import { functionsIn, unparse } from './unparse.ts';
import type { Syntax } from './unparse.ts';
import { TreeView, plainValue } from './view.ts';

/** Functions that Firely's table has, and with it Microsoft's tool. */
const known = new Set(
  (
    'abs aggregate all allFalse allTrue any anyFalse anyTrue as ceiling children combine contains convertsToBoolean ' +
    'convertsToDate convertsToDateTime convertsToDecimal convertsToInteger convertsToLong convertsToQuantity ' +
    'convertsToString convertsToTime count decode defineVariable descendants distinct empty encode endsWith escape ' +
    'exclude exists exp extension first floor hasValue iif indexOf intersect is isDistinct join last lastIndexOf length ' +
    'ln log lower matches nodesByName nodesByType not now ofType power repeat replace replaceMatches round select single ' +
    'skip split sqrt startsWith subsetOf substring supersetOf tail take timeOfDay toBoolean toChars toDate toDateTime ' +
    'toDecimal toInteger toLong toQuantity toString toTime today trace trim truncate unescape union upper where'
  ).split(' '),
);

/** Operators that are words: after a dot Firely takes them for names, as in `text.div`; the library wants them quoted. */
const wordsAfterDot = /'(?:[^'\\]|\\.)*'|\.(div|mod|and|or|xor|implies)\b/g;

/** An expression's syntax tree. Throws on a syntax error. */
export const parseExpression = (expression: string): Syntax =>
  loadLibrary().library.parse(
    expression.replace(wordsAfterDot, (match, word: string | undefined) =>
      word === undefined ? match : `.\`${word}\``,
    ),
  );

/** What is wrong with an expression; undefined when it can be evaluated. */
export function expressionMistake(expression: string): string | undefined {
  let syntax: Syntax;
  try {
    syntax = parseExpression(expression);
    unparse(syntax);
  } catch {
    return 'a FHIRPath expression without syntax errors';
  }
  const unknown = functionsIn(syntax).find((name) => !known.has(name));
  return unknown === undefined ? undefined : `functions of FHIRPath, which ${unknown} is not`;
}

export type Select = (view: TreeView) => Node[];

/** An expression that names nodes of a resource. */
export function compileSelect(expression: string): Select {
  const { library, model } = loadLibrary();
  const options = { ...quiet, resolveInternalTypes: false, userInvocationTable: functions };
  const evaluate = library.compile(unparse(parseExpression(expression)), model, options);
  return (view) => {
    let found: unknown[];
    try {
      found = evaluate(view.json, { tree: view });
    } catch {
      throw new CompatProblem('path-failed'); // the library's message may quote data
    }
    return found.map((item) => {
      const node = isLibraryNode(item) ? view.nodeOf(item) : undefined;
      if (node === undefined) throw new CompatProblem('path-yields-value');
      return node;
    });
  };
}

/** An expression on one primitive node, as `$this`; results are plain values. May throw what the library throws. */
export function compileOnNode(expression: string): (node: Node) => unknown[] {
  const { library, model } = loadLibrary();
  const source = unparse(parseExpression(expression));
  const options = { ...quiet, userInvocationTable: functions, preciseMath: true };
  const byType = new Map<string, Evaluate>();
  return (node) => {
    if (node.value === undefined) return [];
    const value = plainValue(node.value);
    // The library cannot make a typed node of a bare number; it does without the type.
    const base = typeof value === 'number' ? '' : node.type;
    let evaluate = byType.get(base);
    if (evaluate === undefined) {
      evaluate = library.compile(base === '' ? source : { base, expression: source }, model, options);
      byType.set(base, evaluate);
    }
    return evaluate(value, { tree: new TreeView(node) });
  };
}
