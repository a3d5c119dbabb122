/**
 * One rule of a configuration, checked as Microsoft's validator checks it, and some things that it only finds later.
 * Source: Tools-for-Health-Data-Anonymization, AnonymizerConfigurationValidator.cs and Processors/Settings/*.cs
 */
import { expressionMistake } from '../path/library.ts';
import { parseRulePath } from '../path/rule-path.ts';
import { compatMethods, pseudonymizerMethods } from './document.ts';
import type {
  CompatAction,
  CompatDialect,
  CompatMethod,
  CompatRule,
  GeneralizeSettings,
  PerturbSettings,
} from './document.ts';
import { Fields, described, isRecord } from './fields.ts';
import type { FieldProblem } from './fields.ts';

const whole = (min: number, max: number) => (value: number) => Number.isInteger(value) && value >= min && value <= max;

function pathOf(rule: Fields): string {
  const path = rule.text('path', '');
  if (path.trim() === '') {
    rule.mistake('path', 'a FHIRPath expression');
    return '';
  }
  const { selector, expression } = parseRulePath(path, true);
  const wrong = selector.kind === 'general' ? expressionMistake(expression) : undefined;
  if (wrong !== undefined) rule.mistake('path', wrong);
  return path;
}

function methodOf(rule: Fields, dialect: CompatDialect): CompatMethod | undefined {
  const value = rule.get('method');
  const allowed = compatMethods.filter(
    (method) => dialect === 'fhir-pseudonymizer' || !pseudonymizerMethods.has(method),
  );
  const method = allowed.find((name) => typeof value === 'string' && name.toLowerCase() === value.toLowerCase());
  if (method === undefined) rule.mistake('method', allowed.join(', '));
  return method;
}

/** `replaceWith` as the text that .NET makes of it. */
function replacementOf(rule: Fields, isJson: boolean): string | null {
  if (!rule.has('replaceWith')) rule.mistake('replaceWith', 'a value or, for complex elements, an object');
  const value = rule.get('replaceWith');
  if (value === null || value === undefined) return null;
  if (!isJson && typeof value === 'string') return /^(?:|~|null|Null|NULL)$/.test(value) ? null : value;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function perturbOf(rule: Fields): PerturbSettings {
  if (!rule.has('span')) rule.mistake('span', 'a number that is not negative');
  return {
    span: rule.number('span', (value) => value >= 0, 'a number that is not negative') ?? 0,
    rangeType: rule.word('rangeType', ['fixed', 'proportional'], 'fixed'),
    roundTo: rule.number('roundTo', whole(0, 28), 'a whole number from 0 to 28'),
  };
}

function parsedCases(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

function generalizeOf(rule: Fields): GeneralizeSettings {
  const value = parsedCases(rule.get('cases'));
  const cases: [string, string][] = [];
  if (!isRecord(value)) rule.mistake('cases', 'an object of FHIRPath conditions and values');
  for (const [condition, result] of Object.entries(isRecord(value) ? value : {})) {
    const text = typeof result === 'string' ? result : String(result);
    const wrong = expressionMistake(condition) ?? expressionMistake(text);
    const at = [...rule.at, 'cases', condition];
    if (wrong !== undefined) rule.problems.push({ at, found: described(text), expected: wrong });
    cases.push([condition, text]);
  }
  return { cases, otherValues: rule.word('otherValues', ['redact', 'keep'], 'redact') };
}

function settingsOf(method: CompatMethod, rule: Fields, isJson: boolean): CompatAction {
  switch (method) {
    case 'cryptoHash': {
      const length = rule.number('truncateToMaxLength', whole(1, 2 ** 31 - 1), 'a whole number of at least 1');
      return { method, truncateToMaxLength: length };
    }
    case 'substitute':
      return { method, replaceWith: replacementOf(rule, isJson) };
    case 'perturb':
      return { method, ...perturbOf(rule) };
    case 'generalize':
      return { method, ...generalizeOf(rule) };
    case 'pseudonymize': {
      const domain = rule.text('domain', rule.text('namespace', '')) || undefined;
      const domainPrefix = rule.text('domain-prefix', rule.text('namespace-prefix', ''));
      return { method, domain, domainPrefix };
    }
    default:
      return { method };
  }
}

export interface RuleContext {
  readonly dialect: CompatDialect;
  readonly isJson: boolean;
  readonly problems: FieldProblem[];
}

/** Reads one rule; undefined where it is none. */
export function readRule(value: unknown, index: number, context: RuleContext): CompatRule | undefined {
  const at = ['fhirPathRules', index];
  if (!isRecord(value)) {
    context.problems.push({ at, found: described(value), expected: 'an object with path and method' });
    return undefined;
  }
  const rule = new Fields(value, at, context.problems);
  const path = pathOf(rule);
  const method = methodOf(rule, context.dialect);
  if (method === undefined) return undefined;
  return { path, ...settingsOf(method, rule, context.isJson) };
}
