/**
 * Marks: a cheap number, the same for a resource's id and for a token that is its whole. Every resource's id is sought
 * among the tokens of its own texts and hardly one stands there: marks tell so without a keyed hash of each. They are not
 * keyed, so they stay in memory, beside the texts that they are made of, and in nothing that leaves the walk.
 */
import { joinedLengthMax } from './words.ts';

/** Shorter ids are not sought: they could be words and counts. */
export const idLengthMin = 8;

const colon = ':'.charCodeAt(0);

// FNV-1a of 32 bits over UTF-16 units: marks that meet by chance only cost the keyed hash that they save otherwise.
const basis = 0x811c9dc5 | 0;
const prime = 0x01000193;

/** The marks of those tokens that could be the whole of an id. */
export function idMarksOf(tokens: readonly string[]): readonly number[] {
  const marks: number[] = [];
  for (const token of tokens) {
    if (token.length < idLengthMin || token.length > joinedLengthMax || token.charCodeAt(1) === colon) continue;
    let mark = basis;
    for (let at = 0; at < token.length; at++) mark = Math.imul(mark ^ token.charCodeAt(at), prime);
    marks.push(mark);
  }
  return marks;
}

/** The mark of the whole of an id, as `idWords` has it; undefined where it is too long to be recognised by that. */
export function idMarkOf(id: string): number | undefined {
  let mark = basis;
  let length = 0;
  for (let at = 0; at < id.length; at++) {
    const code = id.charCodeAt(at);
    if (code === 45 || code === 46) continue; // - and .
    mark = Math.imul(mark ^ (code >= 65 && code <= 90 ? code | 32 : code), prime);
    length++;
  }
  return length > joinedLengthMax ? undefined : mark;
}
