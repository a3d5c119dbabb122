/**
 * A FHIRPath expression written anew for the library, so that it means what Firely takes it for: `as`, `is` and `ofType`
 * compare type names exactly, on any number of nodes, and need not be R4's. Whatever is not about types stays as it is.
 * Source: Firely's TypeOperators.cs; the tree is that of fhirpath.js, https://github.com/HL7/fhirpath.js
 */

export interface Syntax {
  readonly type: string;
  readonly text?: string;
  /** Of a quantity: `4` and `days`. */
  readonly value?: string;
  readonly unit?: string;
  readonly children?: readonly Syntax[];
}

const binary = new Set([
  'UnionExpression',
  'EqualityExpression',
  'InequalityExpression',
  'AdditiveExpression',
  'MultiplicativeExpression',
  'MembershipExpression',
  'AndExpression',
  'OrExpression',
  'XorExpression',
  'ImpliesExpression',
]);

const variables = new Map([
  ['ThisInvocation', '$this'],
  ['IndexInvocation', '$index'],
  ['TotalInvocation', '$total'],
]);

const typeFunctions = new Set(['as', 'is', 'ofType']);

/** Firely's older names for functions that the library knows by their present name. */
const renamed = new Map([['any', 'exists']]);

const quoted = (text: string): string => `'${text.replaceAll('`', '').replaceAll("'", "\\'")}'`;

const childOf = (node: Syntax, at: number): Syntax => {
  const child = node.children?.[at];
  if (child === undefined) throw new Error(`fhirpath syntax: ${node.type}`);
  return child;
};

/** The dotted name that an expression is, such as the `FHIR.Quantity` of `ofType(FHIR.Quantity)`. */
function nameOf(node: Syntax): string {
  if (node.type === 'StringLiteral') return (node.text ?? '').slice(1, -1);
  if (node.children === undefined || node.children.length === 0) return node.text ?? '';
  return node.children.map(nameOf).join('.');
}

function callText(node: Syntax): string {
  const functn = childOf(node, 0);
  const name = childOf(functn, 0).text ?? '';
  const parameters = functn.children?.[1]?.children ?? [];
  if (typeFunctions.has(name)) return `${name}(${parameters.map((parameter) => quoted(nameOf(parameter))).join(', ')})`;
  return `${renamed.get(name) ?? name}(${parameters.map(unparse).join(', ')})`;
}

interface Style {
  readonly call: (node: Syntax, style: Style) => string;
  readonly type: (node: Syntax, style: Style) => string;
}

const firelyStyle: Style = {
  call: callText,
  type: (node, style) => `(${write(childOf(node, 0), style)}).${node.text ?? ''}(${quoted(nameOf(childOf(node, 1)))})`,
};

/** As it was written, but `x as T` and `x.as(T)` as `x.ofType(T)`, without the brackets that `as` needed. */
const plainStyle: Style = {
  call: (node, style) => {
    const functn = childOf(node, 0);
    const name = childOf(functn, 0).text ?? '';
    const parameters = (functn.children?.[1]?.children ?? []).map((parameter) => write(parameter, style));
    return `${name === 'as' ? 'ofType' : name}(${parameters.join(', ')})`;
  },
  type: (node, style) => {
    const [left, type] = [write(childOf(node, 0), style), nameOf(childOf(node, 1))];
    return node.text === 'as' ? `${left}.ofType(${type})` : `${left} is ${type}`;
  },
};

/** The text of a syntax tree, as Firely means it. */
export const unparse = (node: Syntax): string => write(node, firelyStyle);

/** The text of a syntax tree, as it was written. */
export const unparsePlain = (node: Syntax): string => write(node, plainStyle);

/** Brackets around `x as T` are no longer needed when it is written as a call. */
const isCast = (node: Syntax): boolean => {
  if (node.type === 'TypeExpression') return node.text === 'as';
  return node.children?.length === 1 && node.text === undefined && isCast(node.children[0] ?? node);
};

function write(node: Syntax, style: Style): string {
  const variable = variables.get(node.type);
  if (variable !== undefined) return variable;
  if (binary.has(node.type)) {
    return `${write(childOf(node, 0), style)} ${node.text ?? ''} ${write(childOf(node, 1), style)}`;
  }
  switch (node.type) {
    case 'TypeExpression':
      return style.type(node, style);
    case 'InvocationExpression':
      return `${write(childOf(node, 0), style)}.${write(childOf(node, 1), style)}`;
    case 'IndexerExpression':
      return `${write(childOf(node, 0), style)}[${write(childOf(node, 1), style)}]`;
    case 'PolarityExpression':
      return `${node.text ?? ''}${write(childOf(node, 0), style)}`;
    case 'ParenthesizedTerm': {
      const content = childOf(node, 0);
      return style === plainStyle && isCast(content) ? write(content, style) : `(${write(content, style)})`;
    }
    case 'FunctionInvocation':
      return style.call(node, style);
    case 'ExternalConstantTerm':
      return `%${node.text ?? ''}`;
    case 'QuantityLiteral':
      return `${node.value ?? ''} ${node.unit ?? ''}`;
    case 'NullLiteral':
      return '{}';
    default: {
      const only = node.children?.length === 1 ? node.children[0] : undefined;
      if (only !== undefined && (node.text === undefined || only.type === 'QuantityLiteral')) return write(only, style);
      if (node.text === undefined) throw new Error(`fhirpath syntax: ${node.type}`);
      return node.text;
    }
  }
}

/** Names of the functions that an expression calls. */
export function functionsIn(node: Syntax): string[] {
  const own = node.type === 'FunctionInvocation' ? [childOf(childOf(node, 0), 0).text ?? ''] : [];
  return [...own, ...(node.children ?? []).flatMap(functionsIn)];
}
