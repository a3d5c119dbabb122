/**
 * Dates: the year that is left of them, ages over 89, and the shift.
 * Source: Tools-for-Health-Data-Anonymization, DateTimeUtility.cs; the forms are R4's, https://hl7.org/fhir/R4/datatypes.html
 */
import { CompatProblem } from '../problem.ts';
import { textOf } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';
import type { Method, Operation, Run } from './method.ts';

const day = '([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])';
const clock =
  '(T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?(Z|(\\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00)))?';
const dateForm = new RegExp(`${day})?)?`);
const dateTimeForm = new RegExp(`${day}${clock})?)?`);
const timeForm = /([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?/;

const ageYearsMax = 89;
const [shiftSeed, shiftDays] = [131, 50];
const dayMs = 86_400_000;

interface DateParts {
  readonly year: string;
  readonly month: string | undefined;
  readonly day: string | undefined;
  /** Time and zone, with the `T`. */
  readonly time: string | undefined;
}

function partsOf(node: Node): DateParts | undefined {
  const match = (node.type === 'date' ? dateForm : dateTimeForm).exec(textOf(node.value));
  if (match === null) return undefined;
  return { year: match[1] ?? '', month: match[5], day: match[7], time: match[8] };
}

export const isDateNode = (node: Node): boolean =>
  node.type === 'date' || node.type === 'dateTime' || node.type === 'instant';

/** Older than 89 on the day the engine works for, taken in UTC. */
function isOverAge({ year, month, day: dayOfMonth }: DateParts, asOf: Date): boolean {
  const [nowMonth, nowDay] = [asOf.getUTCMonth() + 1, asOf.getUTCDate()];
  const [m, d] = [Number(month ?? 1), Number(dayOfMonth ?? 1)];
  const isBefore = nowMonth < m || (nowMonth === m && nowDay < d);
  return asOf.getUTCFullYear() - Number(year) - (isBefore ? 1 : 0) > ageYearsMax;
}

export interface DateSettings {
  readonly asOf: Date;
  readonly enablePartialDates: boolean;
}

/** Removes a date, or all of it but the year. */
export function redactDate(node: Node, settings: DateSettings): Operation {
  const parts = settings.enablePartialDates ? partsOf(node) : undefined;
  if (!settings.enablePartialDates) node.value = undefined;
  else if (parts !== undefined) node.value = isOverAge(parts, settings.asOf) ? undefined : parts.year;
  return 'redact';
}

export interface ShiftSettings extends DateSettings {
  readonly key: string;
  /** File or folder name; empty where the shift goes by the root resource's id. */
  readonly prefix: string;
  readonly fixedDays: number | undefined;
}

/** Microsoft's shift: a polynomial modulo 101 over id and key. Two known dates give it away; kept for compatibility alone. */
export function shiftDaysOf(prefix: string, key: string): number {
  let days = 0;
  for (const byte of Buffer.from(prefix + key, 'utf8')) days = (days * shiftSeed + byte) % (2 * shiftDays + 1);
  return days - shiftDays;
}

/** The root's id as it is now: a rule that hashed it before has an effect on the shift. */
const rootId = ({ root }: Run): string => textOf(root.named('id')[0]?.value);

function shifted({ year, month = '01', day: dayOfMonth = '01' }: DateParts, days: number): string {
  const from = new Date(`${year}-${month}-${dayOfMonth}T00:00:00Z`);
  const to = new Date(from.getTime() + days * dayMs);
  const toYear = to.getUTCFullYear();
  if (Number.isNaN(to.getTime()) || toYear < 1 || toYear > 9999) throw new CompatProblem('date-out-of-range');
  return to.toISOString().slice(0, 10);
}

/** `T13:28:17.239-05:00` as `T00:00:00.000-05:00`. */
const zeroed = (time: string): string => time.replace(timeForm, (clockText) => clockText.replace(/\d/g, '0'));

export function dateShift(settings: ShiftSettings): Method {
  return (node, run) => {
    if (!isDateNode(node) || textOf(node.value) === '') return undefined;
    const parts = partsOf(node);
    if (parts?.day === undefined || isOverAge(parts, settings.asOf)) return redactDate(node, settings);
    const prefix = settings.prefix === '' ? rootId(run) : settings.prefix;
    const days = settings.fixedDays ?? shiftDaysOf(prefix, settings.key);
    node.value = shifted(parts, days) + zeroed(parts.time ?? '');
    return 'perturb';
  };
}
