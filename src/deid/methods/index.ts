/** Makes each rule's method ready for the values of an element: the one place that knows all methods. */
import type { Json } from '../../fhir/resource.ts';
import type { MethodPlugin } from '../engine.ts';
import { maskKinds } from '../policy/document.ts';
import type { PolicyRule } from '../policy/document.ts';
import { Withheld } from '../shape.ts';
import type { LeafMethod } from '../walk/context.ts';
import { dateShift, dateTruncate } from './dates.ts';
import { cryptoHash, encrypt, pseudonymize } from './hashes.ts';
import { numberMax, numberStep, perturb, zip3 } from './numbers.ts';
import { generalizeCases, mask } from './text.ts';

export const daysMaxDefault = 50;
export const hexDigitsDefault = 64;
export const roundToDefault = 2;

/** Methods whose result depends on where a value stands. */
export const needsPlace = (rule: PolicyRule): boolean =>
  rule.method === 'perturb' || (rule.method === 'encrypt' && rule.params?.deterministic !== true);

/** The method of a rule for values of an R4 type (empty: what R4 does not have); undefined where it cannot work on them. */
export function methodFor(
  rule: PolicyRule,
  type: string,
  plugins: ReadonlyMap<string, MethodPlugin>,
): LeafMethod | undefined {
  switch (rule.method) {
    case 'pseudonymize':
      return pseudonymize(type, rule.params?.domain ?? rule.path);
    case 'cryptoHash':
      return cryptoHash(type, rule.params?.hexDigits ?? hexDigitsDefault);
    case 'dateShift':
      return dateShift(type, { ...rule.params, daysMax: rule.params?.daysMax ?? daysMaxDefault });
    case 'dateTruncate':
      return dateTruncate(type, rule.params?.to ?? 'year', rule.params?.ageYearsMax);
    case 'generalize':
      return generalizeFor(rule, type);
    case 'perturb': {
      const { span, rangeType = 'fixed', roundTo = roundToDefault } = rule.params;
      return perturb(type, span, rangeType, roundTo);
    }
    case 'encrypt':
      return encrypt(type, rule.params?.deterministic === true, rule.params?.domain ?? rule.path);
    case 'mask':
      return mask(type, rule.params?.kinds ?? maskKinds);
    case 'plugin':
      return pluginFor(rule, type, plugins);
    case 'keep':
    case 'redact':
    case 'dropResource':
    case 'substitute':
      return undefined;
  }
}

function generalizeFor(
  { params }: Extract<PolicyRule, { method: 'generalize' }>,
  type: string,
): LeafMethod | undefined {
  if ('cases' in params) return generalizeCases(type, params.cases, params.otherValues ?? 'redact');
  if ('zip3' in params) return zip3(type, params.zip3);
  return 'numberStep' in params ? numberStep(type, params.numberStep) : numberMax(type, params.numberMax, params.as);
}

function pluginFor(
  { params }: Extract<PolicyRule, { method: 'plugin' }>,
  type: string,
  plugins: ReadonlyMap<string, MethodPlugin>,
): LeafMethod | undefined {
  const plugin = plugins.get(params.name);
  if (plugin === undefined || (type !== '' && !plugin.types.includes(type))) return undefined;
  const options: Json = (params.options as Json | undefined) ?? null;
  return {
    label: 0,
    apply(value) {
      try {
        return plugin.apply(value, { type, options });
      } catch {
        // What a plug-in throws may quote the value.
        throw new Withheld('rule-failed');
      }
    },
  };
}
