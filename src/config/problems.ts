/** A wrong configuration, told in one message: where, what was found, what is expected; never what may be a secret. */
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

export interface ConfigMistake {
  /** Path in the file, such as `streams[1].every`. */
  readonly path: string;
  readonly line?: number;
  readonly found: string;
  readonly expected: string;
}

export type Path = readonly PropertyKey[];

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

/** A YAML file with the line of each of its settings. */
export interface SourceFile {
  readonly value: unknown;
  readonly lineOf: (path: Path) => number | undefined;
  /** Mistakes of form that leave the rest readable. */
  readonly mistakes: readonly ConfigMistake[];
}

const wholeFile = '(the file)';

/** Parses YAML; where nothing can be read, the mistakes alone come back. */
export function parseSource(text: string): SourceFile | ConfigMistake[] {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  if (document.errors.length > 0) {
    return document.errors.map((error) => ({
      path: wholeFile,
      line: lines.linePos(error.pos[0]).line,
      found: `what is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      expected: 'one YAML document',
    }));
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    // Aliases that lead nowhere, or that would grow beyond all bounds. The parser's message may quote the text.
    return [{ path: wholeFile, found: 'aliases that cannot be resolved', expected: 'a YAML document without aliases' }];
  }
  const lineOfNode = (node: unknown): number | undefined =>
    isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
  return {
    value,
    lineOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const line = lineOfNode(nodeAt(document, path.slice(0, length)));
        if (line !== undefined) return line;
      }
      // A section that is missing stands nowhere.
      return path.length === 0 ? lineOfNode(document.contents) : undefined;
    },
    mistakes: repeatedKeys(document.contents, [], lineOfNode),
  };
}

/** The key of a setting, since its value may begin lines below, or the item of a list. */
function nodeAt(document: Document, path: Path): unknown {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (isMap(parent)) return parent.items.find((pair) => keyOf(pair.key) === key)?.key;
  return isSeq(parent) && typeof key === 'number' ? parent.items[key] : undefined;
}

const keyOf = (key: unknown): string => String(isScalar(key) ? key.value : '');

/** Of two settings with one name the last would win without a word. */
function repeatedKeys(node: unknown, path: Path, lineOf: (node: unknown) => number | undefined): ConfigMistake[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => repeatedKeys(item, [...path, index], lineOf));
  if (!isMap(node)) return [];
  const firstLine = new Map<string, number | undefined>();
  return node.items.flatMap(({ key, value }) => {
    const name = keyOf(key);
    const inside = repeatedKeys(value, [...path, name], lineOf);
    const line = lineOf(key);
    const first = firstLine.get(name);
    if (!firstLine.has(name)) {
      firstLine.set(name, line);
      return inside;
    }
    const found = `this setting again (first on line ${String(first)})`;
    return [
      { path: pathText([...path, name]), ...(line && { line }), found, expected: 'each setting once' },
      ...inside,
    ];
  });
}

/** `streams[1].every` of `['streams', 1, 'every']`. */
export function pathText(path: Path): string {
  if (path.length === 0) return wholeFile;
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${String(part)}]` : `${index === 0 ? '' : '.'}${nameText(part)}`,
    )
    .join('');
}

/** A name that is no word may be anything, such as a secret on the wrong side of a colon. */
const nameText = (part: PropertyKey): string => (/^[\w-]{1,64}$/.test(String(part)) ? String(part) : '(a name)');

/** A mistake that zod found: its place, and what is expected there. */
interface RawMistake {
  readonly path: Path;
  readonly found?: string;
  readonly expected: string;
}

/** zod's issues as mistakes, each with what stands there now; `unsound` are the places that hold nothing usable. */
export function mistakesOf(
  issues: readonly z.core.$ZodIssue[],
  source: SourceFile,
  schema: z.ZodType,
): { mistakes: ConfigMistake[]; unsound: Path[] } {
  const raw = issues.flatMap((issue) => rawMistakes(issue, [], source.value, schema));
  const mistakes = raw.map(({ path, found, expected }) => {
    const line = source.lineOf(path);
    return {
      path: pathText(path),
      ...(line === undefined ? {} : { line }),
      found: found ?? foundText(valueAt(source.value, path), schemaAt(schema, path)),
      expected,
    };
  });
  return { mistakes, unsound: raw.map(({ path }) => path) };
}

function rawMistakes(issue: z.core.$ZodIssue, above: Path, root: unknown, schema: z.ZodType): RawMistake[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    // The name of a setting within a secret may be the secret, as in `secret: { hunter2 }`.
    if (isSecret(schemaAt(schema, path))) return [{ path, expected: secretForm }];
    const known = namesAt(schema, path);
    const expected = known.length === 0 ? 'no such setting' : `no setting but ${known.join(', ')}`;
    return issue.keys.map((key) => ({ path: [...path, key], found: 'an unknown setting', expected }));
  }
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((branch) => isMeant(branch, path, root));
    // Within a secret no place is named: what stands there may be the secret.
    if (meant.length === 1 && !isSecret(schemaAt(schema, path)))
      return (meant[0] ?? []).flatMap((inner) => rawMistakes(inner, path, root, schema));
  }
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    return [{ path, found: 'a name of another form', expected: inner?.message ?? 'another name' }];
  }
  return [{ path, expected: expectation(issue) }];
}

