/**
 * What the schema cannot say of a policy: whether a rule's path names anything in R4, whether its method fits there, and
 * whether an earlier rule hides it. Works on the raw document, so that these mistakes are reported together with the schema's.
 */
import { methodFor } from '../methods/index.ts';
import { fhirPathMistake } from '../path/fhirpath.ts';
import { generalPathMistake } from '../path/general.ts';
import { parsePath, pathExpected } from '../path/path.ts';
import type { PolicyPath } from '../path/path.ts';
import { isPrimitiveType } from '../plan/child.ts';
import { isR4DataType, r4ResourceTypes } from '../r4/model.ts';
import { ruleMethods, ruleSchema } from './document.ts';
import type { PolicyRule } from './document.ts';
import { droppedBy, takenBy } from './hidden.ts';
import type { Earlier } from './hidden.ts';
import { elementsBelow, PathReader } from './path-nodes.ts';
import type { PathNode } from './path-nodes.ts';
import { valueMistake } from './value-forms.ts';

/** One mistake in a policy document. */
export interface PolicyProblem {
  /** Where in the document, as `rules[3].method`; empty for the document itself. */
  readonly path: string;
  /** Line in the YAML text, from 1, where there is a text. */
  readonly line?: number;
  readonly found: string;
  readonly expected: string;
}

