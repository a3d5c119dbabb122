/**
 * Folding: text as the guard compares it, and the way back to where each character stood.
 *
 * Compatibility decomposition (Unicode NFKD, UAX #15), diacritics off, lower case, digits of every script as 0-9, dashes
 * and apostrophes in one form, nothing invisible (zero-width characters, soft hyphens, controls, lone surrogates): they
 * split words for a program and not for a reader. Vowel signs of Indic scripts are marks too, but words differ by them,
 * so only diacritics go. Plain ASCII, nearly all of it, takes a short way without a map.
 */

/** Folded text; unit `i` of `text` stands for `raw` from `starts[i]` to `ends[i]`, or for itself where there is no map. */
export interface Folded {
  readonly raw: string;
  readonly text: string;
  /** `text` before it was put in lower case, unit by unit. */
  readonly cased: string;
  readonly map: { readonly starts: readonly number[]; readonly ends: readonly number[] } | undefined;
}

/** Stands for something that is not to be seen between two characters, such as an inline tag: it ties words. */
export const softUnit = '\u0001';
/** Stands for a symbol that no word, number or address goes across. */
export const breakUnit = '\u0002';

/** Letters that NFKD leaves whole. */
const letters = new Map(
  Object.entries({ ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', ł: 'l', Ł: 'L' }).concat(
    Object.entries({ đ: 'd', Đ: 'D', ð: 'd', Ð: 'D', þ: 'th', Þ: 'TH', ı: 'i', ħ: 'h', Ħ: 'H', ŧ: 't', Ŧ: 'T' }),
  ),
);

const apostrophes = new Set("'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u2018\u2019\u201b\u2032\u2035\uff07");
const middleDots = new Set('\u00b7\u0387\u2027\u30fb\uff65');

function isDiacritic(code: number): boolean {
  return (
    (code >= 0x300 && code <= 0x36f) || // combining diacritics
    (code >= 0x483 && code <= 0x487) || // Cyrillic
    (code >= 0x591 && code <= 0x5c7 && code !== 0x5be && code !== 0x5c0 && code !== 0x5c3 && code !== 0x5c6) || // Hebrew
    (code >= 0x610 && code <= 0x61a) || // Arabic
    code === 0x640 || // its tatweel
    (code >= 0x64b && code <= 0x65f) ||
    code === 0x670 ||
    (code >= 0x6d6 && code <= 0x6dc) ||
    (code >= 0x1ab0 && code <= 0x1aff) ||
    (code >= 0x1dc0 && code <= 0x1dff) ||
    (code >= 0x20d0 && code <= 0x20ff) ||
    code === 0x3099 || // voicing of kana
    code === 0x309a ||
    (code >= 0xfe00 && code <= 0xfe0f) || // variation selectors
    (code >= 0xfe20 && code <= 0xfe2f)
  );
}

/** Unicode's decimal digits stand in rows of ten. */
function digitValue(code: number): number {
  let steps = 0;
  while (steps < 100 && /^\p{Nd}$/u.test(String.fromCodePoint(code - 1 - steps))) steps++;
  return steps % 10;
}

function foldOne(char: string, code: number): string {
  if (code < 0x80) return code < 0x20 || code === 0x7f ? '' : char;
  if (isDiacritic(code)) return '';
  if (/^[\p{L}\p{M}]$/u.test(char)) return letters.get(char) ?? char;
  if (/^\p{Nd}$/u.test(char)) return String(digitValue(code));
  if (/^[\p{Pd}\u2212]$/u.test(char)) return '-';
  if (code === 0x2044) return '/'; // the stroke of a fraction
  if (code === 0x85 || code === 0x2028 || code === 0x2029) return '\n';
  if (/^\p{Z}$/u.test(char)) return ' ';
  if (/^[\p{C}]$/u.test(char)) return '';
  if (code >= 0x3001 && code <= 0x3002) return ',';
  return breakUnit;
}

function foldAfresh(code: number): string {
  if (code >= 0xd800 && code <= 0xdfff) return ''; // a lone surrogate
  const char = String.fromCodePoint(code);
  if (apostrophes.has(char)) return "'";
  if (middleDots.has(char)) return softUnit;
  // Hangul syllables stay whole: their parts are letters too, and two letters in common mean nothing.
  if (code >= 0xac00 && code <= 0xd7a3) return char;
  let out = '';
  for (const part of letters.has(char) ? char : char.normalize('NFKD')) out += foldOne(part, part.codePointAt(0) ?? 0);
  return out;
}

const foldMemoEntriesMax = 20_000;
let foldMemo = new Map<number, string>();

/** What becomes of one code point: several units, one, or none. */
function foldCodePoint(code: number): string {
  if (code >= 0x20 && code < 0x7f) return code === 0x60 ? "'" : String.fromCharCode(code);
  if (code === 0x9 || code === 0xa || code === 0xd) return String.fromCharCode(code);
  let folded = foldMemo.get(code);
  if (folded === undefined) {
    if (foldMemo.size >= foldMemoEntriesMax) foldMemo = new Map();
    foldMemo.set(code, (folded = foldAfresh(code)));
  }
  return folded;
}

/** Length of the Hangul syllable written in two or three conjoining letters at `at`, 0 where there is none. */
function conjoinedLength(text: string, at: number): number {
  const lead = text.charCodeAt(at);
  const vowel = text.charCodeAt(at + 1);
  if (!(lead >= 0x1100 && lead <= 0x1112 && vowel >= 0x1161 && vowel <= 0x1175)) return 0;
  const tail = text.charCodeAt(at + 2);
  return tail >= 0x11a8 && tail <= 0x11c2 ? 3 : 2;
}

/** Collects folded text with its way back. */
export class FoldBuilder {
  #cased = '';
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** `text`, which stands in the raw text from `rawStart` on, unit for unit. */
  addText(text: string, rawStart: number): void {
    for (let at = 0; at < text.length;) {
      const joined = conjoinedLength(text, at);
      const code =
        joined > 0
          ? (text
              .slice(at, at + joined)
              .normalize('NFC')
              .codePointAt(0) ?? 0)
          : text.codePointAt(at);
      if (code === undefined) return;
      const length = joined > 0 ? joined : code > 0xffff ? 2 : 1;
      this.addCodePoint(code, rawStart + at, rawStart + at + length);
      at += length;
    }
  }

  addCodePoint(code: number, rawStart: number, rawEnd: number): void {
    const folded = foldCodePoint(code);
    const last = this.#ends.length - 1;
    // What leaves nothing goes with the character before it, as an accent does.
    if (folded === '' && this.#ends[last] === rawStart) this.#ends[last] = rawEnd;
    for (let left = folded.length; left > 0; left--) {
      this.#starts.push(rawStart);
      this.#ends.push(rawEnd);
    }
    this.#cased += folded;
  }

  /** A unit that stands for markup at `rawAt`: nothing of the raw text is its own. */
  addMark(unit: string, rawAt: number): void {
    if (unit === softUnit && this.#cased.endsWith(softUnit)) return;
    this.#starts.push(rawAt);
    this.#ends.push(rawAt);
    this.#cased += unit;
  }

  build(raw: string): Folded {
    return { raw, text: lower(this.#cased), cased: this.#cased, map: { starts: this.#starts, ends: this.#ends } };
  }
}

/** Lower case has as many units as what was folded; a test goes through all of Unicode. */
const lower = (cased: string): string => cased.toLowerCase().replaceAll('ς', 'σ');

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7e || code === 0x60 || (code < 0x20 && code !== 0x9 && code !== 0xa && code !== 0xd)) return false;
  }
  return true;
}

export function foldText(raw: string): Folded {
  if (isPlain(raw)) return { raw, text: raw.toLowerCase(), cased: raw, map: undefined };
  const builder = new FoldBuilder();
  builder.addText(raw, 0);
  return builder.build(raw);
}

/** A span of folded text. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly marker: string;
}

/** The raw text with each span's own characters replaced by its marker; markup inside a span stays. Spans in order, apart. */
export function replaceSpans(folded: Folded, spans: readonly Span[]): string {
  const { raw, map } = folded;
  let out = '';
  let done = 0;
  for (const { start, end, marker } of spans) {
    if (map === undefined) {
      out += raw.slice(done, start) + marker;
      done = end;
      continue;
    }
    let put = false;
    for (let unit = start; unit < end; unit++) {
      const from = map.starts[unit] ?? raw.length;
      const to = map.ends[unit] ?? raw.length;
      if (to <= done || from === to) continue;
      if (from > done) out += raw.slice(done, from);
      if (!put) out += marker;
      put = true;
      done = to;
    }
  }
  return out + raw.slice(done);
}
