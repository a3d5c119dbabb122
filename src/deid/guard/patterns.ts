/**
 * Masking by form alone: e-mail and net addresses, URLs, dates, phone and other numbers in free text, whoever's they are.
 *
 * What is most specific goes first: a URL with all that it holds, then e-mail addresses, then at each run of letters or
 * digits an IP address, a date, a phone number, a number. Nothing looks further than a bounded number of characters.
 */
import { dateAt } from './dates.ts';
import { groupsAt, numberGroups, phoneGroups } from './digit-groups.ts';
import { foldText, replaceSpans } from './fold.ts';
import type { Folded, Span } from './fold.ts';
import { ipEnd } from './ip.ts';
import { patternMarkers } from './lexicon.ts';
import { partialDateEnd, timeEnd } from './partial-dates.ts';
import { hasDigit, hasLetter, runsOf, unspaced } from './runs.ts';
import type { Runs } from './runs.ts';
import { emailSpots, urlSpots } from './spots.ts';
import { oidAt, uuidAt } from './wholes.ts';
import { readNarrative } from './xhtml.ts';
import type { MaskKind } from '../policy/document.ts';

type Wanted = ReadonlySet<MaskKind>;

const roundsMax = 4;
const longRun = 5;
const extension = /(?: ?x ?| ?ext\.? ?|,? ?extension )\d{1,6}(?!\d)/y;

interface Find {
  readonly start: number;
  readonly end: number;
  /** Undefined: nothing to mask, and nothing to look for within it. */
  readonly kind: MaskKind | undefined;
}

function spots(text: string, wanted: Wanted): Find[] {
  const urls = wanted.has('url') ? urlSpots(text).map((spot): Find => ({ ...spot, kind: 'url' })) : [];
  const emails = wanted.has('email') ? emailSpots(text).map((spot): Find => ({ ...spot, kind: 'email' })) : [];
  const out: Find[] = [];
  // A URL may hold an e-mail address, which then goes with it; `mailto:` and two in one word come one after the other.
  for (const find of [...urls, ...emails].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = out.at(-1);
    if (last === undefined || find.start >= last.end) out.push(find);
    else if (find.end > last.end) out.push({ ...find, start: last.end });
  }
  return out;
}

function dateFind(folded: Folded, at: number, wanted: Wanted): Find | undefined {
  const date = dateAt(folded.text, at);
  const end = date?.end ?? partialDateEnd(folded, at);
  if (end < 0) return undefined;
  if (wanted.has('date')) return { start: at, end: timeEnd(folded.text, end), kind: 'date' };
  return date?.surely === true ? { start: at, end, kind: undefined } : undefined;
}

function numberFind(text: string, runs: Runs, at: number, wanted: Wanted): Find | undefined {
  const start = runs.starts[at] ?? 0;
  const whole = wanted.has('number') ? (uuidAt(text, runs, at) ?? oidAt(text, runs, at)) : undefined;
  if (whole !== undefined) return { start, end: whole.end, kind: 'number' };
  if (runs.kinds[at] !== hasDigit) return undefined;
  const groups = groupsAt(text, runs, at);
  let from = start;
  if (text.charAt(from - 1) === '(') from--;
  const international = text.charAt(from - 1) === '+';
  if (international) from--;
  const phones = wanted.has('phone') ? phoneGroups(groups, international) : 0;
  if (phones > 0) {
    const end = runs.ends[at + phones - 1] ?? start;
    extension.lastIndex = end;
    return { start: from, end: extension.test(text) ? extension.lastIndex : end, kind: 'phone' };
  }
  // Digits after a decimal point are a measurement's.
  const isFraction = text.charAt(start - 1) === '.' && /[0-9]/.test(text.charAt(start - 2));
  const numbers = wanted.has('number') && !isFraction ? numberGroups(groups) : 0;
  return numbers > 0 ? { start, end: runs.ends[at + numbers - 1] ?? start, kind: 'number' } : undefined;
}

/** Long numbers within a word: MRN00012345. */
function withinWord(text: string, start: number, end: number): Find[] {
  const out: Find[] = [];
  let from = -1;
  for (let at = start; at <= end; at++) {
    const code = text.charCodeAt(at);
    const isDigit = at < end && code >= 0x30 && code <= 0x39;
    if (isDigit && from < 0) from = at;
    if (isDigit || from < 0) continue;
    if (at - from >= longRun) out.push({ start: from, end: at, kind: 'number' });
    from = -1;
  }
  return out;
}

function finds(folded: Folded, wanted: Wanted): Find[] {
  const { text } = folded;
  const found = spots(text, wanted);
  const runs = runsOf(text);
  const out: Find[] = [];
  let next = 0;
  let done = 0;
  for (const [at, start] of runs.starts.entries()) {
    const spot = found[next];
    if (spot !== undefined && spot.start <= start) {
      out.push(spot);
      done = Math.max(done, spot.end);
      next++;
    }
    if (start < done || runs.kinds[at] === unspaced) continue;
    const limit = found[next]?.start ?? Infinity;
    const take = (find: Find | undefined): boolean => {
      if (find === undefined || find.start < done || find.end > limit) return false;
      out.push(find);
      done = find.end;
      return true;
    };
    // `::1` and `::ffff:10.0.0.1` begin before their first group.
    const ipStart = text.startsWith('::', start - 2) ? start - 2 : start;
    const ip = wanted.has('ip') ? ipEnd(text, ipStart) : -1;
    if (ip > 0 && take({ start: ipStart, end: ip, kind: 'ip' })) continue;
    if (take(dateFind(folded, start, wanted)) || take(numberFind(text, runs, at, wanted))) continue;
    if (runs.kinds[at] === (hasDigit | hasLetter) && wanted.has('number')) {
      for (const find of withinWord(text, start, runs.ends[at] ?? start)) take(find);
    }
  }
  return [...out, ...found.slice(next)];
}

const spansOf = (folded: Folded, wanted: Wanted): Span[] =>
  finds(folded, wanted).flatMap(({ start, end, kind }) =>
    kind === undefined ? [] : [{ start, end, marker: patternMarkers[kind] }],
  );

/** `text` with all that has the form of one of `kinds` replaced by a marker; masked again, it stays as it is. */
export function maskPatterns(text: string, kinds: readonly MaskKind[]): string {
  const wanted = new Set(kinds);
  let current = text;
  // A marker may part what hid one thing in another, so it goes round until nothing is left to find.
  for (let round = 0; round < roundsMax; round++) {
    const folded = foldText(current);
    const spans = spansOf(folded, wanted);
    if (spans.length === 0) return current;
    current = replaceSpans(folded, spans);
  }
  return current;
}

/** The same for a narrative's text; undefined: a tag holds what cannot be masked there, and the narrative has to go. */
export function maskNarrativePatterns(xhtml: string, kinds: readonly MaskKind[]): string | undefined {
  const wanted = new Set(kinds);
  let current = xhtml;
  for (let round = 0; round < roundsMax; round++) {
    const { text, inTags } = readNarrative(current);
    if (inTags.some(({ folded, kind }) => kind === 'text' && spansOf(folded, wanted).length > 0)) return undefined;
    const spans = spansOf(text, wanted);
    if (spans.length === 0) return current;
    current = replaceSpans(text, spans);
  }
  return current;
}
