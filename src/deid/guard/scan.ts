/**
 * The scanner: the tokens of a folded text, each with its span. Kept text and removed values both go through it.
 *
 * Tokens by form: a word or identifier as it is (`smith`, `mrn12345`, `12345`), a pair of neighbours (`main st`), and with
 * a prefix that no word has: `c:` a word that counts only when written like a name, `z:` a postal code, `t:` a day, `e:` an
 * e-mail address, `u:` a URL, `o:` an OID or IP address, `p:` and `q:` the end of a phone number, `n:` a short number as written,
 * `s:` a short identifier where nothing else can be meant, `w:` a whole value of words.
 * Identifiers have no separators: runs with nothing much between are joined too, so that `123-45-6789` is `123456789`.
 * From each run so many characters and neighbours are looked at: the time is in proportion to the text.
 */
import { pairToken } from './address-words.ts';
import { dateAt, isMonth } from './dates.ts';
import type { Folded } from './fold.ts';
import { scanGroups } from './groups.ts';
import type { GroupSink } from './groups.ts';
import { wordKind } from './lexicon.ts';
import { isLikeName } from './like-name.ts';
import { numberDigitsMin, numberTokens } from './numbers.ts';
import { gap, hasDigit, hasLetter, runsOf, unspaced } from './runs.ts';
import type { Runs } from './runs.ts';
import { shortBehind, shortTokenAt } from './short.ts';
import { emailSpots, emailTokens, urlSpots, urlToken } from './spots.ts';
import { scanUnspaced } from './unspaced-words.ts';
import { oidAt, uuidAt } from './wholes.ts';

/** `all`: everything that a text may say; `identifiers`: no words, pairs and postal codes; `dates`: days alone. */
export type ScanDepth = 'all' | 'identifiers' | 'dates';

/** Start and end are units of the folded text. */
export type TokenSink = (token: string, start: number, end: number) => void;

/** Longer runs are compared by their begin: base64, not words. */
const runLengthMax = 64;
const mixedLengthMax = 40;

class Scan {
  readonly #folded: Folded;
  readonly #text: string;
  readonly #runs: Runs;
  readonly #sink: TokenSink;
  readonly #all: boolean;
  readonly #groupSink: GroupSink;

  constructor(folded: Folded, runs: Runs, all: boolean, sink: TokenSink) {
    this.#folded = folded;
    this.#text = folded.text;
    this.#runs = runs;
    this.#all = all;
    this.#sink = sink;
    this.#groupSink = { token: sink, name: (word, at, start, end) => this.#name(word, at, start, end) };
  }

