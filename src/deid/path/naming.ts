/** What a path by general FHIRPath names on purpose, and what it only comes across as one of many. */
import type { GeneralPath } from './path.ts';

const quotedText = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;
const search = /^nodesBy(?:Type|Name)\((?:'([^']*)'|"([^"]*)")\)/;
const everywhere = /\b(?:descendants|children|repeat|repeatAll)\s*\(/;

/**
 * Whether an expression is written for the extensions that it leads into: one that searches everywhere for anything else
 * was not.
 */
export function namesExtensions({ expression }: GeneralPath): boolean {
  const found = search.exec(expression);
  const word = found?.[1] ?? found?.[2] ?? 'extension';
  return /^(?:E|e|modifierE)xtension$/.test(word) && !everywhere.test(expression.replace(quotedText, "''"));
}

/** Whether an expression names an element's id. */
export const namesId = ({ expression }: GeneralPath): boolean =>
  search.exec(expression)?.[1] === 'id' || /(?:^|\.)id(?![A-Za-z0-9(])/.test(expression.replace(quotedText, "''"));
