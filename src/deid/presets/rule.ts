/** Spells the two commonest rules of a preset in one line each, so that a list of them reads as a table. */
import type { GuardClass, PolicyRule } from '../policy/document.ts';

/** A row of Safe Harbor, 164.514(b)(2)(i). */
export type HipaaRow = NonNullable<PolicyRule['hipaa']>;

export const keep = (path: string, reason: string): PolicyRule => ({ path, method: 'keep', reason });

export const redact = (path: string, hipaa: HipaaRow, reason: string, guard?: GuardClass): PolicyRule => ({
  path,
  method: 'redact',
  hipaa,
  reason,
  ...(guard === undefined ? {} : { guard }),
});

/** A type that cannot be cleared element by element. */
export const dropResource = (path: string, hipaa: HipaaRow, reason: string): PolicyRule => ({
  path,
  method: 'dropResource',
  hipaa,
  reason,
});
