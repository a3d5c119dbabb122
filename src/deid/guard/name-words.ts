/**
 * Words of a removed name: its parts, and the ways in which people write parts together or apart.
 *
 * O'Brien is also obrien, Smith-Jones also smithjones, McDonald also 'mc donald', Müller also mueller, De La Cruz also
 * delacruz; Maegan141 (Synthea's names carry numbers) also maegan. Titles tell nobody; particles only where a name has
 * nothing else.
 */
import { pairToken } from './address-words.ts';
import { foldText } from './fold.ts';
import { addAll } from './lists.ts';
import { wordKind } from './lexicon.ts';
import { gap, hasLetter, runsOf, unspaced } from './runs.ts';
import { unspacedRuns, unspacedWords } from './unspaced-words.ts';

const joinedLengthMin = 4;

/** The German and Nordic way to write an umlaut without one, and back. */
const umlauts: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe' };

function respelt(value: string, folded: string): string[] {
  const out: string[] = [];
  const composed = value.normalize('NFC').toLowerCase();
  if (/[äöüåø]/.test(composed)) out.push(composed.replace(/[äöüåø]/g, (letter) => umlauts[letter] ?? letter));
  const without = folded.replace(/([aou])e/g, '$1');
  if (without !== folded && without.length >= joinedLengthMin) out.push(without);
  return out;
}

/** A part of a name as text yields it: a word that is also an everyday one only where it is written like a name. */
function nameToken(word: string): string | undefined {
  if (word.length < 2) return undefined;
  const kind = wordKind(word);
  if (kind === 'title') return undefined;
  return kind === undefined ? word : `c:${word}`;
}

/** Parts that capitals set apart: Mc and Donald. */
function camelPair(cased: string): string | undefined {
  const match = /^(\p{Lu}\p{Ll}{1,30})(\p{Lu}\p{Ll}{1,30})$/u.exec(cased);
  return match === null ? undefined : pairToken((match[1] ?? '').toLowerCase(), (match[2] ?? '').toLowerCase());
}

interface NamePart {
  /** Letters alone. */
  readonly letters: string;
  /** Whether it stands close to the part before it. */
  readonly close: boolean;
}

/** Two or three parts written as one word. */
function joinedWords(parts: readonly NamePart[]): string[] {
  const out: string[] = [];
  for (const [at, part] of parts.entries()) {
    let joined = part.letters;
    for (let next = at + 1; next < at + 4; next++) {
      const other = parts[next];
      if (other?.close !== true) break;
      joined += other.letters;
      if (joined.length >= joinedLengthMin) out.push(joined);
    }
  }
  return out;
}

/** Of three or four characters without a space the family name is one or two: 山田太郎, 김철수. */
function familyAndGiven(folded: string): string[] {
  return unspacedRuns(folded)
    .filter((run) => run.length === 3 || run.length === 4)
    .flatMap((run) => [run.slice(0, 2), run.slice(-2)]);
}

/** Family and given names as one word: 李小龙, and `princesmith` or `smithprince` where nothing sets them apart. */
export function wholeNameWords(family: string, given: readonly string[]): string[] {
  const familyText = foldText(family).text;
  const firsts = new Set([given[0] ?? '', given.join('')].map((text) => foldText(text).text));
  const tokens: string[] = [];
  for (const first of firsts) {
    if (first === '' || familyText === '') continue;
    for (const whole of [`${familyText}${first}`, `${first}${familyText}`]) {
      addAll(tokens, unspacedWords(whole.replace(/\s/g, '')));
      const letters = whole.replace(/[^\p{L}\p{M}]/gu, '');
      const isSpaced = runsOf(letters).kinds.every((kind) => kind === hasLetter);
      if (isSpaced && letters.length >= joinedLengthMin && letters.length <= 64 && wordKind(letters) === undefined)
        tokens.push(letters);
    }
  }
  return [...new Set(tokens)];
}

export function nameWords(value: string): string[] {
  const folded = foldText(value);
  const { starts, ends, kinds, gaps } = runsOf(folded.text);
  const tokens = [...unspacedWords(folded.text), ...familyAndGiven(folded.text)];
  const parts: NamePart[] = [];
  const particles: string[] = [];
  for (const [at, start] of starts.entries()) {
    if (kinds[at] === unspaced) continue;
    const word = folded.text.slice(start, ends[at]);
    const letters = kinds[at] === hasLetter ? word : (/[^0-9]+/.exec(word)?.[0] ?? '');
    if (letters !== word && word.length >= 3 && letters.length >= 2) tokens.push(word);
    const token = nameToken(letters);
    if (token !== undefined && wordKind(letters) === 'particle') particles.push(token);
    else if (token !== undefined) tokens.push(token);
    const pair = camelPair(folded.cased.slice(start, ends[at]));
    if (pair !== undefined) tokens.push(pair);
    if (letters.length > 0) parts.push({ letters, close: ((gaps[at] ?? 0) & (gap.tight | gap.space)) !== 0 });
    if (letters.length >= joinedLengthMin) for (const other of respelt(letters, letters)) tokens.push(other);
  }
  for (const word of value.split(/[^\p{L}\p{M}]+/u)) if (word.length >= 3) addAll(tokens, respelt(word, ''));
  addAll(tokens, joinedWords(parts));
  // 'van' of 'van der Berg' tells nothing; a name that is nothing but 'Van' has to be told by it.
  return tokens.length === 0 ? particles : tokens;
}
