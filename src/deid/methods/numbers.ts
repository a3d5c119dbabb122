/** Methods that make values less exact: perturb, and generalize by a step, a maximum or a ZIP table. */
import { macOf } from '../keys.ts';
import type { Zip3Table } from '../policy/document.ts';
import { isSmallZip3 } from '../presets/zip3.ts';
import { labelBits } from '../walk/context.ts';
import type { LeafMethod } from '../walk/context.ts';
import { placeOf } from './hashes.ts';

const numberTypes = new Set(['decimal', 'integer', 'unsignedInt', 'positiveInt', '']);

/** The least value of R4's whole-number types. */
const least: Readonly<Record<string, number>> = { unsignedInt: 0, positiveInt: 1 };

const isWhole = (type: string): boolean => type !== 'decimal' && type !== '';

/** Rounds to decimal places without leaving a tail such as 0.30000000000000004. */
const rounded = (value: number, places: number): number => Number(value.toFixed(Math.min(places, 20)));

/** The same, and undefined for what JSON has no number for. */
function finite(value: number, places: number): number | undefined {
  const number = rounded(value, places);
  return Number.isFinite(number) ? number : undefined;
}

/** Whole steps: 0.3 / 0.1 is a little less than 3 in binary, and means 3. */
function steps(quotient: number): number {
  const near = Math.round(quotient);
  return Math.abs(quotient - near) < 1e-9 * Math.max(1, Math.abs(quotient)) ? near : Math.floor(quotient);
}

/**
 * `perturb`: adds noise drawn evenly from −span/2…span/2, or that share of the value. Drawn by an HMAC of the resource, the place and
 * the value, so that a second run gives the same and the noise cannot be averaged away by asking again.
 */
export function perturb(
  type: string,
  span: number,
  rangeType: 'fixed' | 'proportional',
  roundTo: number,
): LeafMethod | undefined {
  if (!numberTypes.has(type)) return undefined;
  return {
    label: labelBits.perturbed,
    apply(value, walk) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
      const mac = macOf(walk.keys.perturb, 'perturb', [walk.policy.scope.instance, placeOf(walk), String(value)]);
      const share = mac.readUIntBE(0, 6) / 2 ** 48 - 0.5;
      const noise = share * span * (rangeType === 'proportional' ? Math.abs(value) : 1);
      const noisy = finite(value + noise, isWhole(type) ? 0 : roundTo);
      return noisy === undefined ? undefined : Math.max(noisy, least[type] ?? Number.NEGATIVE_INFINITY);
    },
  };
}

/** `generalize` with `numberStep`: down to a multiple of the step. */
export function numberStep(type: string, step: number): LeafMethod | undefined {
  if (!numberTypes.has(type)) return undefined;
  return {
    label: labelBits.generalized,
    apply(value) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
      const stepped = finite(steps(value / step) * step, 10);
      if (stepped === undefined) return undefined;
      return isWhole(type) ? Math.max(Math.trunc(stepped), least[type] ?? Number.NEGATIVE_INFINITY) : stepped;
    },
  };
}

/** `generalize` with `numberMax`: what is above it becomes `as`; all ages over 89 become 90. */
export function numberMax(type: string, max: number, as: number): LeafMethod | undefined {
  if (!numberTypes.has(type)) return undefined;
  return {
    label: labelBits.generalized,
    apply: (value) => (typeof value !== 'number' || !Number.isFinite(value) ? undefined : value > max ? as : value),
  };
}

const zipForm = /^\s*(\d{3})\d{2}(?:[- ]?\d{4})?\s*$/;

/**
 * `generalize` with `zip3`: the first three digits, `000` for areas of 20,000 people or fewer; what is no US postal code
 * goes. Source: 45 CFR 164.514(b)(2)(i)(B)
 */
export function zip3(type: string, table: Zip3Table): LeafMethod | undefined {
  if (type !== 'string' && type !== '') return undefined;
  return {
    label: labelBits.generalized,
    apply(value) {
      const area = typeof value === 'string' ? zipForm.exec(value)?.[1] : undefined;
      if (area === undefined) return undefined;
      return isSmallZip3(table, area) ? '000' : area;
    },
  };
}
