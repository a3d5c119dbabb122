/**
 * FHIRPath that leaves out what equals something found before. A rule is meant for each place: one that asked in such a way
 * would treat the first of two equal names and let the second stand.
 * Source: https://hl7.org/fhirpath/N1/#subsetting, https://hl7.org/fhirpath/N1/#combining
 */

/** A node of the library's syntax tree. */
export interface SyntaxNode {
  readonly type: string;
  readonly text?: string;
  readonly children?: readonly SyntaxNode[];
}

/** `exclude` leaves out what equals one of the others, which is as bad. */
const leavingOut = new Set(['distinct', 'exclude', 'intersect', 'repeat', 'union']);

/** Functions whose arguments are asked for true or false: what is left out there is no place that a rule leads to. */
const asking = new Set(['all', 'exists', 'where']);

/** What of an expression leaves out equal places of its result: `distinct()`, or `|`; undefined where nothing does. */
export function leftOutBy(node: SyntaxNode): string | undefined {
  if (node.type === 'UnionExpression') return '|';
  const isCall = node.type === 'Functn';
  if (isCall && leavingOut.has(nameOf(node))) return `${nameOf(node)}()`;
  if (isCall && asking.has(nameOf(node))) return undefined;
  for (const child of node.children ?? []) {
    const found = leftOutBy(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A name may be written in backticks. */
const nameOf = ({ children }: SyntaxNode): string => (children?.[0]?.text ?? '').replaceAll('`', '');
