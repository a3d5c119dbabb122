/** R4's primitive types as JSON, and its dates. Source: https://hl7.org/fhir/R4/json.html#primitive */
import { r4Type } from '../r4/model.ts';

const numbers = new Set(['integer', 'positiveInt', 'unsignedInt', 'decimal']);

export const isPrimitive = (type: string): boolean => r4Type(type)?.kind === 'primitive';

/** Whether a value has JSON's type for an R4 primitive; anything will do for what R4 does not have. */
export function isJsonOf(type: string, value: string | number | boolean): boolean {
  if (type === '') return true;
  if (type === 'boolean') return typeof value === 'boolean';
  if (isWholeNumber(type)) return Number.isInteger(value);
  return numbers.has(type) ? typeof value === 'number' : typeof value === 'string';
}

export const isWholeNumber = (type: string): boolean => numbers.has(type) && type !== 'decimal';

/** R4's least whole number of a type. */
export function leastOf(type: string): number {
  if (type === 'positiveInt') return 1;
  return type === 'unsignedInt' ? 0 : Number.NEGATIVE_INFINITY;
}

export const isDateType = (type: string): boolean => type === 'date' || type === 'dateTime' || type === 'instant';

const dateForm = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/** How exact a text is as a date; undefined for what is none, February 30 included. */
export type DateDetail = 'year' | 'month' | 'day' | 'time';

export function dateDetail(text: string): DateDetail | undefined {
  const match = dateForm.exec(text);
  if (match === null) return undefined;
  const [, year = '', month, day, time] = match;
  if (year === '0000') return undefined;
  if (month === undefined) return 'year';
  if (month < '01' || month > '12') return undefined;
  if (day === undefined) return 'month';
  if (day < '01' || Number(day) > lastDayOf(Number(year), Number(month))) return undefined;
  return time === undefined ? 'day' : 'time';
}

/** The day before the first of the next month, in the calendar itself. Years before 100 repeat those 400 years later. */
const lastDayOf = (year: number, month: number): number => new Date(Date.UTC(year + 400, month, 0)).getUTCDate();
