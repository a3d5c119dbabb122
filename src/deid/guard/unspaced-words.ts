/**
 * Words of scripts that set no spaces: Han, kana, Hangul, Thai, Lao, Khmer, Burmese.
 *
 * Kept text yields every substring of two to four characters, so that no dictionary is needed to find where a word begins.
 * A removed sequence of up to four characters is one token; a longer one the fours that cover it, so that the whole of
 * it is masked where it stands. One character alone is compared only where it stands alone: most are words of their own.
 */
import { runsOf, unspaced } from './runs.ts';

const longestToken = 4;

/** The sequences of unspaced script in folded text. */
export function unspacedRuns(text: string): string[] {
  const { starts, ends, kinds } = runsOf(text);
  const out: string[] = [];
  for (const [at, start] of starts.entries()) if (kinds[at] === unspaced) out.push(text.slice(start, ends[at]));
  return out;
}

/** Substrings of two to four characters: at whatever place a removed value stands in the run, it is one of them. */
export function scanUnspaced(
  text: string,
  start: number,
  end: number,
  sink: (token: string, start: number, end: number) => void,
): void {
  if (end - start === 1) sink(text.slice(start, end), start, end);
  for (let at = start; at < end; at++) {
    const longest = Math.min(longestToken, end - at);
    for (let length = 2; length <= longest; length++) sink(text.slice(at, at + length), at, at + length);
  }
}

export function unspacedWords(text: string): string[] {
  const tokens: string[] = [];
  for (const run of unspacedRuns(text)) {
    if (run.length <= longestToken) {
      tokens.push(run);
      continue;
    }
    for (let at = 0; at + longestToken < run.length; at += longestToken) tokens.push(run.slice(at, at + longestToken));
    tokens.push(run.slice(-longestToken));
  }
  return tokens;
}