/** Whether somebody who wrote this value had this alternative in mind: its own setting is there. */
const isMeant = (branch: readonly z.core.$ZodIssue[], path: Path, root: unknown): boolean =>
  branch.every(
    (issue) =>
      issue.code === 'unrecognized_keys' ||
      (issue.path.length > 0 && valueAt(root, [...path, ...issue.path.slice(0, 1)]) !== undefined),
  );

const typeTexts: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings',
};

function expectation(issue: z.core.$ZodIssue): string {
  const own = !/^(Invalid|Too (small|big)|Unrecognized)/.test(issue.message);
  if (own) return issue.message;
  if (issue.code === 'invalid_type') return typeTexts[issue.expected] ?? `a value of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  if (issue.code === 'too_small') return issue.origin === 'array' ? 'at least one entry' : 'a text that is not empty';
  return 'another value';
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

/** The schema of a setting, or `undefined` where there is no such setting. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return schemaAt(schema.unwrap() as z.ZodType, path);
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  if (schema instanceof z.ZodObject) {
    const inner = (schema.shape as Record<PropertyKey, z.ZodType | undefined>)[key];
    return inner && schemaAt(inner, rest);
  }
  if (schema instanceof z.ZodArray) return schemaAt(schema.element as z.ZodType, rest);
  if (schema instanceof z.ZodRecord) return schemaAt(schema.valueType as z.ZodType, rest);
  if (schema instanceof z.ZodUnion)
    return (schema.options as z.ZodType[]).map((option) => schemaAt(option, path)).find((found) => found !== undefined);
  return undefined;
}

function namesAt(schema: z.ZodType, path: Path): string[] {
  const at = schemaAt(schema, path);
  if (at instanceof z.ZodUnion) {
    const options = (at.options as z.ZodType[]).filter((option) => option instanceof z.ZodObject);
    return options.flatMap((option) => Object.keys(option.shape));
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** What is expected where a secret has to stand. */
export const secretForm = 'a secret as { env: NAME } or { file: path }, never the secret itself';

const secrets = new WeakSet<z.ZodType>();

/** Marks a schema as a secret's: what stands at its place is never told. */
export function markSecret<Schema extends z.ZodType>(schema: Schema): Schema {
  secrets.add(schema);
  return schema;
}

const isSecret = (schema: z.ZodType | undefined): boolean => schema !== undefined && secrets.has(schema);

/**
 * What was found, short. Only a value at the place of a plain setting is told: one at a secret's place, at an unknown
 * place, or where a group should be may be a secret.
 */
function foundText(value: unknown, schema: z.ZodType | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a group of settings';
  const plain = schema instanceof z.ZodString || schema instanceof z.ZodNumber || schema instanceof z.ZodEnum;
  if (isSecret(schema) || !(plain || schema instanceof z.ZodLiteral))
    return `a ${typeof value === 'string' ? 'text' : typeof value}`;
  if (value === '') return 'an empty text';
  // An address with a user, a query or a fragment.
  if (typeof value === 'string' && /[@?#]/.test(value)) return 'a text with @, ? or #';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
