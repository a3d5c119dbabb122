/**
 * Rules by general FHIRPath, of which a plain reading sees only part. Two questions are answered here: which nodes could
 * such an expression name at most, and does what it finds in an output prove that it found it in the source?
 */
import { r4Type, r4TypeNames } from '../r4/model.ts';
import type { GeneralPath, Step } from '../path/path.ts';

const leading = /^nodesBy(Type|Name)\((?:'([^']*)'|"([^"]*)")\)/;
const nameForm = /^[A-Za-z][A-Za-z0-9]*/;
const indexForm = /^\[\d+\]/;

/** Functions whose results are some of what they are asked of. */
const narrowing = new Set(['where', 'first', 'last', 'tail', 'skip', 'take', 'single', 'ofType', 'as']);

/** Length of a balanced `(…)` at the start of a text; quoted text counts as such. */
function callLength(text: string): number {
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === "'" || character === '"' || character === '`') quote = character;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return at + 1;
  }
  return 0;
}

/**
 * Steps that lead to all nodes that the expression may name, and maybe to more; undefined where there is no telling, as
 * after `descendants()` or for a union: then it may be any node.
 */
export function widestSteps({ expression }: GeneralPath): readonly Step[] | undefined {
  const steps: Step[] = [];
  let rest = expression;
  const search = leading.exec(rest);
  if (search !== null) {
    const word = search[2] ?? search[3] ?? '';
    steps.push(search[1] === 'Type' ? { kind: 'byType', type: word } : { kind: 'byName', name: word });
    rest = rest.slice(search[0].length);
  }
  for (let isFirst = search === null; rest !== ''; isFirst = false) {
    const index = indexForm.exec(rest)?.[0];
    if (index !== undefined && !isFirst) {
      rest = rest.slice(index.length);
      continue;
    }
    if (!isFirst) {
      if (!rest.startsWith('.')) return undefined;
      rest = rest.slice(1);
    }
    const name = nameForm.exec(rest)?.[0];
    if (name === undefined) return undefined;
    rest = rest.slice(name.length);
    if (!rest.startsWith('(')) {
      steps.push({ kind: 'name', name });
      continue;
    }
    const length = callLength(rest);
    const url = name === 'extension' ? /^\(\s*'([^']*)'\s*\)$/.exec(rest.slice(0, length))?.[1] : undefined;
    if (url !== undefined) steps.push({ kind: 'extension', url });
    else if (length === 0 || !narrowing.has(name)) return undefined;
    rest = rest.slice(length);
  }
  return steps;
}

/** Whether steps lead to elements' ids on purpose. */
export function endsInId(steps: readonly Step[]): boolean {
  const last = steps.at(-1);
  return (last?.kind === 'name' || last?.kind === 'byName') && last.name === 'id';
}

/** Whether an expression of which nobody can tell what it names has the word for elements' ids in it. */
export const mentionsId = ({ expression }: GeneralPath): boolean => /\bid\b/.test(expression.replace(quotedText, "''"));

/** Functions and operators by which more in the source never means less found. */
const harmless = new Set([
  ...['where', 'exists', 'ofType', 'as', 'startsWith', 'endsWith', 'contains', 'matches', 'and', 'or', 'true', 'false'],
  ...['nodesByType', 'nodesByName'],
]);

/** Elements to which the engine adds something of its own, or whose text it rewrites, whatever a policy says. */
const rewritten = new Set(
  'extension modifierExtension identifier reference type id meta url fullUrl contained system tag security display'.split(
    ' ',
  ),
);

const listNames = new Map<string, ReadonlySet<string>>();

/** Names of elements that are lists somewhere below a type; of any type where there is none. */
function listsBelow(type: string | undefined): ReadonlySet<string> {
  const known = listNames.get(type ?? '');
  if (known !== undefined) return known;
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = type === undefined || r4Type(type) === undefined ? [...r4TypeNames] : [type];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const element of r4Type(next)?.elements.values() ?? []) {
      if (element.isArray) found.add(element.name);
      if (element.type !== 'Extension') pending.push(element.type);
    }
  }
  listNames.set(type ?? '', found);
  return found;
}

const quotedText = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g;

/**
 * Names of what an expression's conditions look at, when finding something in an output proves that it was found in the
 * source as long as these values are unchanged; undefined where nothing is proved. Positions, negations and counts may
 * come out otherwise once other values are gone, as may `=` on a list: they are never evaluated.
 */
export function provingOperands({ expression, root }: GeneralPath): readonly string[] | undefined {
  const text = expression.replace(leading, 'it').replace(quotedText, "''");
  if (/[![\]|~%$@*/+<>{}-]/.test(text)) return undefined;
  const words = text.match(/[A-Za-z][A-Za-z0-9]*/g) ?? [];
  const called = new Set([...text.matchAll(/([A-Za-z][A-Za-z0-9]*)\s*\(/g)].map(([, name = '']) => name));
  if ([...called].some((name) => !harmless.has(name))) return undefined;
  const unknownOperators = ['not', 'xor', 'implies', 'div', 'mod', 'is', 'in'];
  if (words.some((word) => unknownOperators.includes(word))) return undefined;
  const operands = operandsOf(text);
  const search = leading.exec(expression);
  const lists = listsBelow(search?.[1] === 'Type' ? (search[2] ?? search[3]) : search === null ? root : undefined);
  return operands.some((name) => rewritten.has(name) || lists.has(name)) ? undefined : operands;
}

/** Names within the arguments of `where(…)` and the like. */
function operandsOf(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const token of text.match(/[A-Za-z][A-Za-z0-9]*|[()]/g) ?? []) {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    else if (depth > 0 && !harmless.has(token) && !/^[A-Z]/.test(token)) names.push(token);
  }
  return names;
}
