/**
 * Reads a policy from YAML (JSON is YAML) or from an object, and reports every mistake at once: where, what was found,
 * what is expected, and the line where there is a text.
 */
import { LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import { policySchema, ruleMethods } from './document.ts';
import type { PolicyDocument } from './document.ts';
import { checkRules } from './rule-check.ts';
import type { PolicyProblem, RawProblem } from './rule-check.ts';

export type { PolicyProblem } from './rule-check.ts';

export type PolicyReading =
  | { readonly ok: true; readonly policy: PolicyDocument }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

const foundLimit = 80;

function valueAt(root: unknown, at: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of at) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > foundLimit ? `${text.slice(0, foundLimit)}…` : text;
}

const pathText = (at: readonly PropertyKey[]): string =>
  at.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${String(step)}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'record' ? 'object' : issue.expected;
    case 'invalid_value':
      return issue.values.map(String).join(', ');
    case 'invalid_union':
      if (issue.path.at(-1) === 'method') return ruleMethods.join(', ');
      return issue.path.at(-1) === 'params' ? 'cases, zip3, numberStep, or numberMax with as' : 'another value';
    case 'too_big':
      return `at most ${String(issue.maximum)}`;
    case 'too_small':
      return `at least ${String(issue.minimum)}`;
    default:
      return issue.message;
  }
}

function schemaProblems(document: unknown): { problems: RawProblem[]; policy?: PolicyDocument } {
  const parsed = policySchema.safeParse(document);
  if (parsed.success) return { problems: [], policy: parsed.data };
  const problems = parsed.error.issues.flatMap((issue): RawProblem[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          at: [...issue.path, key],
          key: true,
          found: 'an unknown key',
          expected: 'no such key',
        }))
      : [{ at: issue.path, expected: expectedOf(issue) }],
  );
  return { problems };
}

/** The line of a mistake: its key's or value's, or the nearest enclosing one that the text has. */
function lineOf(yaml: Document.Parsed, lines: LineCounter, raw: RawProblem): number | undefined {
  for (let depth = raw.at.length; depth >= 0; depth--) {
    const parent: unknown = depth === 0 ? undefined : yaml.getIn(raw.at.slice(0, depth - 1), true);
    const step = raw.at[depth - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === step) : undefined;
    const node: unknown = pair?.key ?? (depth === 0 ? yaml.contents : yaml.getIn(raw.at.slice(0, depth), true));
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

const depthLevelsMax = 100;

/** Whether a document nests deeper than any policy does; an alias inside what it names makes a circle. */
function isTooDeep(document: unknown): boolean {
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthLevelsMax) return true;
    const objects = new Set(level.filter((value): value is object => typeof value === 'object' && value !== null));
    level = [...objects].flatMap((value): unknown[] => Object.values(value));
  }
  return false;
}

/** Reads and checks a policy document; mistakes come back as a value, never as an exception. */
export function readPolicy(source: unknown): PolicyReading {
  const lines = new LineCounter();
  const yaml = typeof source === 'string' ? parseDocument(source, { lineCounter: lines }) : undefined;
  if (yaml !== undefined && yaml.errors.length > 0) {
    const problems = yaml.errors.map((error) => ({
      path: '',
      line: lines.linePos(error.pos[0]).line,
      found: error.code,
      expected: 'one YAML document without syntax errors or repeated keys',
    }));
    return { ok: false, problems };
  }
  let document = source;
  try {
    if (yaml !== undefined) document = yaml.toJS();
  } catch {
    // The parser refuses documents that blow up by their aliases.
    return { ok: false, problems: [{ path: '', found: 'unresolvable aliases', expected: 'a plain document' }] };
  }
  if (isTooDeep(document)) {
    return {
      ok: false,
      problems: [{ path: '', found: 'values nested very deep, or in a circle', expected: 'a plain document' }],
    };
  }
  if (typeof document === 'object' && document !== null && 'fhirPathRules' in document) {
    // Others' rules pass by default and shift dates weakly: to be converted by somebody who reads what changes.
    const expected = 'a policy of ours: sluice policy convert FILE makes one of it';
    return { ok: false, problems: [{ path: 'fhirPathRules', found: "another tool's configuration", expected }] };
  }
  const { problems: shape, policy } = schemaProblems(document);
  const raw = [...shape, ...checkRules(document)];
  if (policy !== undefined && raw.length === 0) return { ok: true, policy };
  const problems = raw.map((problem) => {
    const line = yaml === undefined ? undefined : lineOf(yaml, lines, problem);
    const found = problem.found ?? describe(valueAt(document, problem.at));
    return { path: pathText(problem.at), ...(line === undefined ? {} : { line }), found, expected: problem.expected };
  });
  return { ok: false, problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}
