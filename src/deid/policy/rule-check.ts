/**
 * What the schema cannot say of a policy: whether a rule's method fits its path, and whether an earlier rule hides it.
 * Works on the raw document, so that these mistakes are reported together with the schema's.
 */
import { isKeyOfElement, parsePath, pathExpected } from './path.ts';
import { ruleMethods } from './policy.ts';
import type { PolicyPath } from './path.ts';

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

/** What is wrong between a rule's method and its path; undefined when they fit. */
function mismatch(method: string, path: PolicyPath): string | undefined {
  const segments = path.kind === 'name' ? [path.name] : path.segments;
  const wholeType = path.kind === 'type' && segments.length === 0;
  if (method === 'drop-resource') return wholeType ? undefined : 'a resource type alone, for drop-resource';
  if (method === 'redact-answers') {
    const fits = path.kind === 'type' && path.type === 'QuestionnaireResponse' && segments.join('.') === 'item';
    return fits ? undefined : 'QuestionnaireResponse.item, for redact-answers';
  }
  const whole = wholeType || (path.kind === 'reference' && segments.length === 0 && method !== 'redact');
  if (whole && method !== 'keep') return 'an element of the type, or the method drop-resource';
  if (path.kind === 'type' && (segments[0] === 'id' || segments[0] === 'resourceType')) {
    return 'no rule: resourceType always passes, id is always pseudonymized';
  }
  return undefined;
}

/** Whether every node that `later` can touch is `earlier`'s already. */
function hides(earlier: PolicyPath, later: PolicyPath): boolean {
  if (earlier.kind === 'name') {
    const names = later.kind === 'name' ? [later.name] : later.segments;
    return names.some((name) => isKeyOfElement(earlier.name, name));
  }
  if (later.kind === 'name' || earlier.kind !== later.kind) return false;
  if (earlier.kind === 'type' && later.kind === 'type' && earlier.type !== undefined && earlier.type !== later.type) {
    return false;
  }
  // A contained resource of the type is judged apart, so only element paths hide one another.
  return (
    earlier.segments.length > 0 &&
    earlier.segments.length <= later.segments.length &&
    earlier.segments.every((segment, index) => isKeyOfElement(segment, later.segments[index] ?? ''))
  );
}

/** The mistakes of a document that need more than its shape, as far as it has one. */
export function checkRules(document: unknown): RawProblem[] {
  if (!isRecord(document)) return [];
  const problems: RawProblem[] = [];
  if (document.default === undefined && document.extends === undefined) {
    problems.push({ at: ['default'], found: 'nothing', expected: "'keep' or 'drop', written out" });
  }
  const rules: unknown[] = Array.isArray(document.rules) ? document.rules : [];
  const earlier: { path: PolicyPath; index: number }[] = [];
  for (const [index, rule] of rules.entries()) {
    if (!isRecord(rule) || typeof rule.path !== 'string') continue;
    const path = parsePath(rule.path);
    if (typeof rule.method !== 'string' || !ruleMethods.includes(rule.method)) {
      // Without a method the schema does not look at the rest of a rule.
      if (path === undefined) problems.push({ at: ['rules', index, 'path'], expected: pathExpected });
      continue;
    }
    if (path === undefined) continue;
    const wrong = mismatch(rule.method, path);
    if (wrong !== undefined) problems.push({ at: ['rules', index, 'path'], expected: wrong });
    if (rule.method === 'redact-answers') {
      const params = isRecord(rule.params) ? rule.params : {};
      const count = [params.linkIds, params.texts].flat().filter((word) => word !== undefined).length;
      if (count === 0) problems.push({ at: ['rules', index, 'params'], expected: 'linkIds or texts, at least one' });
      continue; // takes some items only: hides nothing, and several may stand side by side
    }
    const hiding = earlier.find((candidate) => hides(candidate.path, path));
    if (hiding !== undefined) {
      const expected = `a path that rules[${String(hiding.index)}] does not take first`;
      problems.push({ at: ['rules', index, 'path'], expected });
    }
    earlier.push({ path, index });
  }
  return problems;
}
