/**
 * Masking: every span of a kept value whose token is a removed word becomes a marker.
 *
 * What is masked opens nothing: scanned again, the result has no hit. A span gone may leave tokens that were not there
 * before (the rest of an OID is a number), so it goes round until there is none, or the value goes.
 */
import { replaceSpans } from './fold.ts';
import type { Folded, Span } from './fold.ts';
import { removedMarker } from './lexicon.ts';
import { emailSpots } from './spots.ts';
import { partsOf, scanPart } from './tokens.ts';
import type { TextKind } from './tokens.ts';

const roundsMax = 8;

/** What may stand between two masked words without being worth to be kept. */
const betweenMasked = /^[ .,'-]{0,2}$/;

interface Range {
  start: number;
  end: number;
}

/** What opens a phone number belongs to it: `(555) 123-4567`, `+1 555`. */
function opened(text: string, start: number, end: number): number {
  let from = start;
  const isOpen = text.charAt(from - 1) === '(' && text.slice(start, Math.min(end, start + 6)).includes(')');
  if (isOpen) from--;
  return text.charAt(from - 1) === '+' ? from - 1 : from;
}

/** In order and apart; neighbours become one, so that how many words a name had does not show. */
function merged(ranges: readonly Range[], text: string): Range[] {
  const out: Range[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (
      last !== undefined &&
      (start <= last.end || (start <= last.end + 2 && betweenMasked.test(text.slice(last.end, start))))
    ) {
      last.end = Math.max(last.end, end);
    } else out.push({ start: opened(text, start, end), end });
  }
  return out;
}

/** An e-mail address goes whole when a part of it goes: what is left of it tells nearly as much. */
function withEmails(ranges: readonly Range[], text: string): readonly Range[] {
  if (!text.includes('@')) return ranges;
  const spots = emailSpots(text);
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  const touched: Range[] = [];
  let next = 0;
  for (const spot of spots) {
    while ((sorted[next]?.end ?? Infinity) <= spot.start) next++;
    if ((sorted[next]?.start ?? Infinity) < spot.end) touched.push({ ...spot });
  }
  return [...ranges, ...touched];
}

const masked = (folded: Folded, ranges: readonly Range[]): string =>
  replaceSpans(
    folded,
    merged(withEmails(merged(ranges, folded.text), folded.text), folded.text).map((range): Span => ({
      ...range,
      marker: removedMarker,
    })),
  );

/**
 * `text` without the words that `isHit` knows, the very same string where there is none; undefined: the value cannot be
 * masked and has to go. That is a URI, code or date with a hit, and a narrative with one within a tag.
 */
export function maskText(text: string, kind: TextKind, isHit: (token: string) => boolean): string | undefined {
  let current = text;
  for (let round = 0; round < roundsMax; round++) {
    let next: string | undefined;
    for (const part of partsOf(current, kind)) {
      const ranges: Range[] = [];
      scanPart(part, (token, start, end) => {
        if (isHit(token)) ranges.push({ start, end });
      });
      if (ranges.length === 0) continue;
      if (!part.maskable) return undefined;
      next = masked(part.folded, ranges);
    }
    if (next === undefined) return current;
    if (next === current) return undefined;
    current = next;
  }
  return undefined;
}
