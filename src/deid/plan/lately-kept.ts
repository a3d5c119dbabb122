/**
 * Texts that lately passed at one place as they are, with their tokens for the leak guard. Systems, units, codes and
 * displays come over and over, and each place has few of them: comparing two texts costs less than asking a map, and what
 * was found out of a text under the same policy and key holds again.
 */
import type { WordHasher } from '../guard/hash.ts';
import type { KeptTokens } from '../guard/tokens.ts';

const slots = 128;

export class LatelyKept {
  #hasher: WordHasher | undefined;
  #texts: string[] = [];
  #tokens: (KeptTokens | undefined)[] = [];

  /** The tokens of a text that passed here under this key; undefined for every other. */
  tokensOf(text: string, hasher: WordHasher): KeptTokens | undefined {
    if (this.#hasher !== hasher) return undefined;
    const slot = slotOf(text);
    return this.#texts[slot] === text ? this.#tokens[slot] : undefined;
  }

  /** Remembers a text that passed as it is. */
  note(text: string, hasher: WordHasher, tokens: KeptTokens): void {
    if (this.#hasher !== hasher) {
      this.#hasher = hasher;
      this.#texts = new Array<string>(slots).fill('');
      // Without tokens: an empty text has not passed here before it has.
      this.#tokens = new Array<KeptTokens | undefined>(slots).fill(undefined);
    }
    const slot = slotOf(text);
    this.#texts[slot] = text;
    this.#tokens[slot] = tokens;
  }
}

/** Cheap, and enough to tell most texts of one place apart: the length and two letters. */
function slotOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0;
  return (length * 7 + text.charCodeAt(length - 1) * 5 + text.charCodeAt(length >> 1)) & (slots - 1);
}
