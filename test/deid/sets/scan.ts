/**
 * Looks for needles in output: as words of their own, whatever stands between them and in whatever case, in every string
 * and every key, in base64 as well. `(617) 555-0143` is found as `617.555.0143` and as `6175550143`.
 */
import type { Json } from '../../../src/fhir/resource.ts';
import type { NeedleKind } from './needles.ts';

export interface Find {
  readonly kind: NeedleKind;
  readonly needle: string;
  readonly text: string;
}

interface Needle {
  readonly kind: NeedleKind;
  readonly text: string;
  readonly words: readonly string[];
}

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** Telephone numbers and dotted or dashed numbers run together, as machines write them. */
const joined = (words: readonly string[]): readonly string[][] => {
  const whole = words.join('');
  return words.length > 1 && /^\d{9,}$/.test(whole) ? [[whole]] : [];
};

/** HTML's ways to write a character, so that a narrative hides nothing. */
const unescaped = (text: string): string =>
  text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&#x([\da-f]+);/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&(?:apos|quot|nbsp);/g, ' ')
    .replace(/&amp;/g, '&');

/** Every string of a value, keys included; what stands under `data` as base64 in clear, too. */
export function stringsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(stringsOf);
  return Object.entries(value).flatMap(([key, member]) => {
    const hidden = key === 'data' && typeof member === 'string' ? [Buffer.from(member, 'base64').toString('utf8')] : [];
    return [key, ...stringsOf(member), ...hidden];
  });
}

/** A set of needles, ready to be looked for. */
export class Scanner {
  readonly #byFirstWord = new Map<string, Needle[]>();

  constructor(needles: ReadonlyMap<string, NeedleKind>) {
    for (const [text, kind] of needles) {
      const words = wordsOf(text);
      for (const form of [words, ...joined(words)]) {
        const [first] = form;
        if (first === undefined) continue;
        const found = this.#byFirstWord.get(first) ?? [];
        this.#byFirstWord.set(first, found);
        found.push({ kind, text, words: form });
      }
    }
  }

  scan(value: Json): Find[] {
    return stringsOf(value).flatMap((text) => this.#inText(text));
  }

  #inText(text: string): Find[] {
    const words = wordsOf(text.includes('&') ? unescaped(text) : text);
    return words.flatMap((word, at) =>
      (this.#byFirstWord.get(word) ?? [])
        .filter((needle) => needle.words.every((one, offset) => words[at + offset] === one))
        .map(({ kind, text: needle }): Find => ({ kind, needle, text })),
    );
  }
}
