/**
 * The text of a configuration as values with line numbers. Microsoft's files are JSON as Newtonsoft reads it, which allows
 * comments, commas at the end and single quotes; fhir-pseudonymizer's are YAML. One YAML parser reads both.
 */
import { LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { PolicyProblem } from '../../policy/rule-check.ts';

export interface ConfigText {
  readonly isJson: boolean;
  readonly value: unknown;
  /** The line of a key or value, or of the nearest enclosing one. */
  readonly lineOf: (at: readonly PropertyKey[]) => number | undefined;
}

export type ConfigTextReading =
  { readonly ok: true; readonly text: ConfigText } | { readonly ok: false; readonly problems: PolicyProblem[] };

const comments = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\t/g;

/** JSON without comments, every character at its place, so that lines stay; tabs are no indentation to YAML. */
const plainJson = (text: string): string =>
  text.replace(comments, (match) => (/^["']/.test(match) ? match : match.replace(/[^\n]/g, ' ')));

const isJsonText = (text: string): boolean => /^\s*(?:\/\/[^\n]*\s*|\/\*[\s\S]*?\*\/\s*)*[{[]/.test(text);

function nodeLine(yaml: Document.Parsed, lines: LineCounter, at: readonly PropertyKey[]): number | undefined {
  for (let depth = at.length; depth >= 0; depth--) {
    const parent: unknown = depth === 0 ? undefined : yaml.getIn(at.slice(0, depth - 1), true);
    const step = at[depth - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === step) : undefined;
    const node: unknown = pair?.key ?? (depth === 0 ? yaml.contents : yaml.getIn(at.slice(0, depth), true));
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/** Parses a text; syntax errors and repeated keys come back as problems. */
export function readConfigText(source: string): ConfigTextReading {
  const bare = source.replace(/^\ufeff/, '');
  const isJson = isJsonText(bare);
  const lines = new LineCounter();
  // fhir-pseudonymizer's reader takes every scalar for a text: an unquoted 036 is no number.
  const schema = isJson ? 'core' : 'failsafe';
  const yaml = parseDocument(isJson ? plainJson(bare) : bare, { lineCounter: lines, schema });
  if (yaml.errors.length > 0) {
    const expected = `one ${isJson ? 'JSON' : 'YAML'} document without syntax errors or repeated keys`;
    const problems = yaml.errors.map(({ pos, code }) => {
      return { path: '', line: lines.linePos(pos[0]).line, found: code, expected };
    });
    return { ok: false, problems };
  }
  try {
    const value: unknown = yaml.toJS();
    return { ok: true, text: { isJson, value, lineOf: (at) => nodeLine(yaml, lines, at) } };
  } catch {
    // The parser refuses documents that blow up by their aliases.
    return { ok: false, problems: [{ path: '', found: 'unresolvable aliases', expected: 'a plain document' }] };
  }
}