/** A mistake before its path is written out and its line looked up. */
export interface RawProblem {
  readonly at: readonly PropertyKey[];
  /** True when the mistake is the key itself, not its value. */
  readonly key?: boolean;
  readonly found?: string;
  readonly expected: string;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const answersPath = 'QuestionnaireResponse.item.answer';

/** Whether R4 has no say over a rule's path. */
const isCustom = (rule: Record<string, unknown>): boolean => rule.custom === true;

/** What is wrong with a rule's path by itself, or between it and the method. */
function pathMistake(rule: Record<string, unknown>, path: PolicyPath): string | undefined {
  if (rule.answersTo !== undefined && String(rule.path).trim() !== answersPath) return `${answersPath}, with answersTo`;
  if (path.kind === 'general') {
    if (path.root !== undefined && !r4ResourceTypes.has(path.root) && path.root !== 'DomainResource') {
      return 'an expression that starts with a resource type of R4';
    }
    return rule.method === 'dropResource' ? 'a resource type alone, for dropResource' : generalPathMistake(path);
  }
  const [first] = path.steps;
  if (rule.method === 'dropResource')
    return first === undefined ? undefined : 'a resource type alone, for dropResource';
  if (first === undefined && rule.method !== 'keep') return 'an element of the type, or the method dropResource';
  const isOwn = first?.kind === 'name' && (first.name === 'id' || first.name === 'resourceType');
  return isOwn ? 'no rule: resourceType always passes, id is always pseudonymized' : undefined;
}

/** Primitive types at or below a node, extensions and ids left out. */
function leafTypes(node: PathNode): Set<string> {
  if (isPrimitiveType(node.type)) return new Set([node.type]);
  const types = elementsBelow(node.type)
    .filter(({ owner, element }) => owner !== 'Extension' && element.name !== 'id')
    .map(({ element }) => element.type);
  return new Set(types.filter(isPrimitiveType));
}

const asIs = new Set(['keep', 'redact', 'dropResource']);

/** Whether a method does anything at the nodes that its rule names; undefined when it does. */
function methodMistake(rule: PolicyRule, nodes: readonly PathNode[]): string | undefined {
  if (asIs.has(rule.method) || rule.method === 'plugin' || rule.method === 'substitute') return undefined;
  const types = new Set(nodes.flatMap((node) => [...leafTypes(node)]));
  if ([...types].some((type) => methodFor(rule, type, new Map()) !== undefined)) return undefined;
  return `a method that works on ${[...types].slice(0, 5).join(', ')}`;
}

/**
 * A constant that R4 does not have at a node: the engine writes it as it is. Every node counts, since a text that stands
 * for a Quantity gives invalid output as well.
 */
function constantMistake(rule: PolicyRule, nodes: readonly PathNode[], at: readonly PropertyKey[]): RawProblem[] {
  if (rule.method !== 'substitute') return [];
  const types = [...new Set(nodes.map(({ type }) => type))];
  for (const type of types) {
    const mistake = valueMistake(rule.params.with, type);
    if (mistake === undefined) continue;
    const where = types.length === 1 ? '' : `; the path leads to a ${type} as well: name one type, as with ofType()`;
    return [{ at: [...at, 'params', 'with', ...mistake.at], expected: `${mistake.expected}${where}` }];
  }
  return [];
}

/** FHIRPath inside a rule's params. */
function caseMistakes(rule: PolicyRule, index: number): RawProblem[] {
  if (rule.method !== 'generalize' || !('cases' in rule.params)) return [];
  return Object.entries(rule.params.cases)
    .filter(([condition, result]) => (fhirPathMistake(condition) ?? fhirPathMistake(result)) !== undefined)
    .map(([condition]) => ({
      at: ['rules', index, 'params', 'cases', condition],
      expected: 'FHIRPath on both sides, such as "$this < @1931-01-01": "@1930-01-01"',
    }));
}

/** The mistakes of one rule, given those before it. */
function ruleProblems(document: Record<string, unknown>, index: number, earlier: readonly Earlier[]): RawProblem[] {
  const rule = document;
  const at = ['rules', index];
  const path = typeof rule.path === 'string' ? parsePath(rule.path.trim(), isR4DataType) : undefined;
  if (path === undefined) return [{ at: [...at, 'path'], expected: pathExpected }];
  const mistake = pathMistake(rule, path);
  if (mistake !== undefined) return [{ at: [...at, 'path'], expected: mistake }];
  const parsed = ruleSchema.safeParse(rule);
  const cases = parsed.success ? caseMistakes(parsed.data, index) : [];
  const dropped = hiddenProblems(droppedBy(path, earlier), at);
  if (dropped.length > 0) return [...dropped, ...cases];
  if (path.kind === 'general' || isCustom(rule)) return cases;
  const taking = earlier.filter(({ compiled }) => compiled.method !== 'dropResource');
  const reading = new PathReader(taking.map(({ compiled }) => compiled)).read(path);
  if ('mistake' in reading) return [{ at: [...at, 'path'], expected: reading.mistake }, ...cases];
  if (!parsed.success || cases.length > 0) return cases;
  const misused = methodMistake(parsed.data, reading.nodes);
  if (misused !== undefined) return [{ at: [...at, 'method'], expected: misused }];
  const constant = constantMistake(parsed.data, reading.nodes, at);
  return constant.length > 0 ? constant : hiddenProblems(takenBy(reading.nodes, taking), at);
}

function hiddenProblems(rules: readonly number[], at: readonly PropertyKey[]): RawProblem[] {
  if (rules.length === 0) return [];
  const names = rules.map((index) => `rules[${String(index)}]`).join(', ');
  return [{ at: [...at, 'path'], expected: `a path that ${names} does not take first` }];
}

/** The mistakes of a document that need more than its shape, as far as it has one. */
export function checkRules(document: unknown): RawProblem[] {
  if (!isRecord(document)) return [];
  const problems: RawProblem[] = [];
  if (document.default === undefined && document.extends === undefined) {
    problems.push({ at: ['default'], found: 'nothing', expected: "'keep' or 'drop', written out" });
  }
  const rules: unknown[] = Array.isArray(document.rules) ? document.rules : [];
  const earlier: Earlier[] = [];
  for (const [index, rule] of rules.entries()) {
    if (!isRecord(rule) || typeof rule.path !== 'string') continue;
    if (typeof rule.method !== 'string' || !ruleMethods.includes(rule.method)) {
      // Without a method the schema does not look at the rest of a rule.
      const path = parsePath(rule.path.trim(), isR4DataType);
      if (path === undefined) problems.push({ at: ['rules', index, 'path'], expected: pathExpected });
      continue;
    }
    const found = ruleProblems(rule, index, earlier);
    problems.push(...found);
    const parsed = ruleSchema.safeParse(rule);
    const path = parsePath(rule.path.trim(), isR4DataType);
    if (parsed.success && path !== undefined) {
      const { method } = parsed.data;
      const passes = method !== 'redact' && method !== 'dropResource';
      earlier.push({ index, compiled: { method, path, text: rule.path, rule: parsed.data, passes } });
    }
  }
  return problems;
}

/** What a correct policy's author should know. */
export interface PolicyWarning {
  readonly path: string;
  readonly warning: string;
}

/** Choices that let more pass than the strict ones; they have to be written out, and are said. */
export function policyWarnings(resolved: {
  readonly default: string;
  readonly extensions: string;
  readonly modifierExtensions: string;
  readonly leakGuard: string;
}): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  if (resolved.default === 'keep') {
    warnings.push({ path: 'default', warning: 'keep: every field that no rule names passes, free text included' });
  }
  if (resolved.extensions === 'keep') {
    warnings.push({ path: 'extensions', warning: 'keep: extensions that no rule names pass' });
  }
  if (resolved.modifierExtensions === 'drop') {
    warnings.push({
      path: 'modifierExtensions',
      warning: 'drop: what is left may mean the opposite of what was meant',
    });
  }
  if (resolved.leakGuard === 'off') {
    warnings.push({ path: 'leakGuard', warning: 'off: a removed name may stand in notes, displays and narrative' });
  }
  return warnings;
}
