/** Methods on texts: mask by patterns, and generalize by FHIRPath cases. */
import type { Json } from '../../fhir/resource.ts';
import { maskNarrativePatterns, maskPatterns } from '../guard/patterns.ts';
import { compileOnValue } from '../path/fhirpath.ts';
import type { MaskKind } from '../policy/document.ts';
import { labelBits } from '../walk/context.ts';
import type { LeafMethod } from '../walk/context.ts';
import { Withheld } from '../shape.ts';

const maskable = new Set(['string', 'markdown', 'xhtml', '']);

/** `mask`: what has the form of an e-mail address, a telephone number, a date … becomes `[email]`, `[phone]`, `[date]` … */
export function mask(type: string, kinds: readonly MaskKind[]): LeafMethod | undefined {
  if (!maskable.has(type)) return undefined;
  return {
    label: labelBits.masked,
    apply(value) {
      if (typeof value !== 'string') return undefined;
      return type === 'xhtml' ? maskNarrativePatterns(value, kinds) : maskPatterns(value, kinds);
    },
  };
}

const remembered = 1_000;

/**
 * `generalize` with `cases`: the value of the first case whose condition is true of `$this`. Conditions are pure, so
 * results are remembered. A condition that fails withholds the resource: the library's errors quote the value.
 */
export function generalizeCases(
  type: string,
  cases: Readonly<Record<string, string>>,
  otherValues: 'redact' | 'keep',
): LeafMethod {
  const compiled = Object.entries(cases).map(([condition, result]) => ({
    condition: compileOnValue(condition, type),
    result: compileOnValue(result, type),
  }));
  const memo = new Map<string | number | boolean, Json | undefined>();
  const generalized = (value: string | number | boolean): Json | undefined => {
    try {
      const found = compiled.find(({ condition }) => condition(value)[0] === true);
      if (found === undefined) return otherValues === 'keep' ? value : undefined;
      return asJson(found.result(value)[0]);
    } catch {
      throw new Withheld('rule-failed');
    }
  };
  return {
    label: labelBits.generalized,
    apply(value) {
      if (memo.has(value)) return memo.get(value);
      const result = generalized(value);
      if (memo.size >= remembered) memo.clear();
      memo.set(value, result);
      return result;
    },
  };
}

/** FHIRPath's own dates and quantities print as they are written in FHIR. */
function asJson(result: unknown): Json | undefined {
  if (result === undefined || result === null) return undefined;
  if (typeof result === 'string' || typeof result === 'number' || typeof result === 'boolean') return result;
  return typeof result === 'object' ? (result as { toString(): string }).toString() : undefined;
}
