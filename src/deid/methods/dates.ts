/**
 * FHIR's dates as text: their parts, and the two methods that change them. Days are counted in the calendar of the text,
 * never in a machine's time zone. Source: https://hl7.org/fhir/R4/datatypes.html#dateTime
 */
import { macOf } from '../keys.ts';
import { labelBits } from '../walk/context.ts';
import type { LeafMethod, Walk } from '../walk/context.ts';

/** The parts of a date; `time` is `T…` with its zone, or empty. */
export interface DateParts {
  readonly year: number;
  readonly month: number | undefined;
  readonly day: number | undefined;
  readonly time: string;
}

/** Fractions of a second to the nanosecond: more digits would be room for a number of somebody's. */
const form =
  /^\d{4}(?:-\d\d(?:-\d\d(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?)?)?$/;

/** Reads a date, dateTime or instant; undefined for a text that is none, February 30 included. */
export function readDate(text: string): DateParts | undefined {
  if (!form.test(text)) return undefined;
  const year = pairAt(text, 0) * 100 + pairAt(text, 2);
  const month = text.length < 7 ? undefined : pairAt(text, 5);
  const day = text.length < 10 ? undefined : pairAt(text, 8);
  if (year < 1) return undefined;
  if (month !== undefined && (month < 1 || month > 12)) return undefined;
  if (day !== undefined && (day < 1 || day > daysIn(year, month ?? 1))) return undefined;
  return { year, month, day, time: text.slice(10) };
}

/** The number of two digits: by hand, since texts for `Number` cost more than all else here. */
const pairAt = (text: string, at: number): number => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : (monthDays[month - 1] ?? 0);
}

/** Whole years from a date to a time, counted in UTC; parts that are missing count as January and the first. */
export function yearsBetween({ year, month = 1, day = 1 }: DateParts, asOf: Date): number {
  const [nowMonth, nowDay] = [asOf.getUTCMonth() + 1, asOf.getUTCDate()];
  const isBefore = nowMonth < month || (nowMonth === month && nowDay < day);
  return asOf.getUTCFullYear() - year - (isBefore ? 1 : 0);
}

const isTooOld = (parts: DateParts, ageYearsMax: number | undefined, asOf: Date): boolean =>
  // Most dates are young by their year alone, which costs less to tell than an age.
  ageYearsMax !== undefined &&
  asOf.getUTCFullYear() - parts.year > ageYearsMax &&
  yearsBetween(parts, asOf) > ageYearsMax;

const padded = (value: number, width: number): string => String(value).padStart(width, '0');

/**
 * Days that all dates of one patient move by: −daysMax…daysMax without 0, from an HMAC, so that it needs no memory and
 * two known pairs of one patient say nothing about another's. 48 bits: no offset is likelier by more than 2^-35.
 */
export function shiftDays(walk: Walk, daysMax: number): number {
  const { policy, keys, patient } = walk;
  const mac = macOf(keys.dateShift, 'date-shift', [policy.scope.instance, patient]);
  const drawn = mac.readUIntBE(0, 6) % (2 * daysMax);
  return drawn < daysMax ? drawn - daysMax : drawn - daysMax + 1;
}

/** The date some days later; time and zone stay. Undefined where the year leaves FHIR's four digits. */
export function shifted({ year, month = 1, day = 1, time }: DateParts, days: number): string | undefined {
  const moved = new Date(Date.UTC(year, month - 1, day + days));
  // Date.UTC reads years 0 to 99 as 19xx.
  if (year < 100) moved.setUTCFullYear(year, month - 1, day + days);
  const movedYear = moved.getUTCFullYear();
  if (movedYear < 1 || movedYear > 9999) return undefined;
  return `${padded(movedYear, 4)}-${padded(moved.getUTCMonth() + 1, 2)}-${padded(moved.getUTCDate(), 2)}${time}`;
}

const dateTypes = new Set(['date', 'dateTime', 'instant', '']);

/** One patient's offset is asked for again and again; walks of one patient follow each other. */
interface ShiftMemo {
  walk: Walk | undefined;
  patient: string;
  days: number;
}

export interface DateShiftParams {
  readonly daysMax: number;
  readonly ageYearsMax?: number | undefined;
  /** `zero`: every time becomes midnight, the zone stays. Dates of one day then have no order among them. */
  readonly timeOfDay?: 'keep' | 'zero' | undefined;
}

/** The time of day with each digit a zero, the zone as it is. */
const midnight = (time: string): string => time.replace(/^T[\d:.]+/, (clock) => clock.replace(/\d/g, '0'));

/** `dateShift`: partial dates have no day to move by, and would tell where a year begins; they go. */
export function dateShift(type: string, { daysMax, ageYearsMax, timeOfDay }: DateShiftParams): LeafMethod | undefined {
  if (!dateTypes.has(type)) return undefined;
  const memo: ShiftMemo = { walk: undefined, patient: '', days: 0 };
  return {
    label: labelBits.perturbed,
    apply(value, walk) {
      const parts = typeof value === 'string' ? readDate(value) : undefined;
      if (parts?.day === undefined || isTooOld(parts, ageYearsMax, walk.asOf)) return undefined;
      if (memo.walk !== walk || memo.patient !== walk.patient) {
        memo.walk = walk;
        memo.patient = walk.patient;
        memo.days = shiftDays(walk, daysMax);
      }
      return shifted(timeOfDay === 'zero' ? { ...parts, time: midnight(parts.time) } : parts, memo.days);
    },
  };
}

/** `dateTruncate`: an instant cannot be partial (FHIR wants its seconds and zone), so it goes unless the day may stay. */
export function dateTruncate(
  type: string,
  to: 'year' | 'month' | 'day',
  ageYearsMax: number | undefined,
): LeafMethod | undefined {
  if (!dateTypes.has(type)) return undefined;
  // An instant that must lose its day is removed, whatever it says.
  if (type === 'instant' && to !== 'day') return { label: labelBits.abstracted, apply: () => undefined };
  return {
    label: labelBits.abstracted,
    apply(value, walk) {
      const parts = typeof value === 'string' ? readDate(value) : undefined;
      if (parts === undefined || typeof value !== 'string') return undefined;
      if (isTooOld(parts, ageYearsMax, walk.asOf)) return undefined;
      if (type === 'instant' && parts.time === '') return undefined;
      if (to === 'year' || parts.month === undefined) return value.slice(0, 4);
      if (to === 'month' || parts.day === undefined) return value.slice(0, 7);
      const whole = value.slice(0, 10);
      return type === 'instant' ? `${whole}T00:00:00Z` : whole;
    },
  };
}
