/**
 * Texts of R4's primitive types, read as strictly as Firely reads them: what it takes for no value of its type is refused,
 * and numbers and booleans come out typed even where the JSON has them as strings.
 * Source: Firely's TypedElementOnSourceNode.cs and ElementModel/Types/*.cs
 */
import { CompatProblem } from '../problem.ts';
import { NetDecimal } from './decimal.ts';
import type { NodeValue } from './node.ts';

const zone = '(?:Z|[+-]\\d\\d:\\d\\d)';
const clock = '(\\d\\d)(?::(\\d\\d)(?::(\\d\\d)(?:\\.\\d+)?)?)?';
const dateForm = new RegExp(`^(\\d{4})(?:-(\\d\\d)(?:-(\\d\\d))?)?(${zone})?$`);
const dateTimeForm = new RegExp(`^(\\d{4})(?:-(\\d\\d)(?:-(\\d\\d)(?:T${clock})?)?)?(${zone})?$`);
const timeForm = new RegExp(`^${clock}(${zone})?$`);
const wholeForm = /^[+-]?\d{1,10}$/;

/** What .NET trims: JavaScript also trims U+FEFF, and not U+0085. */
const edges =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

export const trimmed = (text: string): string => text.replace(edges, '');

const daysOf = (year: number, month: number): number => new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

const isDay = (year: string, month = '01', day = '01'): boolean => {
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= daysOf(y, m);
};

const isClock = (hour = '00', minute = '00', second = '00'): boolean =>
  Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;

/** .NET's offsets go to 14 hours. */
function isZone(text: string | undefined): boolean {
  if (text === undefined || text === 'Z') return true;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(4, 6))];
  return minutes < 60 && hours * 60 + minutes <= 14 * 60;
}

function isDate(text: string): boolean {
  const match = dateForm.exec(text);
  return match !== null && isDay(match[1] ?? '', match[2], match[3]) && isZone(match[4]);
}

function isDateTime(text: string): boolean {
  const match = dateTimeForm.exec(text);
  if (match === null) return false;
  return isDay(match[1] ?? '', match[2], match[3]) && isClock(match[4], match[5], match[6]) && isZone(match[7]);
}

function isTime(text: string): boolean {
  const match = timeForm.exec(text);
  return match !== null && isClock(match[1], match[2], match[3]) && isZone(match[4]);
}

function wholeNumber(text: string): number | undefined {
  const value = wholeForm.test(text) ? Number(text) : NaN;
  return value >= -(2 ** 31) && value < 2 ** 31 ? value + 0 : undefined;
}

function decimal(text: string): NetDecimal | undefined {
  const isRefused = ['+', '.', '00'].some((start) => text.startsWith(start)) || text.endsWith('.');
  return isRefused ? undefined : NetDecimal.parse(text);
}

function readAs(type: string, text: string): NodeValue | undefined {
  switch (type) {
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : undefined;
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return wholeNumber(text);
    case 'decimal':
      return decimal(text);
    case 'date':
      return isDate(text) ? text : undefined;
    case 'dateTime':
    case 'instant':
      return isDateTime(text) ? text : undefined;
    case 'time':
      return isTime(text) ? text : undefined;
    default:
      return text;
  }
}

/** The value that a text is of a primitive type. Throws where it is none. */
export function readValue(type: string, text: string): NodeValue {
  const value = readAs(type, text);
  if (value === undefined) throw new CompatProblem('input-wrong-type');
  return value;
}

/** A number as its JSON text, so that `1.50` is not `1.5`. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The text that Firely makes of a JSON number: whole ones as they are, others as a decimal without exponent. */
export function numberText(number: number | NumberText): string {
  const text = typeof number === 'number' ? String(number) : number.text;
  if (/^-?\d+$/.test(text)) return BigInt(text).toString();
  const value = NetDecimal.parse(text);
  if (value === undefined) throw new CompatProblem('input-wrong-type');
  return value.toString();
}
