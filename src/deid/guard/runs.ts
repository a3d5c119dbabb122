/**
 * Runs: the maximal sequences of letters and digits of a folded text, and what lies between them.
 * Everything that the guard compares is a run, a part of one, or several with nothing much between.
 */
import { breakUnit, softUnit } from './fold.ts';
import { markerLength } from './lexicon.ts';

/** What a run is made of, as bits. */
export const hasLetter = 1;
export const hasDigit = 2;
/** Of a script that sets no spaces between words: such runs are compared by their substrings. */
export const unspaced = 4;

/** What lies before a run, as bits. */
export const gap = {
  /** One connecting character, as in O'Brien, 123-45 or a/b; or nothing that is to be seen. */
  tight: 1,
  /** One space. */
  space: 2,
  /** What stands between the groups of a phone number. */
  numeric: 4,
  /** Little enough that two words are neighbours. */
  near: 8,
  /** The end of a sentence or line, or the begin of the text. */
  sentence: 16,
} as const;

/** Parallel lists: one run an index. */
export interface Runs {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly kinds: readonly number[];
  readonly gaps: readonly number[];
}

const letterClass = 1;
const digitClass = 2;
const unspacedClass = 3;

const asciiClasses = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code >= 0x30 && code <= 0x39) return digitClass;
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) ? letterClass : 0;
});

/** Of the units beyond ASCII only letters and their marks are left by folding; a surrogate is half a rare Han character. */
function classOf(code: number): number {
  if (code < 128) return asciiClasses[code] ?? 0;
  if (code < 0xe00) return letterClass;
  const isUnspaced =
    code <= 0xeff || // Thai, Lao
    (code >= 0x1000 && code <= 0x109f) || // Burmese
    (code >= 0x1780 && code <= 0x17ff) || // Khmer
    (code >= 0x2e80 && code <= 0x9fff) || // kana, Han
    (code >= 0xac00 && code <= 0xdfff) || // Hangul, surrogates
    (code >= 0xf900 && code <= 0xfaff); // Han, compatibility
  return isUnspaced ? unspacedClass : letterClass;
}

const unitSet = (units: string): ReadonlySet<number> => new Set(Array.from(units, (unit) => unit.charCodeAt(0)));

const tightUnits = unitSet(`-._'/:#+&@=\\${softUnit}`);
const numericUnits = unitSet(` \t()./-+_:#${softUnit}`);
const sentenceEnds = unitSet('.!?');
const lineEnds = unitSet('\r\n');

const numericLengthMax = 3;
const nearLengthMax = 5;
const bracket = '['.charCodeAt(0);
const space = ' '.charCodeAt(0);
const breakCode = breakUnit.charCodeAt(0);

function gapBits(text: string, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return gap.near; // a change of script
  if (length === 1) {
    const code = text.charCodeAt(start);
    if (code === space) return gap.space | gap.numeric | gap.near;
    if (tightUnits.has(code)) return gap.tight | gap.near | (numericUnits.has(code) ? gap.numeric : 0);
  }
  let bits = (length <= numericLengthMax ? gap.numeric : 0) | (length <= nearLengthMax ? gap.near : 0);
  // Longer gaps tie nothing; that a sentence ended in one is seen at its begin or its end.
  const look = Math.min(length, 40);
  for (let at = 0; at < look; at++) {
    const code = text.charCodeAt(start + at);
    if (!numericUnits.has(code)) bits &= ~gap.numeric;
    if (code === breakCode) bits &= ~gap.near;
    if (lineEnds.has(code) || (sentenceEnds.has(code) && length > 1)) bits |= gap.sentence;
  }
  return bits;
}

export function runsOf(text: string): Runs {
  const starts: number[] = [];
  const ends: number[] = [];
  const kinds: number[] = [];
  const gaps: number[] = [];
  let at = 0;
  let last = 0;
  let cut = true;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const first = classOf(code);
    if (first === 0) {
      const marker = code === bracket ? markerLength(text, at) : 0;
      if (marker > 0) cut = true;
      at += marker > 0 ? marker : 1;
      continue;
    }
    const start = at;
    let kind = 0;
    if (first === unspacedClass) {
      kind = unspaced;
      do at++;
      while (at < text.length && classOf(text.charCodeAt(at)) === unspacedClass);
    } else {
      let unit = first;
      do {
        kind |= unit;
        at++;
        unit = at < text.length ? classOf(text.charCodeAt(at)) : 0;
      } while (unit === letterClass || unit === digitClass);
    }
    starts.push(start);
    ends.push(at);
    kinds.push(kind);
    gaps.push(cut ? gap.sentence : gapBits(text, last, start));
    last = at;
    cut = false;
  }
  return { starts, ends, kinds, gaps };
}
