/**
 * Generalization: the first condition that holds of a value gives the new one.
 * Source: Tools-for-Health-Data-Anonymization, GeneralizeProcessor.cs; Firely's CompiledExpression.cs and FhirJsonBuilder.cs
 */
import type { GeneralizeSettings } from '../config/document.ts';
import { compileOnNode, parseExpression } from '../path/library.ts';
import type { Syntax } from '../path/unparse.ts';
import { CompatProblem } from '../problem.ts';
import { NetDecimal } from '../tree/decimal.ts';
import { isPrimitive } from '../tree/node.ts';
import type { Node, NodeValue } from '../tree/node.ts';
import type { Method } from './method.ts';

/** .NET's number types, as far as an expression's form tells them. */
type NetType = 'int' | 'long' | 'decimal';

const isNumeric = (type: string): boolean => ['decimal', 'integer', 'positiveInt', 'unsignedInt'].includes(type);

function netType(syntax: Syntax, own: NetType): NetType | undefined {
  const [left, right] = (syntax.children ?? []).map((child) => netType(child, own));
  switch (syntax.type) {
    case 'ThisInvocation':
      return own;
    case 'NumberLiteral':
      return syntax.text?.includes('.') === true ? 'decimal' : 'int';
    case 'MultiplicativeExpression':
    case 'AdditiveExpression':
      if (left === undefined || right === undefined) return undefined;
      if (syntax.text === '/') return 'decimal';
      if (syntax.text === 'div') return left === 'int' && right === 'int' ? 'int' : 'long';
      if (left === 'decimal' || right === 'decimal') return 'decimal';
      return left === 'long' || right === 'long' ? 'long' : 'int';
    default:
      return syntax.children?.length === 1 ? left : undefined;
  }
}

/** Firely's `Predicate`: nothing counts as true, and so does anything that is no boolean. */
const holds = (found: readonly unknown[]): boolean => found.length !== 1 || found[0] !== false;

function valueOf(found: readonly unknown[], node: Node, isLong: boolean): NodeValue | undefined {
  if (found.length > 1) throw new CompatProblem('generalize-failed');
  const [value] = found;
  if (typeof value === 'number') {
    // A `long` on an element that is no integer is written as a text.
    if (isLong && node.type === 'decimal') return String(value);
    return Number.isInteger(value) ? value : NetDecimal.parse(String(value));
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value === undefined || value === null) return undefined;
  throw new CompatProblem('generalize-failed');
}

interface Case {
  readonly condition: (node: Node) => unknown[];
  readonly result: (node: Node) => unknown[];
  readonly syntax: Syntax;
}

function firstValue(cases: readonly Case[], node: Node): { readonly value: NodeValue | undefined } | undefined {
  try {
    const found = cases.find(({ condition }) => holds(condition(node)));
    if (found === undefined) return undefined;
    const own = node.type === 'decimal' ? 'decimal' : 'int';
    const isLong = isNumeric(node.type) && netType(found.syntax, own) === 'long';
    return { value: valueOf(found.result(node), node, isLong) };
  } catch {
    throw new CompatProblem('generalize-failed'); // the library's message may quote data
  }
}

/** `refusesComplex`: Microsoft's tool fails on elements that are not primitive, extensions of primitives included. */
export function generalize(settings: GeneralizeSettings, refusesComplex: boolean): Method {
  const cases = settings.cases.map(([condition, result]) => ({
    condition: compileOnNode(condition),
    result: compileOnNode(result),
    syntax: parseExpression(result),
  }));
  return (node) => {
    if (!isPrimitive(node.type)) {
      if (refusesComplex) throw new CompatProblem('generalize-not-primitive');
      return undefined;
    }
    if (node.value === undefined) return undefined;
    const found = firstValue(cases, node);
    if (found !== undefined) node.value = found.value;
    else if (settings.otherValues === 'redact') node.value = undefined;
    return 'generalize';
  };
}