  run(): void {
    const { starts, ends, kinds, gaps } = this.#runs;
    let dateEnd = 0;
    let wholeEnd = 0;
    for (let at = 0; at < starts.length; at++) {
      const start = starts[at] ?? 0;
      const end = ends[at] ?? 0;
      const kind = kinds[at] ?? 0;
      if (this.#all && at > 0 && ((gaps[at] ?? 0) & gap.near) !== 0) this.#pair(at);
      if (kind === unspaced) {
        if (this.#all) scanUnspaced(this.#text, start, end, this.#sink);
        continue;
      }
      if (start < wholeEnd) continue;
      if (kind === hasLetter && this.#all) this.#word(at, start, end);
      const date = start >= dateEnd ? this.date(at) : 0;
      if (date > 0) dateEnd = date;
      if (start < dateEnd) continue;
      const whole = (kind & hasDigit) !== 0 || end - start === 8 ? this.#whole(at) : 0;
      if (whole > 0) {
        wholeEnd = whole;
        continue;
      }
      if (kind === hasDigit) {
        this.#number(start, end, start, end);
        if (this.#all && end - start >= 5 && end - start <= 9)
          this.#sink(`z:${this.#text.slice(start, end)}`, start, end);
      } else if (kind !== hasLetter) this.#mixed(at, start, end);
      if (this.#all && kind !== hasLetter && end - start <= 4) this.#short(at, start, end);
      scanGroups(this.#text, this.#runs, at, this.#all, this.#groupSink);
    }
  }

  /** Emits the date that begins with this run; its end, if its digits are surely nothing else. */
  date(at: number): number {
    const start = this.#runs.starts[at] ?? 0;
    const end = this.#runs.ends[at] ?? 0;
    const kind = this.#runs.kinds[at] ?? 0;
    const first = this.#text.charCodeAt(start);
    if (first < 0x30 || first > 0x39) {
      if (end - start > 16) return 0;
      const name = this.#text.slice(start, end);
      if (!isMonth(kind === hasLetter ? name : name.replace(/[0-9].*$/, ''))) return 0;
    } else if (kind === hasDigit && end - start > 2 && end - start !== 4 && end - start !== 8 && end - start < 12)
      return 0;
    const date = dateAt(this.#text, start);
    if (date === undefined) return 0;
    for (const day of date.days) this.#sink(`t:${day}`, start, date.end);
    return date.surely ? date.end : 0;
  }

  /** A UUID or OID that begins with this run: one token instead of those of its groups. */
  #whole(at: number): number {
    const start = this.#runs.starts[at] ?? 0;
    const uuid = uuidAt(this.#text, this.#runs, at);
    if (uuid !== undefined) {
      this.#sink(uuid.token, start, uuid.end);
      return uuid.end;
    }
    const oid = oidAt(this.#text, this.#runs, at);
    if (oid === undefined) return 0;
    for (const token of oid.tokens) this.#sink(token, start, oid.end);
    return oid.end;
  }

  #pair(at: number): void {
    const { starts, ends, kinds } = this.#runs;
    if (kinds[at - 1] === unspaced || kinds[at] === unspaced) return;
    const start = starts[at - 1] ?? 0;
    const middle = ends[at - 1] ?? 0;
    const from = starts[at] ?? 0;
    const end = ends[at] ?? 0;
    if (middle - start > runLengthMax || end - from > runLengthMax) return;
    const token = pairToken(this.#text.slice(start, middle), this.#text.slice(from, end));
    if (token !== undefined) this.#sink(token, start, end);
  }

  /** A word of letters, and its parts where capitals set them apart: McDonald, JohnSmith. */
  #word(at: number, start: number, end: number): void {
    if (end - start < 2) return;
    this.#name(this.#text.slice(start, Math.min(end, start + runLengthMax)), at, start, end);
    const { cased, text } = this.#folded;
    if (end - start > mixedLengthMax) return;
    let from = start;
    for (let unit = start + 1; unit <= end; unit++) {
      const capital = unit < end && cased.charCodeAt(unit) !== text.charCodeAt(unit);
      if (!(capital && cased.charCodeAt(unit - 1) === text.charCodeAt(unit - 1)) && unit < end) continue;
      if (unit - from >= 2 && unit - from < end - start) this.#name(text.slice(from, unit), at, start, end, from);
      from = unit;
    }
  }

  #name(word: string, at: number, start: number, end: number, from = start): void {
    const kind = wordKind(word);
    if (kind === undefined) this.#sink(word, start, end);
    else if (kind !== 'title' && isLikeName(this.#folded, this.#runs, at, from)) this.#sink(`c:${word}`, start, end);
  }

  #number(from: number, to: number, start: number, end: number): void {
    if (to - from < numberDigitsMin) return;
    const digits = this.#text.slice(from, Math.min(to, from + runLengthMax));
    for (const token of numberTokens(digits)) this.#sink(token, start, end);
  }

  #short(at: number, start: number, end: number): void {
    const { starts, ends, gaps } = this.#runs;
    const isNear = at > 0 && ((gaps[at] ?? 0) & gap.near) !== 0;
    const before = isNear ? this.#text.slice(starts[at - 1], ends[at - 1]) : '';
    const token = shortTokenAt(this.#text, start, end, before);
    if (token !== undefined) this.#sink(token, start, end);
  }

  /** Letters and digits in one run: Maegan141, MRN00012345, SW1A. */
  #mixed(at: number, start: number, end: number): void {
    const text = this.#text;
    const length = end - start;
    if (length >= 3) this.#sink(text.slice(start, Math.min(end, start + runLengthMax)), start, end);
    if (length > mixedLengthMax) return;
    if (this.#all && length >= 5 && length <= 8) this.#sink(`z:${text.slice(start, end)}`, start, end);
    let from = start;
    while (from < end) {
      const digits = isDigitCode(text.charCodeAt(from));
      let to = from + 1;
      while (to < end && isDigitCode(text.charCodeAt(to)) === digits) to++;
      if (digits) {
        this.#number(from, to, start, end);
        const short = this.#all && to === end ? shortBehind(text.slice(start, from), text.slice(from, end)) : undefined;
        if (short !== undefined) this.#sink(short, start, end);
        if (to - from === 8 && from > start) this.#dayWithin(from, start, end);
        if (this.#all && to - from === 5 && from - start <= 2) this.#sink(`z:${text.slice(from, to)}`, start, end);
      } else if (this.#all && to - from >= (from === start ? 2 : 4))
        this.#name(text.slice(from, to), at, start, end, from);
      from = to;
    }
  }

  #dayWithin(from: number, start: number, end: number): void {
    for (const day of dateAt(this.#text, from)?.days ?? []) this.#sink(`t:${day}`, start, end);
  }
}

const isDigitCode = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Tells `sink` every token of the text, some more than once. */
export function scan(folded: Folded, depth: ScanDepth, sink: TokenSink): void {
  const { text } = folded;
  if (depth !== 'dates') {
    if (text.includes('@')) {
      for (const { start, end } of emailSpots(text)) {
        for (const token of emailTokens(text.slice(start, end))) sink(token, start, end);
      }
    }
    if (text.includes('://') || text.includes('www.')) {
      for (const { start, end } of urlSpots(text)) {
        const token = urlToken(text.slice(start, end));
        if (token !== undefined) sink(token, start, end);
      }
    }
  }
  const runs = runsOf(text);
  const walk = new Scan(folded, runs, depth === 'all', sink);
  if (depth !== 'dates') walk.run();
  else for (let at = 0; at < runs.starts.length; at++) walk.date(at);
}
