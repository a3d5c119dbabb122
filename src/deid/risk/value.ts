/** Values as short hashes: what is compared here is never held, and memory does not grow with its size. */
import { hash } from 'node:crypto';

/** Sorted keys, so that the order in which an object was written does not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const codeOf = (coding: unknown): string => {
  const { system, code } = (coding ?? {}) as { system?: unknown; code?: unknown };
  return textOf(code) === '' ? '' : `${textOf(system)}|${textOf(code)}`;
};

/**
 * What a value says. Coded concepts by their codes alone: two spellings of one diagnosis are no diversity. Without codes by
 * their text.
 */
function meaning(value: unknown): string {
  if (typeof value !== 'object' || value === null) return canonical(value);
  if ('coding' in value && Array.isArray(value.coding)) {
    const codes = [...new Set(value.coding.map(codeOf))].filter((code) => code !== '').toSorted();
    if (codes.length > 0) return codes.join(' ');
  }
  if ('text' in value && typeof value.text === 'string') return value.text.trim().toLowerCase();
  if ('code' in value && !('value' in value)) return codeOf(value);
  return canonical(value);
}

/** 64 bits of SHA-256: among ten million values two share them with a chance below one in 300,000. */
export function hash64(text: string): bigint {
  return hash('sha256', text, 'buffer').readBigUInt64LE(0);
}

/** The hashes of some values, each value once. */
export const hashesOf = (values: readonly unknown[]): Set<bigint> =>
  new Set(values.map((value) => hash64(meaning(value))));
