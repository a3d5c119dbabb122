import type { Json } from '../fhir/resource.ts';
import { isObject } from './json.ts';

/**
 * The pattern language of access policies, the part of it that policies commonly use: nested objects by key, `#regex`,
 * arrays by position, `present?`, `nil?`, `not-blank?`, `$enum`, `$one-of`, `$not`, `$contains`, `$every`.
 * Source: Aidbox docs, page "AccessPolicy", section "Matcho".
 */
export function matches(pattern: Json, value: Json | undefined): boolean {
  if (typeof pattern === 'string') return matchesText(pattern, value);
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((item, index) => matches(item, value[index]));
  }
  if (!isObject(pattern)) return pattern === (value ?? null);
  return Object.entries(pattern).every(([key, expected]) => {
    if (key.startsWith('$')) return matchesOperator(key, expected, value);
    return matches(expected, isObject(value) ? value[key] : undefined);
  });
}

function matchesText(pattern: string, value: Json | undefined): boolean {
  switch (pattern) {
    case 'present?':
      return value !== undefined && value !== null;
    case 'nil?':
      return value === undefined || value === null;
    case 'not-blank?':
      return typeof value === 'string' && value.trim() !== '';
    default:
      if (pattern.startsWith('#')) return typeof value === 'string' && regex(pattern.slice(1)).test(value);
      return pattern === value;
  }
}

function matchesOperator(operator: string, expected: Json, value: Json | undefined): boolean {
  switch (operator) {
    case '$enum':
      return Array.isArray(expected) && expected.some((item) => item === value);
    case '$one-of':
      return Array.isArray(expected) && expected.some((item) => matches(item, value));
    case '$not':
      return !matches(expected, value);
    case '$contains':
      return Array.isArray(value) && value.some((item) => matches(expected, item));
    case '$every':
      return Array.isArray(value) && value.every((item) => matches(expected, item));
    default:
      // An operator that is not known here must not let anybody in.
      return false;
  }
}

const compiled = new Map<string, RegExp>();

function regex(source: string): RegExp {
  let found = compiled.get(source);
  if (found === undefined) {
    found = new RegExp(source);
    compiled.set(source, found);
  }
  return found;
}
