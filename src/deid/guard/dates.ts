/**
 * Full dates in the forms in which people and systems write them, as the days they may mean: `yyyymmdd`.
 *
 * ISO 8601 (also basic, and HL7 v2's timestamps), US m/d/y, d.m.y and d/m/y, `2 January 1970`, `Jan 2, 1970`, `2-Jan-1970`,
 * 1970年1月2日. `1/2/1970` may be two days, `1/2/70` four: each counts. Every pattern is anchored and bounded.
 */
import { foldText } from './fold.ts';

export interface DateFound {
  readonly end: number;
  /** The days it may mean; none for a date without day or year. */
  readonly days: readonly string[];
  /** Whether the year has four digits: then its groups are not a number as well. */
  readonly surely: boolean;
}

/** Months by the names and abbreviations of English, German, French, Spanish, Italian, Portuguese and Dutch, folded. */
const monthNames: readonly string[] = [
  'january januar janvier enero gennaio janeiro januari jan janv ene gen',
  'february februar fevrier febrero febbraio fevereiro februari feb febr fev fevr',
  'march marz maerz mars marzo marco maart mar mrz mrt',
  'april avril abril aprile apr avr abr',
  'may mai mayo maggio maio mei mag',
  'june juni juin junio giugno junho jun giu',
  'july juli juillet julio luglio julho jul juil lug',
  'august aout agosto augustus aug ago',
  'september septembre septiembre settembre setembro sep sept set',
  'october oktober octobre octubre ottobre outubro oct okt ott out',
  'november novembre noviembre novembro nov',
  'december dezember decembre diciembre dicembre dezembro dec dez dic',
];

const months = new Map<string, number>();
for (const [index, names] of monthNames.entries()) for (const name of names.split(' ')) months.set(name, index + 1);

/** Languages whose months are known by their whole names, alone and as they stand in a date (`март`, `4 марта`). */
const wholeNameLocales = 'cs da el fi hu nb pl ro ru sk sv tr uk'.split(' ');

function addMonthsOf(locale: string): void {
  for (const options of [{ month: 'long' }, { month: 'long', day: 'numeric' }] as const) {
    const format = new Intl.DateTimeFormat(locale, { ...options, calendar: 'gregory', timeZone: 'UTC' });
    for (let month = 1; month <= 12; month++) {
      const parts = format.formatToParts(new Date(Date.UTC(2000, month - 1, 4)));
      const name = foldText(parts.find(({ type }) => type === 'month')?.value ?? '').text;
      if (/^[\p{L}\p{M}]{3,}$/u.test(name) && !months.has(name)) months.set(name, month);
    }
  }
}
for (const locale of wholeNameLocales) addMonthsOf(locale);

export const isMonth = (word: string): boolean => months.has(word);

const two = (number: number): string => String(number).padStart(2, '0');

function day(year: number, month: number, dayOfMonth: number): string | undefined {
  if (year < 1800 || year > 2299 || month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > 31) return undefined;
  return `${year}${two(month)}${two(dayOfMonth)}`;
}

/** Two digits are a year of either century. */
const yearsOf = (digits: string): number[] =>
  digits.length === 4 ? [Number(digits)] : [1900 + Number(digits), 2000 + Number(digits)];

function found(end: number, year: string, dayMonths: readonly (readonly [number, number])[]): DateFound | undefined {
  const days = new Set<string>();
  for (const fullYear of yearsOf(year)) {
    for (const [month, dayOfMonth] of dayMonths) {
      const at = day(fullYear, month, dayOfMonth);
      if (at !== undefined) days.add(at);
    }
  }
  return days.size === 0 ? undefined : { end, days: [...days], surely: year.length === 4 };
}

const yearFirst = /(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)(?![-/.]\d)/y;
const compact = /(\d{4})(\d\d)(\d\d)(?:\d{4}(?:\d\d)?)?(?!\d)/y;
const yearLast = /(\d{1,2})([-/.]|\. | ?[-/] ?)(\d{1,2})\2(\d{4}|\d\d)(?!\d)(?![-/.]\d)/y;
const dayThenName =
  /(\d{1,2})(?:st|nd|rd|th|er)?(?:[ ,./-]{0,3}|\. ?| (?:of|de) )([\p{L}\p{M}]{3,12})(?:[ ,./'-]{0,3}| del? )(\d{4}|\d\d)(?!\d)/uy;
const nameThenDay =
  /([\p{L}\p{M}]{3,12})(?:[ ./-]{0,3}| the )(\d{1,2})(?:st|nd|rd|th)?(?:[ ,./'-]{1,3}| of )(\d{4}|\d\d)(?!\d)/uy;
const yearNameDay = /(\d{4})[ ,./-]{1,2}([\p{L}\p{M}]{3,12})[ ./-]{1,2}(\d{1,2})(?!\d)/uy;
const eastAsian = /(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]/y;

function exec(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function numericDate(text: string, at: number): DateFound | undefined {
  let match = exec(yearFirst, text, at) ?? exec(eastAsian, text, at);
  if (match !== null) {
    const [whole, year = '', second = '', third = '', fourth] = match;
    const pair =
      match.length > 4 ? ([Number(third), Number(fourth)] as const) : ([Number(second), Number(third)] as const);
    return found(at + whole.length, year, [pair]);
  }
  match = exec(yearLast, text, at);
  if (match !== null) {
    const [whole, first = '', , second = '', year = ''] = match;
    const [a, b] = [Number(first), Number(second)];
    return found(at + whole.length, year, [
      [a, b],
      [b, a],
    ]);
  }
  match = exec(compact, text, at);
  if (match === null) return undefined;
  const [whole, year = '', month = '', dayOfMonth = ''] = match;
  const compactDate = found(at + whole.length, year, [[Number(month), Number(dayOfMonth)]]);
  return compactDate === undefined ? undefined : { ...compactDate, surely: false };
}

function namedDate(text: string, at: number): DateFound | undefined {
  for (const [pattern, dayAt, monthAt, yearAt] of [
    [dayThenName, 1, 2, 3],
    [nameThenDay, 2, 1, 3],
    [yearNameDay, 3, 2, 1],
  ] as const) {
    const match = exec(pattern, text, at);
    const month = months.get(match?.[monthAt] ?? '');
    if (match === null || month === undefined) continue;
    const date = found(at + match[0].length, match[yearAt] ?? '', [[month, Number(match[dayAt])]]);
    if (date !== undefined) return date;
  }
  return undefined;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** The date that begins at `at` of folded text: at the begin of a run, where a digit or a month's name stands. */
export function dateAt(text: string, at: number): DateFound | undefined {
  const before = text.charCodeAt(at - 1);
  // In the midst of a number with points, dashes or strokes nothing begins: 1.2.840.10008 has no dates.
  if ((before === 0x2d || before === 0x2e || before === 0x2f) && isDigit(text.charCodeAt(at - 2))) return undefined;
  return (isDigit(text.charCodeAt(at)) ? numericDate(text, at) : undefined) ?? namedDate(text, at);
}
