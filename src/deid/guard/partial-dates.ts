/**
 * Parts of a date that are more than the year, which HIPAA 164.514(b)(2)(i)(C) counts as well: `March 2020`, `3rd of
 * March`, `2020-03`, `03/2020`; and the time that follows a date. For masking by form alone: no removed day is told by them.
 */
import { isMonth } from './dates.ts';
import type { Folded } from './fold.ts';

const monthYear = /([\p{L}\p{M}]{3,12})(?:\.? |\.?[,'/-] ?)((?:18|19|20|21)\d\d)(?!\d)/uy;
const monthDay = /([\p{L}\p{M}]{3,12})\.? (?:the )?(?:[12]?\d|3[01])(?:st|nd|rd|th)?(?![a-z0-9])(?![.:/%-]\d)/uy;
const dayMonth = /(?:[12]?\d|3[01])(?:st|nd|rd|th|\.)?[ -](?:of )?([\p{L}\p{M}]{3,12})(?![a-z0-9])/uy;
const yearMonth = /(?:18|19|20|21)\d\d-(?:0[1-9]|1[0-2])(?![\d-])/y;
const monthSlashYear = /(?:0?[1-9]|1[0-2])\/(?:18|19|20|21)\d\d(?![\d/])/y;
const time =
  /(?:t\d{4}(?:\d\d)?|(?:t| |, ?| at )\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)(?: ?[ap]\.?m\.?)?(?: ?z| ?[+-]\d\d:?\d\d)?(?![a-z0-9])/y;

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function monthOf(pattern: RegExp, text: string, at: number): { end: number; nameAt: number } | undefined {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  if (match === null || !isMonth(match[1] ?? '')) return undefined;
  return { end: pattern.lastIndex, nameAt: at + match[0].indexOf(match[1] ?? '') };
}

/** Where the partial date ends that begins at `at`; -1 where there is none. */
export function partialDateEnd({ text, cased }: Folded, at: number): number {
  const named = monthOf(monthYear, text, at);
  if (named !== undefined) return named.end;
  // Without a year only what is written like a month: 'may 5' is no date.
  const dayToo = monthOf(monthDay, text, at) ?? monthOf(dayMonth, text, at);
  if (dayToo !== undefined && text[dayToo.nameAt] !== cased[dayToo.nameAt]) return dayToo.end;
  return Math.max(endOf(yearMonth, text, at), endOf(monthSlashYear, text, at));
}

/** Where the time ends that follows a date ending at `at`; `at` where none does. */
export const timeEnd = (text: string, at: number): number => Math.max(at, endOf(time, text, at));
