/**
 * Removed values as they stand alone: what a code, or a value in a URL's query, is compared with. Of plain words only
 * the whole is sought there, since codes and addresses are made of everyday words.
 *
 * Four letters are a unit, a language or a kind of visit far more often than a name.
 */
import { wordKind } from './lexicon.ts';

const lengths = { min: 5, max: 64 };
const form = /^[\p{L}\p{M}][\p{L}\p{M}' .-]*$/u;

/** Whether folded text could be a whole name: letters, and none of the words that everybody uses. */
export function wholeToken(folded: string): string | undefined {
  const text = folded.length > lengths.max + 2 ? '' : folded.trim();
  if (text.length < lengths.min || text.length > lengths.max || !form.test(text)) return undefined;
  return wordKind(text) === undefined ? `w:${text}` : undefined;
}

const queryMax = 2_000;

/** Tokens of the values in a URL's query: each whole, and each word of it. */
export function queryTokens(folded: string): string[] {
  const query = /\?([^#]*)/s.exec(folded.slice(0, queryMax))?.[1] ?? '';
  const tokens = new Set<string>();
  for (const pair of query.split(/[&;]/)) {
    const value = pair.slice(pair.indexOf('=') + 1).replaceAll('+', ' ');
    for (const part of [value, ...value.split(/[ ,|]+/)]) {
      const token = wholeToken(part);
      if (token !== undefined) tokens.add(token);
    }
  }
  return [...tokens];
}
