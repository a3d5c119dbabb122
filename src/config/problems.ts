/** A wrong configuration, told in one message: where, what was found, what is expected. */
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

export interface ConfigMistake {
  /** Path in the file, such as `streams[1].every`. */
  readonly path: string;
  readonly line?: number;
  readonly found: string;
  readonly expected: string;
}

/** Everything that is wrong with a configuration. The command exits with 2; nothing was started. */
export class ConfigProblem extends Error {
  readonly mistakes: readonly ConfigMistake[];

  constructor(file: string, mistakes: readonly ConfigMistake[]) {
    const lines = mistakes.map(({ path, line, found, expected }) => {
      const where = line === undefined ? '' : ` (line ${String(line)})`;
      return `  ${path}${where}: found ${found}; expected ${expected}`;
    });
    const count = mistakes.length === 1 ? '1 mistake' : `${String(mistakes.length)} mistakes`;
    super(`${file}: ${count}, nothing was started\n${lines.join('\n')}`);
    this.name = 'ConfigProblem';
    this.mistakes = mistakes;
  }
}

/** A YAML file with the line of each of its nodes. */
export interface SourceFile {
  readonly value: unknown;
  readonly lineOf: (path: readonly PropertyKey[]) => number | undefined;
}

/** Parses YAML; mistakes of form come back as mistakes. */
export function parseSource(text: string): SourceFile | ConfigMistake[] {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return document.errors.map((error) => ({
      path: '(the file)',
      line: lines.linePos(error.pos[0]).line,
      found: `no YAML (${error.code})`,
      expected: 'a YAML document',
    }));
  }
  return {
    value: document.toJS() as unknown,
    lineOf: (path) => {
      for (let length = path.length; length >= 0; length--) {
        const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
      }
      return undefined;
    },
  };
}

/** `streams[1].every` of `['streams', 1, 'every']`. */
export function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(the file)';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${String(part)}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** zod's issues as mistakes, each with what stands there now. */
export function mistakesOf(issues: readonly z.core.$ZodIssue[], source: SourceFile): ConfigMistake[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => mistake([...issue.path, key], source, 'no such setting'));
    }
    return [mistake(issue.path, source, expectation(issue))];
  });
}

function mistake(path: readonly PropertyKey[], source: SourceFile, expected: string): ConfigMistake {
  const line = source.lineOf(path);
  return {
    path: pathText(path),
    ...(line === undefined ? {} : { line }),
    found: foundText(valueAt(source.value, path)),
    expected,
  };
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return issue.message.startsWith('Invalid input') ? `a value of type ${issue.expected}` : issue.message;
  }
  if (issue.code === 'too_small') return issue.origin === 'array' ? 'at least one entry' : issue.message;
  return issue.message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

/** What was found, short. A value that may be a secret is in no place where this is called with it in clear. */
function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of settings';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
