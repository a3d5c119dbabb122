/**
 * Numbers in groups, told by the lengths of their groups and what stands between: phone numbers and everything else that
 * is numbered. A dose, a blood pressure, a LOINC code or a span of years has groups as well, so lengths decide.
 */
import { gap, hasDigit } from './runs.ts';
import type { Runs } from './runs.ts';

const groupsMax = 8;
const longRun = 5;
const groupedMin = 7;
const phone = { min: 7, max: 15, nationalMin: 9, nationalMax: 12 };

interface Groups {
  readonly first: number;
  readonly lengths: readonly number[];
  /** What stands before each group but the first. */
  readonly between: readonly string[];
  readonly digits: string;
}

/** The groups of digits from run `at` on that stand close. */
export function groupsAt(text: string, { starts, ends, kinds, gaps }: Runs, at: number): Groups {
  const lengths: number[] = [];
  const between: string[] = [];
  let digits = '';
  for (let next = at; next < at + groupsMax && kinds[next] === hasDigit; next++) {
    if (next > at) {
      if (((gaps[next] ?? 0) & gap.numeric) === 0) break;
      between.push(text.slice(ends[next - 1], starts[next]));
    }
    const length = (ends[next] ?? 0) - (starts[next] ?? 0);
    lengths.push(length);
    digits += text.slice(starts[next], Math.min(ends[next] ?? 0, (starts[next] ?? 0) + 40));
  }
  return { first: at, lengths, between, digits };
}

const begins = (lengths: readonly number[], shape: readonly number[]): boolean =>
  shape.every((length, index) => lengths[index] === length);

/** Groups from the first whose digits together are at most `max`. */
function groupsWithin(lengths: readonly number[], max: number): { count: number; total: number } {
  let total = 0;
  let count = 0;
  while (count < lengths.length && total + (lengths[count] ?? 0) <= max) total += lengths[count++] ?? 0;
  return { count, total };
}

/** Number of groups, from the first, that are a phone number; 0 for none. `international`: a plus stands before them. */
export function phoneGroups({ lengths, between, digits }: Groups, international: boolean): number {
  if (international) {
    const { count, total } = groupsWithin(lengths, phone.max);
    return total >= phone.min ? count : 0;
  }
  // North America: 3-3-4, or with a 1 before it, or in one.
  const country = lengths[0] === 1 && digits.startsWith('1') ? 1 : 0;
  const rest = lengths.slice(country);
  if (begins(rest, [3, 3, 4])) return country + 3;
  if (begins(rest, [3, 7]) || begins(rest, [6, 4])) return country + 2;
  if (rest[0] === 10 || (lengths[0] === 11 && digits.startsWith('1'))) return country + 1;
  if (begins(lengths, [3, 4]) && between[0] === '-' && lengths.length === 2 && /^[2-9]/.test(digits)) return 2;
  // Elsewhere the national number begins with a zero.
  if (!digits.startsWith('0') || (lengths[0] ?? 0) < 2) return 0;
  const max = digits.startsWith('00') ? phone.max : phone.nationalMax;
  const { count, total } = groupsWithin(lengths, max);
  return count >= 2 && total >= phone.nationalMin ? count : 0;
}

const isYear = (digits: string): boolean => /^(?:19|20)\d\d$/.test(digits);

/** Number of groups, from the first, that are one number of somebody or something; 0 for none. */
export function numberGroups({ lengths, between, digits }: Groups): number {
  const separator = between[0] ?? '';
  let count = 1;
  if (/^[ ./-]$/.test(separator)) while (count < lengths.length && between[count - 1] === separator) count++;
  const shape = lengths.slice(0, count);
  const total = shape.reduce((sum, length) => sum + length, 0);
  let from = 0;
  const years = shape.every((length) => {
    from += length;
    return isYear(digits.slice(from - length, from));
  });
  if (count > 1 && !years && total >= groupedMin) {
    if (separator === '-') return count;
    if (separator === '.' && count > 2) return count;
    if (begins(shape, [3, 2, 4]) || begins(shape, [3, 3, 4])) return 3;
    if (separator === ' ' && count > 2 && shape.slice(0, -1).every((length) => length === 4)) return count;
  }
  return (lengths[0] ?? 0) >= longRun ? 1 : 0;
}
